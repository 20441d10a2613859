import { rounded } from './target-figures.ts'
import { type Counts, growth, quantile, sumOf, type TrafficFigures } from './traffic-figures.ts'
import type { SeriesView, TrafficView } from './traffic-view.ts'

export interface SeriesOptions {
  /** How many points are kept. */
  readonly points: number
  /** Between two points, milliseconds. */
  readonly stepMs: number
  /** How many services have a series of their own; the figures of all others are in the whole. */
  readonly mostServices: number
}

/** 30 minutes, a point each 5 seconds: 6 KB for each service, 3 MB at most. */
const standard: SeriesOptions = { points: 360, stepMs: 5_000, mostServices: 512 }

/** NaN where nothing is known. Requests and errors are counts of the step, not rates: together they are all there were. */
interface Columns {
  readonly requests: Float32Array
  readonly errors: Float32Array
  readonly p50: Float32Array
  readonly p99: Float32Array
  /** What came behind the newest point, as far as it was read with it: it belongs to the next one. */
  ahead: { readonly requests: number; readonly errors: number }
}

/** The points that a reading makes. */
interface Span {
  readonly from: number
  readonly to: number
  /** How many steps it is of, which may be more than are kept. */
  readonly steps: number
  /** The part of the time since the reading before that lies before the newest point, 0 to 1. */
  readonly part: number
}

interface ServiceColumns extends Columns {
  /** The step in which it last had a request. */
  activeAt: number
}

/** What passed through, over the last half hour, as points at even distances. It never grows beyond its bounds. */
export class TrafficSeries {
  readonly #options: SeriesOptions
  readonly #whole: Columns
  readonly #connectionsOpen: Float32Array
  readonly #connectionsAccepted: Float32Array
  readonly #services = new Map<string, ServiceColumns>()
  /** What the newest point was made of, with its number: the points are counted from the first reading. */
  #last: { readonly step: number; readonly at: number; readonly figures: TrafficFigures } | null = null
  #startedAt = 0
  #omitted = 0

  constructor(options: SeriesOptions = standard) {
    this.#options = options
    this.#whole = this.#newColumns()
    this.#connectionsOpen = this.#newColumn()
    this.#connectionsAccepted = this.#newColumn()
  }

  /**
   * Takes a reading. Those that come within a step of the newest point change nothing; one that comes late makes all
   * the points that are missing, alike. None comes just in time: what passed is spread evenly over the time since the
   * reading before, or a late one would draw a peak and the next a dip.
   *
   * @param at monotonic milliseconds
   */
  take(at: number, figures: TrafficFigures): void {
    if (this.#last === null) {
      this.#startedAt = at
      this.#last = { step: 0, at, figures }
      return
    }
    const { stepMs, points } = this.#options
    const step = Math.floor((at - this.#startedAt) / stepMs)
    const { step: lastStep, at: lastAt, figures: before } = this.#last
    if (step <= lastStep) return
    this.#last = { step, at, figures }
    const from = Math.max(lastStep + 1, step - points + 1)
    const part = (this.#startedAt + step * stepMs - lastAt) / (at - lastAt)
    const span: Span = { from, to: step, steps: step - lastStep, part }

    const old = new Map(before.services.map((counts) => [counts.service, counts]))
    const grown = figures.services.map((counts) => ({
      service: counts.service,
      counts: growth(old.get(counts.service), counts),
    }))
    const sum = sumOf(grown.map(({ counts }) => counts))
    const requests = sum.requests + Math.max(0, figures.unplaced - before.unplaced)
    this.#write(this.#whole, { ...sum, requests }, span, figures.bounds)
    const accepted = Math.max(0, figures.connectionsAccepted - before.connectionsAccepted)
    for (let at = from; at <= step; at++) {
      this.#connectionsOpen[at % points] = figures.connectionsOpen
      this.#connectionsAccepted[at % points] = accepted / span.steps
    }
    this.#takeServices(grown, span, figures.bounds)
  }

  #takeServices(
    grown: readonly { service: string; counts: Counts }[],
    span: Span,
    bounds: readonly number[],
  ): void {
    const { from, to: step } = span
    const active = new Map(
      grown.filter(({ counts }) => counts.requests > 0).map((each) => [each.service, each.counts]),
    )
    for (const [service, columns] of this.#services) {
      const counts = active.get(service) ?? nothing
      if (counts.requests > 0) columns.activeAt = step
      // Nothing of it is in the series any more.
      if (step - columns.activeAt >= this.#options.points) this.#services.delete(service)
      else this.#write(columns, counts, span, bounds)
      active.delete(service)
    }
    this.#omitted = 0
    for (const [service, counts] of active) {
      if (!this.#makeRoom(step)) {
        this.#omitted++
        continue
      }
      const columns: ServiceColumns = { ...this.#newColumns(), activeAt: step }
      this.#services.set(service, columns)
      // Until now it had no request, as far as the points go back.
      for (let at = Math.max(1, step - this.#options.points + 1); at < from; at++) {
        columns.requests[at % this.#options.points] = 0
        columns.errors[at % this.#options.points] = 0
      }
      this.#write(columns, counts, span, bounds)
    }
  }

  /** False: all that have a series are busy. Else the one that was silent longest may have lost its own. */
  #makeRoom(step: number): boolean {
    if (this.#services.size < this.#options.mostServices) return true
    let silent: string | null = null
    let since = step
    for (const [service, { activeAt }] of this.#services) {
      if (activeAt < since) [silent, since] = [service, activeAt]
    }
    return silent !== null && this.#services.delete(silent)
  }

  #write(columns: Columns, counts: Counts, { from, to, steps, part }: Span, bounds: readonly number[]): void {
    const { ahead } = columns
    const requests = ahead.requests + counts.requests * part
    const errors = ahead.errors + counts.errors * part
    columns.ahead = { requests: counts.requests * (1 - part), errors: counts.errors * (1 - part) }
    const p50 = quantile(0.5, counts.buckets, bounds) ?? Number.NaN
    const p99 = quantile(0.99, counts.buckets, bounds) ?? Number.NaN
    for (let step = from; step <= to; step++) {
      const at = step % this.#options.points
      columns.requests[at] = requests / steps
      columns.errors[at] = errors / steps
      columns.p50[at] = p50
      columns.p99[at] = p99
    }
  }

  /**
   * @param service null: everything; one without a series: points without a request
   * @param now milliseconds since the epoch
   * @param monotonic milliseconds on the clock of the readings, at the same moment
   */
  view(service: string | null, now: number, monotonic: number): TrafficView {
    const { stepMs, points } = this.#options
    const step = this.#last?.step ?? 0
    const seconds = stepMs / 1000
    const order = Array.from({ length: points }, (_, i) => step - points + 1 + i)
    const column = (values: Float32Array, divisor: number): (number | null)[] =>
      order.map((at) => (at < 1 ? null : pointOf(values[at % points]! / divisor)))
    const silent: Columns | null = service === null ? this.#whole : (this.#services.get(service) ?? null)
    const columns = silent ?? this.#newColumns()
    const end = this.#startedAt + step * stepMs
    return {
      at: step === 0 ? null : new Date(now - (monotonic - end)).toISOString(),
      everySeconds: seconds,
      service,
      series: {
        requests: column(columns.requests, seconds),
        errors: column(columns.errors, seconds),
        p50: column(columns.p50, 1),
        p99: column(columns.p99, 1),
        connectionsOpen: service === null ? column(this.#connectionsOpen, 1) : [],
        connectionsAccepted: service === null ? column(this.#connectionsAccepted, seconds) : [],
      } satisfies SeriesView,
      services: [...this.#services]
        .map(([name, { requests, errors, ahead }]) => ({
          service: name,
          requests: total(requests, ahead.requests),
          errors: total(errors, ahead.errors),
        }))
        .sort((a, b) => b.requests - a.requests || (a.service < b.service ? -1 : 1)),
      omitted: this.#omitted,
    }
  }

  #newColumns(): Columns {
    return {
      requests: this.#newColumn(),
      errors: this.#newColumn(),
      p50: this.#newColumn(),
      p99: this.#newColumn(),
      ahead: { requests: 0, errors: 0 },
    }
  }

  #newColumn = (): Float32Array => new Float32Array(this.#options.points).fill(Number.NaN)
}

const nothing: Counts = { requests: 0, errors: 0, buckets: [] }

const pointOf = (value: number): number | null => (Number.isNaN(value) ? null : rounded(value))

const total = (values: Float32Array, ahead: number): number =>
  Math.round(values.reduce((sum, value) => (Number.isNaN(value) ? sum : sum + value), ahead))
