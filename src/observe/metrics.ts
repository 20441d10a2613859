import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Exchange } from '../proxy/exchange.ts'
import type { ExchangeObserver } from '../proxy/handler.ts'
import { counterText, gaugeText, histogramText, type Labelled } from './prometheus-text.ts'

/** The histogram bounds of fabio's `metrics.prometheus.buckets`, in milliseconds. */
export const bounds = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] as const

/** Requests of one service that ended in one status. Plain data, so that processes can send it to each other. */
export interface StatusFigures {
  readonly status: number
  requests: number
  /** Of their durations, in milliseconds. */
  sum: number
  /** How many took up to each bound and no less than the one before; the last: longer than all bounds. */
  readonly buckets: number[]
}

/** Everything one process has counted. Counts of several are added by `addSnapshots`. */
export interface MetricsSnapshot {
  readonly services: readonly { readonly service: string; readonly statuses: readonly StatusFigures[] }[]
  readonly noRoute: number
  readonly refused: readonly (readonly [status: number, count: number])[]
  readonly retries: number
  readonly clientGone: number
  readonly connectionsAccepted: number
  readonly connectionsOpen: number
}

/** A figure of the control plane, read when somebody asks. */
export interface ControlFigure {
  /** Without the prefix. */
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge'
  readonly value: number
}

/**
 * What the traffic plane counts, by fabio's names (reference 11.2) behind the prefix `gatehouse`. To count a request is
 * two lookups and a few additions; the text that Prometheus reads is put together when it asks.
 */
export class Metrics implements ExchangeObserver {
  readonly #services = new Map<string, Map<number, StatusFigures>>()
  readonly #refused = new Map<number, number>()
  #noRoute = 0
  #retries = 0
  #clientGone = 0
  #connectionsAccepted = 0
  #connectionsOpen = 0

  /** HOT: once for each request. */
  finished(exchange: Exchange, milliseconds: number): void {
    if (exchange.attempts > 1) this.#retries += exchange.attempts - 1
    if (exchange.route === null) {
      this.#noRoute++
      return
    }
    if (exchange.failure !== null && exchange.failure.code === 'GW_CLIENT_GONE') this.#clientGone++
    // A route without a healthy instance has no target; its services are told apart in the table, not here.
    const service = exchange.chosen === null ? '' : exchange.chosen.service
    let statuses = this.#services.get(service)
    if (statuses === undefined) {
      statuses = new Map()
      this.#services.set(service, statuses)
    }
    let figures = statuses.get(exchange.status)
    if (figures === undefined) {
      figures = noFigures(exchange.status)
      statuses.set(exchange.status, figures)
    }
    figures.requests++
    figures.sum += milliseconds
    let bucket = 0
    while (bucket < bounds.length && milliseconds > bounds[bucket]!) bucket++
    figures.buckets[bucket]!++
  }

  refused(status: number): void {
    this.#refused.set(status, (this.#refused.get(status) ?? 0) + 1)
  }

  connectionOpened(): void {
    this.#connectionsAccepted++
    this.#connectionsOpen++
  }

  connectionClosed(): void {
    this.#connectionsOpen--
  }

  /** The service has no route any more: its series end. */
  forget(service: string): void {
    this.#services.delete(service)
  }

  snapshot(): MetricsSnapshot {
    return {
      services: [...this.#services].map(([service, statuses]) => ({
        service,
        statuses: [...statuses.values()].map((figures) => ({ ...figures, buckets: [...figures.buckets] })),
      })),
      noRoute: this.#noRoute,
      refused: [...this.#refused],
      retries: this.#retries,
      clientGone: this.#clientGone,
      connectionsAccepted: this.#connectionsAccepted,
      connectionsOpen: this.#connectionsOpen,
    }
  }
}

const noFigures = (status: number): StatusFigures => ({
  status,
  requests: 0,
  sum: 0,
  buckets: new Array<number>(bounds.length + 1).fill(0),
})

/** The sum of what several processes have counted. */
export function addSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const services = new Map<string, Map<number, StatusFigures>>()
  const refused = new Map<number, number>()
  for (const snapshot of snapshots) {
    for (const { service, statuses } of snapshot.services) {
      const sums = services.get(service) ?? new Map<number, StatusFigures>()
      services.set(service, sums)
      for (const figures of statuses) {
        const sum = sums.get(figures.status) ?? noFigures(figures.status)
        sums.set(figures.status, sum)
        sum.requests += figures.requests
        sum.sum += figures.sum
        for (const [index, count] of figures.buckets.entries()) sum.buckets[index]! += count
      }
    }
    for (const [status, count] of snapshot.refused) refused.set(status, (refused.get(status) ?? 0) + count)
  }
  const total = (pick: (snapshot: MetricsSnapshot) => number): number =>
    snapshots.reduce((sum, snapshot) => sum + pick(snapshot), 0)
  return {
    services: [...services].map(([service, statuses]) => ({ service, statuses: [...statuses.values()] })),
    noRoute: total(({ noRoute }) => noRoute),
    refused: [...refused],
    retries: total(({ retries }) => retries),
    clientGone: total(({ clientGone }) => clientGone),
    connectionsAccepted: total(({ connectionsAccepted }) => connectionsAccepted),
    connectionsOpen: total(({ connectionsOpen }) => connectionsOpen),
  }
}

const ofProcess = new Registry()
collectDefaultMetrics({ register: ofProcess, prefix: 'gatehouse_' })

export const metricsContentType = ofProcess.contentType

/** The Prometheus text format, with what prom-client knows of this process. */
export async function metricsText(
  snapshot: MetricsSnapshot,
  control: readonly ControlFigure[],
): Promise<string> {
  const inSeconds = bounds.map((bound) => bound / 1000)
  const byService: Labelled<StatusFigures>[] = []
  const byStatus: Labelled<StatusFigures>[] = []
  for (const { service, statuses } of snapshot.services) {
    const all = noFigures(0)
    for (const figures of statuses) {
      byStatus.push({ labels: { code: String(figures.status), service }, value: figures })
      all.requests += figures.requests
      all.sum += figures.sum
      for (const [index, count] of figures.buckets.entries()) all.buckets[index]! += count
    }
    byService.push({ labels: { service }, value: all })
  }
  const histogram = ({ labels, value }: Labelled<StatusFigures>) => ({
    labels,
    value: { buckets: value.buckets, sum: value.sum / 1000 },
  })
  const parts = [
    histogramText(
      'gatehouse_requests',
      'proxied requests by service, seconds from the request head to the end of the answer',
      inSeconds,
      byService.map(histogram),
    ),
    histogramText(
      'gatehouse_http_status',
      'proxied requests by status and service, seconds from the request head to the end of the answer',
      inSeconds,
      byStatus.map(histogram),
    ),
    counterText('gatehouse_notfound', 'requests that no route matched', [
      { labels: {}, value: snapshot.noRoute },
    ]),
    counterText(
      'gatehouse_refused',
      'requests refused before a route was looked for, by status',
      snapshot.refused.map(([status, value]) => ({ labels: { code: String(status) }, value })),
    ),
    counterText('gatehouse_retries', 'attempts beyond the first', [{ labels: {}, value: snapshot.retries }]),
    counterText('gatehouse_client_gone', 'requests whose client went away before the end of the answer', [
      { labels: {}, value: snapshot.clientGone },
    ]),
    counterText('gatehouse_connections_accepted', 'client connections that were opened', [
      { labels: {}, value: snapshot.connectionsAccepted },
    ]),
    gaugeText('gatehouse_connections_open', 'client connections that are open', [
      { labels: {}, value: snapshot.connectionsOpen },
    ]),
    ...control.map(({ name, help, kind, value }) =>
      (kind === 'counter' ? counterText : gaugeText)(`gatehouse_${name}`, help, [{ labels: {}, value }]),
    ),
  ]
  return parts.join('') + (await ofProcess.metrics())
}
