import { GatewayError } from '../base/errors.ts'
import { SmallSet } from '../base/small-set.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { ResponseSink, UpstreamRequest } from '../http1/messages.ts'
import { isIdempotent } from '../http1/methods.ts'
import {
  UpstreamConnection,
  type UpstreamConnectionOptions,
  type UpstreamConnectionOwner,
} from '../http1/upstream-connection.ts'
import type { UpstreamAddress } from './address.ts'
import type { ConnectionCounts, UpstreamCall, UpstreamClient } from './client.ts'
import { type QueueOptions, WaitingCalls } from './waiting-calls.ts'

/** All durations in milliseconds. */
export interface WireClientOptions extends UpstreamConnectionOptions, QueueOptions {
  /** `proxy.idleconntimeout`: how long a connection is kept without use; 0: as long as the peer's hint allows. */
  readonly idleTimeout: number
  /** `proxy.upstream.reuse`: which requests may go out on a kept connection. */
  readonly reuse: 'always' | 'safe'
}

/**
 * Peers that do not announce their idle time mostly close after 5 s (Node and many others), so a connection that has
 * been idle for longer than this is likelier to be dead than alive.
 */
const unannouncedIdleMs = 4_000

/** The connections to one plain-HTTP upstream, spoken to by the wire engine: the one used last is used next. */
export class WireClient implements UpstreamClient, UpstreamConnectionOwner {
  readonly #host: string
  readonly #port: number
  readonly #options: WireClientOptions
  readonly #wheel: TimerWheel
  readonly #idle: UpstreamConnection[] = []
  /** All of them, idle ones included. */
  readonly #open = new SmallSet<UpstreamConnection>()
  /** Null: nobody has had to wait yet. */
  #waiting: WaitingCalls | null = null
  #isClosing = false
  #closed: (() => void) | null = null

  constructor(address: UpstreamAddress, options: WireClientOptions, wheel: TimerWheel) {
    const { hostname, port } = new URL(address.origin)
    this.#host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
    this.#port = port === '' ? 80 : Number(port)
    this.#options = options
    this.#wheel = wheel
  }

  /** Connections that are open. */
  get size(): number {
    return this.#open.size
  }

  connections(): ConnectionCounts {
    const idle = this.#idle.length
    return { busy: this.#open.size - idle, idle, waiting: this.waitingSize }
  }

  /** Requests that wait for a connection. */
  get waitingSize(): number {
    return this.#waiting === null ? 0 : this.#waiting.size
  }

  send(request: UpstreamRequest, sink: ResponseSink): UpstreamCall {
    if (this.#isClosing) {
      queueMicrotask(() =>
        sink.failed(new GatewayError('GW_CONNECT_FAILED', 'the upstream is no longer in use')),
      )
      return overCall
    }
    const connection = (this.#mayReuse(request) ? this.#takeIdle() : null) ?? this.#connect(request)
    if (connection !== null) return startOn(connection, request, sink)
    this.#waiting ??= new WaitingCalls(this.#options, this.#wheel)
    return this.#waiting.add(request, sink)
  }

  /** The other side may close a kept connection at this very moment, and then only what does no harm is sent again. */
  #mayReuse({ fresh, method }: UpstreamRequest): boolean {
    return !fresh && (this.#options.reuse === 'always' || isIdempotent(method))
  }

  #takeIdle(): UpstreamConnection | null {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) return null
      connection.wake()
      if (connection.isUsable) return connection
    }
  }

  /** Null: there is no room for another. */
  #connect({ limits }: UpstreamRequest): UpstreamConnection | null {
    const { maxConnections } = this.#options
    if (maxConnections > 0 && this.#open.size >= maxConnections && !this.#makeRoom()) return null
    const address = { host: this.#host, port: this.#port }
    const dialTimeout = limits === null ? this.#options.dialTimeout : limits.dialTimeout
    const connection = new UpstreamConnection(address, this.#options, this, this.#wheel, dialTimeout)
    this.#open.add(connection)
    return connection
  }

  /** Closes the connection that has been idle for longest, where somebody needs a new one. */
  #makeRoom(): boolean {
    const oldest = this.#idle.shift()
    if (oldest === undefined) return false
    this.#open.delete(oldest)
    oldest.destroy()
    return true
  }

  idle(connection: UpstreamConnection): void {
    const { idleTimeout } = this.#options
    if (this.waitingSize > 0) {
      this.#serve(connection)
      return
    }
    if (this.#isClosing) {
      connection.destroy()
      return
    }
    const announced = connection.idleHint || unannouncedIdleMs
    connection.rest(idleTimeout > 0 ? Math.min(announced, idleTimeout) : announced)
    this.#idle.push(connection)
  }

  gone(connection: UpstreamConnection): void {
    const wasCounted = this.#open.delete(connection)
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    if (wasCounted && this.waitingSize > 0) this.#serve(null)
    if (this.#isUnused) this.#closed?.()
  }

  /** Whoever has waited longest gets this connection, or a new one where it must not be a kept one. */
  #serve(free: UpstreamConnection | null): void {
    const waiting = this.#waiting!.next()!
    const isFit = free !== null && this.#mayReuse(waiting.request)
    if (free !== null && !isFit) {
      this.#open.delete(free)
      free.destroy()
    }
    // There is room for one: the connection that is gone, or this very one.
    const connection = isFit ? free : this.#connect(waiting.request)!
    waiting.become((request, sink) => startOn(connection, request, sink))
  }

  get #isUnused(): boolean {
    return this.#open.size === 0 && this.waitingSize === 0
  }

  close(): Promise<void> {
    this.#isClosing = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
    return this.#whenClosed()
  }

  destroy(why?: GatewayError): Promise<void> {
    const isClosed = this.close()
    const error = why ?? new GatewayError('GW_CONNECT_FAILED', 'the connections to the upstream were closed')
    this.#waiting?.failAll(error)
    for (const connection of this.#open) connection.fail(error)
    return isClosed
  }

  #whenClosed(): Promise<void> {
    if (this.#isUnused) return Promise.resolve()
    return new Promise((resolve) => {
      const before = this.#closed
      this.#closed = () => {
        before?.()
        resolve()
      }
    })
  }
}

function startOn(connection: UpstreamConnection, request: UpstreamRequest, sink: ResponseSink): WireCall {
  const call = new WireCall(connection)
  connection.start(request, sink)
  return call
}

/** One exchange. When it has ended its connection carries another, which this one must leave alone. */
class WireCall implements UpstreamCall {
  readonly #connection: UpstreamConnection
  readonly #exchange: number

  constructor(connection: UpstreamConnection) {
    this.#connection = connection
    this.#exchange = connection.exchange
  }

  resume(): void {
    if (this.#connection.exchange === this.#exchange) this.#connection.resume()
  }

  abort(): void {
    if (this.#connection.exchange !== this.#exchange) return
    this.#connection.fail(new GatewayError('GW_CLIENT_GONE', 'the client went away'))
  }
}

const overCall: UpstreamCall = { resume() {}, abort() {} }
