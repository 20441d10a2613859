import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Clock, sleep } from '../../base/world.ts'
import type { Answer, Call } from './answer.ts'
import {
  type EmbeddedRegistry,
  type EmbeddedRegistryOptions,
  type Interceptor,
  startEmbeddedRegistry,
} from './server.ts'

/** What goes wrong. The first four happen when a request comes, the others when its answer is ready. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly body: string }
  /** No answer, ever; the connection stays open. */
  | { readonly kind: 'hang' }
  /** The connection is closed without an answer. */
  | { readonly kind: 'close' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Half of the body, then the connection is closed. */
  | { readonly kind: 'cut' }
  /** A list or an object without anything in it. */
  | { readonly kind: 'empty' }
  /** Text that is not JSON. */
  | { readonly kind: 'garbage' }
  /** This text in place of the body, with everything else as it is. */
  | { readonly kind: 'body'; readonly body: string }
  /** This text as `X-Consul-Index`; null: no such header. */
  | { readonly kind: 'index'; readonly index: string | null }
  /** The servers have lost their leader, or heard of it so long ago. */
  | { readonly kind: 'old'; readonly lastContactMs: number; readonly knownLeader: boolean }

export interface SeenRequest {
  readonly method: string
  /** Still encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
}

interface ActiveFault {
  readonly prefix: string
  readonly fault: Fault
  left: number
}

/** Makes a registry misbehave, and keeps account of who asks it for what. */
export class Faults implements Interceptor {
  readonly #clock: Clock
  readonly #active = new Set<ActiveFault>()
  readonly #sockets = new Set<Socket>()
  readonly #pending = new Map<AbortController, string>()
  #seen: SeenRequest[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Has requests to paths that start with `prefix` suffer the fault, beside those that they suffer already; `times`
   * often if given. The returned function ends that.
   */
  set(prefix: string, fault: Fault, times = Number.POSITIVE_INFINITY): () => void {
    const active = { prefix, fault, left: times }
    this.#active.add(active)
    return () => void this.#active.delete(active)
  }

  /** Ends all faults. A request that hangs already goes on hanging. */
  clear(): void {
    this.#active.clear()
  }

  /** Has blocked queries answer at once, with what they read last: a wake-up without a change. */
  wake(prefix = '/'): void {
    for (const [early, path] of this.#pending) if (path.startsWith(prefix)) early.abort()
  }

  /** Closes every connection, whatever is under way on it. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** Requests since the start or the last `forget`, in their order. */
  seen(prefix = '/'): readonly SeenRequest[] {
    return this.#seen.filter(({ path }) => path.startsWith(prefix))
  }

  /** How many requests came to each path. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { path } of this.#seen) counts.set(path, (counts.get(path) ?? 0) + 1)
    return counts
  }

  /** Requests to such paths that wait for their answer: blocked, delayed or hanging. */
  pending(prefix = '/'): number {
    return [...this.#pending.values()].filter((path) => path.startsWith(prefix)).length
  }

  forget(): void {
    this.#seen = []
  }

  connected(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  async intercept(
    path: string,
    { method, query, signal }: Call,
    response: ServerResponse,
    answer: (early: AbortSignal) => Promise<Answer>,
  ): Promise<Answer | null> {
    this.#seen.push({ method, path, query })
    const early = new AbortController()
    this.#pending.set(early, path)
    try {
      for (const fault of this.#take(path, ['delay', 'hang', 'close', 'status'])) {
        if (fault.kind === 'delay') await sleep(this.#clock, fault.ms, signal)
        if (fault.kind === 'status') return plainText(fault.status, fault.body)
        if (fault.kind === 'close') response.destroy()
        if (fault.kind === 'hang' && !signal.aborted) await once(signal, 'abort')
        if (fault.kind === 'hang' || fault.kind === 'close') return null
      }
      let given = await answer(early.signal)
      for (const fault of this.#take(path, ['empty', 'garbage', 'body', 'index', 'old']))
        given = spoil(given, fault)
      if (this.#take(path, ['cut']).length === 0) return given
      cut(response, given)
      return null
    } finally {
      this.#pending.delete(early)
    }
  }

  /** Those that are set for the path, each counted as having happened once more. */
  #take(path: string, kinds: readonly Fault['kind'][]): Fault[] {
    const taken = [...this.#active].filter(
      ({ prefix, fault }) => path.startsWith(prefix) && kinds.includes(fault.kind),
    )
    for (const active of taken) {
      active.left--
      if (active.left <= 0) this.#active.delete(active)
    }
    return taken.map(({ fault }) => fault)
  }
}

const plainText = (status: number, body: string): Answer => ({
  status,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body,
})

function spoil(answer: Answer, fault: Fault): Answer {
  if (fault.kind === 'garbage') return { ...answer, body: '[{"Node": {"Node": <garbage' }
  if (fault.kind === 'body') return { ...answer, status: 200, body: fault.body }
  if (fault.kind === 'empty') {
    const isObject = answer.body.toString('utf8').startsWith('{')
    return { ...answer, status: 200, body: isObject ? '{}\n' : '[]\n' }
  }
  if (fault.kind === 'old') {
    const lost = {
      'X-Consul-Lastcontact': String(fault.lastContactMs),
      'X-Consul-Knownleader': String(fault.knownLeader),
    }
    return { ...answer, headers: { ...answer.headers, ...lost } }
  }
  if (fault.kind !== 'index') return answer
  const { 'X-Consul-Index': _real, ...headers } = answer.headers
  return {
    ...answer,
    headers: fault.index === null ? headers : { ...headers, 'X-Consul-Index': fault.index },
  }
}

function cut(response: ServerResponse, { status, headers, body }: Answer): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { ...headers, 'Content-Length': bytes.length })
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy())
}

/** A registry for tests: it can misbehave, go away and come back. */
export interface FaultyRegistry extends EmbeddedRegistry {
  readonly faults: Faults
  /** Goes away: connections are refused until `start`. Its state is lost. */
  stop(): Promise<void>
  /** Comes back on the same port, empty and with a low index. */
  start(): Promise<void>
  /** Both at once. */
  restart(): Promise<void>
}

/** Far above the index after a restart, which thus goes back. */
const firstIndex = 1_000
const firstIndexAfterRestart = 10

/** Rejects as `startEmbeddedRegistry` does. */
export async function startFaultyRegistry(
  options: Omit<EmbeddedRegistryOptions, 'interceptor' | 'firstIndex'>,
): Promise<FaultyRegistry> {
  const faults = new Faults(options.world.clock)
  let running = await startEmbeddedRegistry({ ...options, firstIndex, interceptor: faults })
  const { url, port, node } = running
  const stop = (): Promise<void> => running.close()
  const start = async (): Promise<void> => {
    running = await startEmbeddedRegistry({
      ...options,
      port,
      firstIndex: firstIndexAfterRestart,
      interceptor: faults,
    })
  }
  return {
    url,
    port,
    node,
    faults,
    stop,
    start,
    async restart() {
      await stop()
      await start()
    },
    close: stop,
  }
}
