import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Exchange } from '../proxy/exchange.ts'
import type { ExchangeObserver } from '../proxy/handler.ts'

/** The histogram bounds of fabio's `metrics.prometheus.buckets`, in seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What the traffic plane counts, by fabio's names (reference 11.2) behind the prefix `gatehouse`. */
export class Metrics implements ExchangeObserver {
  readonly #registry = new Registry()
  readonly #requests = new Histogram({
    name: 'gatehouse_requests',
    help: 'proxied requests by service, seconds from the request head to the end of the answer',
    labelNames: ['service'],
    buckets,
    registers: [this.#registry],
  })
  readonly #status = new Histogram({
    name: 'gatehouse_http_status',
    help: 'proxied requests by status and service, seconds from the request head to the end of the answer',
    labelNames: ['code', 'service'],
    buckets,
    registers: [this.#registry],
  })
  readonly #notFound = new Counter({
    name: 'gatehouse_notfound',
    help: 'requests that no route matched',
    registers: [this.#registry],
  })
  readonly #tableVersion = new Gauge({
    name: 'gatehouse_table_version',
    help: 'version of the live route table',
    registers: [this.#registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.#registry, prefix: 'gatehouse_' })
  }

  finished(exchange: Exchange, milliseconds: number): void {
    if (exchange.route === null) {
      this.#notFound.inc()
      return
    }
    // A route without a healthy instance has no target; its services are told apart in the table, not here.
    const service = exchange.chosen?.service ?? ''
    const seconds = milliseconds / 1000
    this.#requests.observe({ service }, seconds)
    this.#status.observe({ code: exchange.status, service }, seconds)
  }

  tableChanged(version: number): void {
    this.#tableVersion.set(version)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
}
