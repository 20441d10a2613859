import { catalogue } from '../base/errors.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { ExchangeObserver } from '../proxy/handler.ts'
import type { Meter, MeterLabels, Meters } from '../route/meter.ts'
import { noCounts } from './counters.ts'
import { column, firstBucket, Rows, widthOf } from './rows.ts'
import {
  type MetricsSnapshot,
  noPhase,
  noUpstreams,
  type PhaseFigures,
  type StatusLabels,
  targetKey,
} from './snapshot.ts'

/** Of the access log. */
export interface LineFigures {
  readonly written: number
  readonly dropped: number
  /** Octets. */
  readonly waiting: number
}

/** Of traces. */
export interface SpanFigures {
  readonly exported: number
  readonly dropped: number
}

export interface MetricsOptions {
  /** `metrics.prometheus.buckets`: upper bounds, seconds. */
  readonly buckets: readonly number[]
}

/** Bounds that are counted in any case, milliseconds: an answer on a local network takes less than fabio's least. */
const fineBounds = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]

/** The bounds of the buckets, in milliseconds: each of those asked for, and the fine ones. */
export const boundsOf = (buckets: readonly number[]): number[] =>
  // 0.7 s times 1000 is no whole number: what is told as 0.7 has to be found again as 700.
  [...new Set([...fineBounds, ...buckets.map((bound) => Number((bound * 1000).toPrecision(12)))])].sort(
    (a, b) => a - b,
  )

/** One service: where the rows of its statuses are. */
class ServiceSeries {
  readonly name: string
  /** By number of the status, whose 0 is no status; 0: no row yet. */
  readonly rows: number[] = [0]
  hasEnded = false

  constructor(name: string) {
    this.name = name
  }
}

/** One target: what a route's requests to it are counted by. */
class TargetSeries implements Meter {
  inFlight = 0
  /**
   * 0: it has had no request yet, or has ended. Requests keep the meter that their target had for as long as they run.
   */
  row = 0
  namedBy = 1
  readonly labels: MeterLabels
  readonly service: ServiceSeries

  constructor(labels: MeterLabels, service: ServiceSeries) {
    this.labels = labels
    this.service = service
  }
}

/**
 * What the traffic plane counts (fabio reference 11.2, and more). To count a request is a dozen additions in typed
 * arrays, at places that its target carries; names and text come into it when somebody asks.
 */
export class Metrics implements ExchangeObserver, Meters {
  readonly counts = noCounts()
  readonly bounds: readonly number[]
  readonly #targets: Rows<TargetSeries>
  readonly #statuses: Rows<StatusLabels>
  readonly #series = new Map<string, TargetSeries>()
  readonly #services = new Map<string, ServiceSeries>()
  /** Statuses that were seen are numbered from 1: services have short lists then. By status less 100. */
  readonly #numberOf = new Uint16Array(900)
  #numbers = 0
  readonly #queue: PhaseFigures
  readonly #connect: PhaseFigures
  readonly #firstByte: PhaseFigures
  readonly #refused = new Map<number, number>()
  readonly #redirects = new Map<number, number>()
  readonly #failures = new Map<string, number>()

  constructor({ buckets }: MetricsOptions) {
    this.bounds = boundsOf(buckets)
    const width = widthOf(this.bounds)
    this.#targets = new Rows(width)
    this.#statuses = new Rows(width)
    this.#queue = noPhase(this.bounds)
    this.#connect = noPhase(this.bounds)
    this.#firstByte = noPhase(this.bounds)
  }

  take(labels: MeterLabels): Meter {
    const key = targetKey(labels)
    let series = this.#series.get(key)
    if (series !== undefined) {
      series.namedBy++
      return series
    }
    series = new TargetSeries(labels, this.#service(labels.service))
    this.#series.set(key, series)
    return series
  }

  letGo(meter: Meter): void {
    const series = meter as TargetSeries
    if (--series.namedBy > 0) return
    this.#series.delete(targetKey(series.labels))
    if (series.row > 0) this.#targets.letGo(series.row)
    series.row = 0
  }

  /** The row of a target that had none; of one whose series has ended, nobody's. */
  #begin(series: TargetSeries): number {
    if (series.namedBy > 0) series.row = this.#targets.take(series)
    return series.row
  }

  #service(name: string): ServiceSeries {
    let service = this.#services.get(name)
    if (service === undefined) {
      service = new ServiceSeries(name)
      this.#services.set(name, service)
    }
    return service
  }

  /** The service has no route any more: its series end. */
  forget(name: string): void {
    const service = this.#services.get(name)
    if (service === undefined) return
    this.#services.delete(name)
    service.hasEnded = true
    for (const row of service.rows) if (row > 0) this.#statuses.letGo(row)
    service.rows.length = 1
  }

  /** HOT: once for each request. */
  finished(exchange: Exchange, milliseconds: number): void {
    const { status, failure, chosen, attempts } = exchange
    if (failure !== null) this.#failures.set(failure.code, (this.#failures.get(failure.code) ?? 0) + 1)
    if (attempts === 0) {
      this.#answeredItself(exchange)
      return
    }
    this.counts.proxied++
    if (attempts > 1) this.counts.retries += attempts - 1
    if (status === 101) this.counts.tunnelsOpen--
    const { bounds } = this
    const bucket = firstBucket + bucketOf(bounds, milliseconds)
    const series = chosen!.meter as TargetSeries
    const { service } = series
    const row = series.row || this.#begin(series)
    const statusRow = service.rows[this.#numberOf[status - 100]!] || this.#newStatus(service, status)
    const targets = this.#targets.values
    const statuses = this.#statuses.values
    targets[row + column.requests]!++
    targets[row + column.duration]! += milliseconds
    targets[row + column.bytes]! += exchange.bodySize
    targets[row + bucket]!++
    statuses[statusRow + column.requests]!++
    statuses[statusRow + column.duration]! += milliseconds
    statuses[statusRow + column.bytes]! += exchange.bodySize
    statuses[statusRow + bucket]!++
    if (status >= 500 || (failure !== null && catalogue[failure.code].source !== 'client')) {
      targets[row + column.errors]!++
      statuses[statusRow + column.errors]!++
    }
    const { startedAt, waitsSince, sentAt, answeredAt, wasSent } = exchange
    if (waitsSince > 0) {
      observe(this.#queue, bounds, waitsSince - startedAt)
      if (wasSent) observe(this.#connect, bounds, sentAt - waitsSince)
    } else observe(this.#queue, bounds, sentAt - startedAt)
    if (wasSent) targets[row + column.wait]! += sentAt - startedAt
    if (answeredAt > 0) {
      targets[row + column.firstByte]! += answeredAt - sentAt
      observe(this.#firstByte, bounds, answeredAt - sentAt)
    }
  }

  /** fabio counts these neither as requests nor as those of a service (reference 6.1). */
  #answeredItself({ route, chosen, failure, status }: Exchange): void {
    if (route === null) this.counts.noRoute++
    else if (failure?.code === 'GW_NO_TARGET') this.counts.noTarget++
    else if (failure === null && chosen?.upstream === null) increase(this.#redirects, status)
  }

  /** An instance gets no request for a while because too many have failed. */
  ejected(): void {
    this.counts.ejections++
  }

  upgraded(): void {
    this.counts.tunnelsOpen++
  }

  /** The row of a status that the service had not answered with before. */
  #newStatus(service: ServiceSeries, status: number): number {
    if (service.hasEnded) return 0
    let number = this.#numberOf[status - 100]!
    if (number === 0) {
      number = ++this.#numbers
      this.#numberOf[status - 100] = number
    }
    while (service.rows.length <= number) service.rows.push(0)
    const row = this.#statuses.take({ service: service.name, status })
    service.rows[number] = row
    return row
  }

  refused(status: number): void {
    increase(this.#refused, status)
  }

  connectionOpened(): void {
    this.counts.connectionsAccepted++
    this.counts.connectionsOpen++
  }

  connectionClosed(): void {
    this.counts.connectionsOpen--
  }

  /**
   * What was counted so far: copies, which stay as they are.
   *
   * @param lines of the access log; null: there is none
   * @param spans of traces; null: nothing is traced
   */
  snapshot(lines: LineFigures | null = null, spans: SpanFigures | null = null): MetricsSnapshot {
    for (const series of this.#series.values()) {
      if (series.row === 0 && series.inFlight > 0) this.#begin(series)
    }
    const { values } = this.#targets
    const copyOf = ({ sum, buckets }: PhaseFigures): PhaseFigures => ({ sum, buckets: buckets.slice() })
    return {
      bounds: this.bounds,
      targets: this.#targets.copy((series, at) => {
        values[at + column.inFlight] = series.inFlight
        return series.labels
      }),
      statuses: this.#statuses.copy((labels) => labels),
      phases: {
        queue: copyOf(this.#queue),
        connect: copyOf(this.#connect),
        first_byte: copyOf(this.#firstByte),
      },
      counts: {
        ...this.counts,
        accessLines: lines?.written ?? 0,
        accessDropped: lines?.dropped ?? 0,
        accessWaiting: lines?.waiting ?? 0,
        spansExported: spans?.exported ?? 0,
        spansDropped: spans?.dropped ?? 0,
      },
      refused: Object.fromEntries(this.#refused),
      redirects: Object.fromEntries(this.#redirects),
      failures: Object.fromEntries(this.#failures),
      // Others know these.
      upstreams: noUpstreams,
      live: [],
      workers: [],
    }
  }
}

/** HOT. Most answers are fast: from the least bound upwards. */
function bucketOf(bounds: readonly number[], milliseconds: number): number {
  let bucket = 0
  while (bucket < bounds.length && milliseconds > bounds[bucket]!) bucket++
  return bucket
}

/** HOT. */
function observe(phase: PhaseFigures, bounds: readonly number[], milliseconds: number): void {
  phase.sum += milliseconds
  phase.buckets[bucketOf(bounds, milliseconds)]!++
}

function increase(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
