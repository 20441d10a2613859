import { Socket } from 'node:net'

/** What a write that could not end at once is known by. Ends with `oncomplete`, called with a negative errno or 0. */
export interface WriteRequest {
  oncomplete: (this: WriteRequest, status: number) => void
  /** Whom to tell. */
  owner: { written(status: number): void } | null
}

/** The system's side of a socket, as far as it is written to. */
export interface WritableHandle {
  writeLatin1String(request: WriteRequest, text: string): number
  writeBuffer(request: WriteRequest, octets: Buffer): number
  /** Octets that the system has not taken yet. */
  readonly writeQueueSize: number
}

let WriteRequestClass: (new () => WriteRequest) | null = null

/**
 * The handle of a socket that can be written to without its stream; null where there is none, and then the stream has
 * to do. To go through the stream costs about 2 us for each request, an eighth of all (bench/README.md): state, a
 * request object, a tick and a callback for a write that is over before it returns.
 *
 * The handle is not part of Node's documented interface. So everything that is used of it is looked for first, and the
 * class of its requests is learned from a write that Node itself makes.
 */
export function writableHandle(socket: unknown): WritableHandle | null {
  if (!(socket instanceof Socket) || 'encrypted' in socket) return null
  const handle = (socket as unknown as { _handle: WritableHandle | null })._handle
  if (handle === null || typeof handle !== 'object') return null
  const isKnown =
    typeof handle.writeLatin1String === 'function' &&
    typeof handle.writeBuffer === 'function' &&
    typeof handle.writeQueueSize === 'number'
  return isKnown ? handle : null
}

/** Looks over the shoulder of the next write of characters that goes through the stream. */
export function learnFrom(socket: unknown): void {
  const handle = writableHandle(socket)
  if (handle === null || Object.hasOwn(handle, 'writeLatin1String')) return
  const write = handle.writeLatin1String
  const own = handle as { writeLatin1String?: WritableHandle['writeLatin1String'] }
  own.writeLatin1String = (request, text) => {
    delete own.writeLatin1String
    WriteRequestClass = request.constructor as new () => WriteRequest
    return write.call(handle, request, text)
  }
}

/** Whether a write was seen that showed how. */
export const canWriteDirectly = (): boolean => WriteRequestClass !== null

function completed(this: WriteRequest, status: number): void {
  this.owner?.written(status)
}

/** A request is used up only by a write that does not end at once, which is rare: the last one is kept. */
let spare: WriteRequest | null = null

/**
 * Writes what the system takes at once and leaves the rest to it.
 *
 * @returns 0: all is out; 1: `owner.written` will be called; negative: errno
 */
export function writeDirectly(
  handle: WritableHandle,
  what: string | Buffer,
  owner: { written(status: number): void },
): number {
  let request = spare
  if (request === null) {
    request = new WriteRequestClass!()
    request.oncomplete = completed
    spare = request
  }
  const status =
    typeof what === 'string' ? handle.writeLatin1String(request, what) : handle.writeBuffer(request, what)
  if (status !== 0) return status
  if (handle.writeQueueSize === 0) return 0
  request.owner = owner
  spare = null
  return 1
}
