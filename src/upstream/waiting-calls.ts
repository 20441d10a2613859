import { GatewayError } from '../base/errors.ts'
import { type TimerWheel, WheelTimer } from '../base/timer-wheel.ts'
import type { ResponseSink, UpstreamRequest } from '../http1/messages.ts'
import type { UpstreamCall } from './client.ts'

export interface QueueOptions {
  /** `proxy.maxconn`: the most connections to one upstream; 0: no limit. */
  readonly maxConnections: number
  /** `proxy.queue.size`: the most requests that wait for one of them. */
  readonly maxWaiting: number
  /** `proxy.queue.timeout`: how long one waits, in milliseconds; 0: no limit. */
  readonly waitTimeout: number
}

/** Requests for which an upstream has no connection left: whoever has waited longest is next. */
export class WaitingCalls {
  readonly #options: QueueOptions
  readonly #wheel: TimerWheel
  readonly #calls = new Set<WaitingCall>()

  constructor(options: QueueOptions, wheel: TimerWheel) {
    this.#options = options
    this.#wheel = wheel
  }

  get size(): number {
    return this.#calls.size
  }

  /** Where no more can wait, the sink hears so a moment later. */
  add(request: UpstreamRequest, sink: ResponseSink): UpstreamCall {
    const { maxConnections, maxWaiting, waitTimeout } = this.#options
    const call = new WaitingCall(request, sink, (ended) => this.#end(ended))
    if (this.#calls.size >= maxWaiting) {
      const what = `all ${maxConnections} connections are in use, and ${maxWaiting} requests wait for one`
      queueMicrotask(() => call.fail(new GatewayError('GW_QUEUE_FULL', what)))
      return call
    }
    this.#calls.add(call)
    if (waitTimeout > 0) {
      const what = `none of ${maxConnections} connections became free within ${waitTimeout} ms`
      call.timer = new WheelTimer(() => call.fail(new GatewayError('GW_QUEUE_TIMEOUT', what)))
      this.#wheel.arm(call.timer, waitTimeout)
    }
    return call
  }

  #end(call: WaitingCall): void {
    this.#calls.delete(call)
    if (call.timer !== null) this.#wheel.cancel(call.timer)
  }

  /** Takes the next out of the queue; null: nobody waits. */
  next(): WaitingCall | null {
    for (const call of this.#calls) {
      this.#end(call)
      return call
    }
    return null
  }

  /** Nobody is served any more. */
  failAll(error: GatewayError): void {
    for (const call of this.#calls) call.fail(error)
  }
}

/** A request that waits, and later the call that it became. */
export class WaitingCall implements UpstreamCall {
  readonly request: UpstreamRequest
  timer: WheelTimer | null = null
  readonly #sink: ResponseSink
  readonly #ended: (call: WaitingCall) => void
  #call: UpstreamCall | null = null
  #isOver = false

  constructor(request: UpstreamRequest, sink: ResponseSink, ended: (call: WaitingCall) => void) {
    this.request = request
    this.#sink = sink
    this.#ended = ended
  }

  /** Its turn has come. */
  become(start: (request: UpstreamRequest, sink: ResponseSink) => UpstreamCall): void {
    this.#call = start(this.request, this.#sink)
  }

  fail(error: GatewayError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ended(this)
    this.#sink.failed(error)
  }

  resume(): void {
    this.#call?.resume()
  }

  abort(): void {
    if (this.#call !== null) this.#call.abort()
    else this.fail(new GatewayError('GW_CLIENT_GONE', 'the client went away while it waited'))
  }
}
