import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getSystemErrorName } from 'node:util'
import { smallChunk } from './buffers.ts'
import {
  canWriteDirectly,
  learnFrom,
  type WritableHandle,
  writableHandle,
  writeDirectly,
} from './direct-write.ts'
import { latin1 } from './latin1.ts'

/** What a connection is told about its socket. */
export interface TransportEvents {
  /**
   * Octets have come: `buffer` up to `size`. They are gone when this returns, unless the buffer is this connection's
   * own and reading is paused.
   */
  data(size: number, buffer: Buffer): void
  /** The other side sends no more. */
  ended(): void
  /** Everything written has gone out, after `bytes` said false. */
  drained(): void
  /** The other side takes no more. What it has sent can still be read. */
  writeFailed(error: Error): void
  /** The last call. */
  closed(error: Error | null): void
}

const nothing = Buffer.alloc(0)

/** Transports that have text to write, and whether somebody writes it at the end of what runs now. */
const waiting: (Transport | null)[] = []
/** How many of them there are. The list is never cut: to set the length of an array is slow. */
let waitingCount = 0
let isCollecting = false

function flushWaiting(): void {
  isCollecting = false
  for (let i = 0; i < waitingCount; i++) {
    const transport = waiting[i]!
    waiting[i] = null
    transport.flush()
  }
  waitingCount = 0
}

/**
 * One socket, read without streams and written with as few system calls as can be: what belongs together (a head, a
 * small body, its end, even several answers) goes out in one write at the end of the event that caused it.
 */
export class Transport {
  readonly socket: Duplex
  readonly events: TransportEvents
  #handle: WritableHandle | null = null
  #text = ''
  /** What has to wait for the write under way. */
  #queue: (string | Buffer)[] | null = null
  #isWriting = false
  #wantsDrain = false
  #endsWhenWritten = false
  #isBroken = false
  #isClosed = false
  #error: Error | null = null
  readonly #streamWritten = (): void => {
    if (this.socket.writableLength === 0 && this.#isWriting) this.written(0)
  }

  constructor(socket: Duplex, events: TransportEvents) {
    this.socket = socket
    this.events = events
    socket.on('end', () => this.#collect(() => events.ended()))
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => {
      this.#isClosed = true
      this.#handle = null
      this.#text = ''
      this.#queue = null
      this.#collect(() => events.closed(this.#error))
    })
  }

  /** HOT: once for each read. What `onread` of the socket is to call. */
  received(size: number, buffer: Buffer): void {
    if (isCollecting) {
      this.events.data(size, buffer)
      return
    }
    isCollecting = true
    try {
      this.events.data(size, buffer)
    } finally {
      flushWaiting()
    }
  }

  /** Runs something that may write, and writes at its end. */
  #collect(run: () => void): void {
    if (isCollecting) {
      run()
      return
    }
    isCollecting = true
    try {
      run()
    } finally {
      flushWaiting()
    }
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Nothing waits to go out. */
  get isFlushed(): boolean {
    return this.#text === '' && !this.#isWriting
  }

  /** Writes characters of latin1, at the end of the event. */
  text(text: string): void {
    if (this.#isClosed || this.#isBroken) return
    if (this.#text === '') {
      waiting[waitingCount++] = this
      if (!isCollecting) {
        isCollecting = true
        queueMicrotask(flushWaiting)
      }
    }
    this.#text += text
  }

  /**
   * Writes octets. True: they were taken, and the memory is free. False: it has to stay as it is until `drained` (that
   * of a small chunk is free all the same); what was read with them may still be written.
   */
  bytes(chunk: Buffer): boolean {
    if (this.#isClosed || this.#isBroken) return true
    if (chunk.length <= smallChunk) this.text(latin1(chunk))
    else {
      this.flush()
      if (this.#isWriting) {
        this.#queue ??= []
        if (this.#text !== '') this.#queue.push(this.#text)
        this.#text = ''
        this.#queue.push(chunk)
      } else this.#write(chunk)
    }
    if (!this.#isWriting) return true
    this.#wantsDrain = true
    return false
  }

  /** Writes the text that waits, unless something before it is still on its way. */
  flush(): void {
    if (this.#text === '' || this.#isWriting) return
    const text = this.#text
    this.#text = ''
    this.#write(text)
  }

  #write(what: string | Buffer): void {
    if (this.#isClosed || this.#isBroken) return
    // As long as nothing of the stream is under way, it can be left out.
    if (this.#handle === null && canWriteDirectly() && this.socket.writableLength === 0) {
      this.#handle = writableHandle(this.socket)
    }
    const handle = this.#handle
    if (handle === null) {
      this.#writeToStream(what)
      return
    }
    const status = writeDirectly(handle, what, this)
    if (status === 0) return
    if (status > 0) this.#isWriting = true
    else this.#writeBroke(status)
  }

  #writeToStream(what: string | Buffer): void {
    if (!canWriteDirectly()) learnFrom(this.socket)
    if (typeof what === 'string') this.socket.write(what, 'latin1', this.#streamWritten)
    else this.socket.write(what, this.#streamWritten)
    if (this.socket.writableLength > 0) this.#isWriting = true
  }

  /** A write has ended that could not end at once. @param status 0 or errno, negative */
  written(status: number): void {
    this.#isWriting = false
    if (this.#isClosed) return
    this.#collect(() => {
      if (status < 0) {
        this.#writeBroke(status)
        return
      }
      while (this.#queue !== null && !this.#isWriting) {
        const next = this.#queue.shift()
        if (next === undefined) this.#queue = null
        else this.#write(next)
      }
      this.flush()
      if (this.#isWriting) return
      if (this.#endsWhenWritten) this.socket.end(nothing)
      if (this.#wantsDrain) {
        this.#wantsDrain = false
        this.events.drained()
      }
    })
  }

  #writeBroke(status: number): void {
    this.#isBroken = true
    this.#queue = null
    this.#text = ''
    const code = getSystemErrorName(status)
    const error = Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: 'write' })
    // Not from within a write: whoever wrote is in the middle of something.
    queueMicrotask(() => {
      if (!this.#isClosed) this.#collect(() => this.events.writeFailed(error))
    })
  }

  /** Has TCP ask every so many milliseconds whether the other side is still there, when nothing else is said. */
  keepAlive(ms: number): void {
    if (this.socket instanceof Socket && !this.#isClosed) this.socket.setKeepAlive(true, ms)
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    if (!this.#isClosed) this.socket.resume()
  }

  /** Sends what waits, then the end of our side. */
  end(): void {
    this.flush()
    if (this.#isClosed) return
    if (this.#isWriting) this.#endsWhenWritten = true
    else this.socket.end(nothing)
  }

  /** Sends what waits as far as the system takes it at once, and closes. */
  destroy(error?: Error): void {
    if (this.#isClosed) return
    this.flush()
    this.socket.destroy(error)
  }

  /** Closes with a reset: the other side must not take what it got for whole. */
  reset(): void {
    if (this.#isClosed) return
    this.#text = ''
    this.#queue = null
    if (this.socket instanceof Socket) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }
}
