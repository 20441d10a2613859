import type { AddressSet } from '../base/address-set.ts'
import { GatewayError } from '../base/errors.ts'
import { type TimerWheel, WheelTimer } from '../base/timer-wheel.ts'
import type { ClientConnection } from '../http1/client-connection.ts'
import type { TransportEvents } from '../http1/transport.ts'
import { readProxyHeader } from './proxy-protocol.ts'

/** `pxyproto=true` of a listener. */
export interface ProxyPrefaceOptions {
  /** `pxytimeout`: what a header may take to come before the connection is used as it is; milliseconds. */
  readonly timeout: number
}

/**
 * Stands between a socket and its connection until it is clear whether a PROXY header comes first. The header is
 * optional, as in fabio: who sends none is known by its socket.
 */
export class ProxyPreface implements TransportEvents {
  readonly #connection: ClientConnection
  /** Whose headers are believed; null: everybody's. What others send is read, and counts for nothing. */
  readonly #trusted: AddressSet | null
  readonly #wheel: TimerWheel
  readonly #shared: Buffer
  readonly #timer = new WheelTimer(() => this.#expired())
  /** Octets of a header that is not complete. */
  #kept: Buffer | null = null
  #isOver = false

  /** @param shared the buffer that client connections read heads into */
  constructor(
    connection: ClientConnection,
    { timeout }: ProxyPrefaceOptions,
    trusted: AddressSet | null,
    wheel: TimerWheel,
    shared: Buffer,
  ) {
    this.#connection = connection
    this.#trusted = trusted
    this.#wheel = wheel
    this.#shared = shared
    wheel.arm(this.#timer, timeout)
  }

  data(size: number, buffer: Buffer): void {
    if (this.#isOver) this.#connection.data(size, buffer)
    else if (this.#kept === null) this.#read(buffer, size, buffer)
    else {
      const whole = Buffer.concat([this.#kept, buffer.subarray(0, size)])
      this.#read(whole, whole.length, buffer)
    }
  }

  /** @param octets all that came so far; @param buffer what was read into last */
  #read(octets: Buffer, end: number, buffer: Buffer): void {
    const header = readProxyHeader(octets, end)
    switch (header.kind) {
      case 'incomplete':
        this.#kept = Buffer.from(octets.subarray(0, end))
        break
      case 'none':
        this.#pass(octets, 0, end, buffer)
        break
      case 'malformed':
        this.#over()
        this.#connection.reject(new GatewayError('GW_BAD_REQUEST', header.fault))
        break
      case 'header': {
        const { source } = header
        if (source !== null && this.#isBelieved()) {
          this.#connection.remoteAddress = source.address
          this.#connection.remotePort = source.port
        }
        this.#pass(octets, header.size, end, buffer)
        break
      }
    }
  }

  #isBelieved(): boolean {
    return this.#trusted === null || this.#trusted.has(this.#connection.remoteAddress)
  }

  /** Gives the connection what does not belong to a header, as if it had just been read into this buffer. */
  #pass(octets: Buffer, from: number, end: number, buffer: Buffer): void {
    this.#over()
    const size = end - from
    if (size === 0) return
    // A header, or what looks like its beginning, and a whole buffer behind it.
    const first = Math.min(size, buffer.length)
    const rest = first < size ? Buffer.from(octets.subarray(from + first, end)) : null
    octets.copy(buffer, 0, from, from + first)
    this.#connection.data(first, buffer)
    if (rest === null) return
    const next = this.#connection.nextBuffer() ?? buffer
    rest.copy(next)
    this.#connection.data(rest.length, next)
  }

  #over(): void {
    this.#isOver = true
    this.#kept = null
    this.#wheel.cancel(this.#timer)
  }

  /** What is there is no header, or too late for one. */
  #expired(): void {
    const kept = this.#kept
    if (kept === null) this.#over()
    else this.#pass(kept, 0, kept.length, this.#shared)
  }

  ended(): void {
    this.#over()
    this.#connection.ended()
  }

  drained(): void {
    this.#connection.drained()
  }

  writeFailed(error: Error): void {
    this.#connection.writeFailed(error)
  }

  closed(error: Error | null): void {
    this.#over()
    this.#connection.closed(error)
  }
}
