import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
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
  /** The last call. */
  closed(error: Error | null): void
}

/** Octets up to this size are copied into one write with what stands around them. */
const smallChunk = 8 * 1024
const nothing = Buffer.alloc(0)

/** Transports that have text to write, and whether somebody writes it at the end of what runs now. */
const waiting: Transport[] = []
let isCollecting = false

function flushWaiting(): void {
  isCollecting = false
  for (let i = 0; i < waiting.length; i++) waiting[i]!.flush()
  waiting.length = 0
}

/**
 * One socket, read without streams and written with as few system calls as can be: what belongs together (a head, a
 * small body, its end, even several answers) goes out in one write at the end of the event that caused it.
 */
export class Transport {
  readonly socket: Duplex
  readonly events: TransportEvents
  #text = ''
  #wantsDrain = false
  #isClosed = false
  #error: Error | null = null
  readonly #written = (): void => {
    if (this.#wantsDrain && this.socket.writableLength === 0 && !this.#isClosed) {
      this.#wantsDrain = false
      this.#collect(() => this.events.drained())
    }
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
      this.#text = ''
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
    return this.#text === '' && this.socket.writableLength === 0
  }

  /** Writes characters of latin1, at the end of the event. */
  text(text: string): void {
    if (this.#isClosed) return
    if (this.#text === '') {
      waiting.push(this)
      if (!isCollecting) {
        isCollecting = true
        queueMicrotask(flushWaiting)
      }
    }
    this.#text += text
  }

  /**
   * Writes octets. True: they were taken, and the memory is free. False: it has to stay as it is until `drained`; what
   * was read with them may still be written.
   */
  bytes(chunk: Buffer): boolean {
    if (this.#isClosed) return true
    if (chunk.length <= smallChunk) {
      this.text(latin1(chunk))
    } else {
      this.flush()
      this.socket.write(chunk, this.#written)
    }
    if (this.socket.writableLength === 0) return true
    this.#wantsDrain = true
    return false
  }

  /** Writes the text that waits, now. */
  flush(): void {
    const text = this.#text
    if (text === '') return
    this.#text = ''
    this.socket.write(text, 'latin1', this.#written)
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
    if (!this.#isClosed) this.socket.end(nothing)
  }

  /** Sends what waits as far as the system takes it at once, and closes. */
  destroy(): void {
    if (this.#isClosed) return
    this.flush()
    this.socket.destroy()
  }

  /** Closes with a reset: the other side must not take what it got for whole. */
  reset(): void {
    if (this.#isClosed) return
    this.#text = ''
    if (this.socket instanceof Socket) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }
}
