import type { Exchange } from '../proxy/exchange.ts'
import type { ExchangeObserver } from '../proxy/handler.ts'
import type { AccessLog } from './access-log/access-log.ts'
import type { Metrics } from './metrics.ts'
import type { ExchangeTracer } from './tracing/exchange-tracer.ts'

/** Everybody who hears of exchanges and connections. What is off costs one comparison. */
export class Observers implements ExchangeObserver {
  readonly #metrics: Metrics
  readonly #accessLog: AccessLog | null
  readonly #tracer: ExchangeTracer | null

  constructor(metrics: Metrics, accessLog: AccessLog | null, tracer: ExchangeTracer | null) {
    this.#metrics = metrics
    this.#accessLog = accessLog
    this.#tracer = tracer
  }

  /** HOT: once for each request. */
  finished(exchange: Exchange, milliseconds: number): void {
    this.#metrics.finished(exchange, milliseconds)
    if (this.#accessLog !== null) this.#accessLog.finished(exchange, milliseconds)
    if (exchange.trace !== null) this.#tracer!.finished(exchange, milliseconds)
  }

  upgraded(): void {
    this.#metrics.upgraded()
  }

  refused(status: number, exchange: Exchange | null): void {
    this.#metrics.refused(status)
    if (this.#accessLog !== null && exchange !== null) this.#accessLog.finished(exchange, 0)
  }

  connectionOpened(): void {
    this.#metrics.connectionOpened()
  }

  connectionClosed(): void {
    this.#metrics.connectionClosed()
  }
}
