import type { SeriesView, TrafficView } from '../../../src/admin/traffic-view.ts'

export type Values = readonly (number | null)[]

/** Moments of the points, seconds since the epoch; empty: there is none yet. */
export function timesOf({ at, everySeconds, series }: TrafficView): readonly number[] {
  if (at === null) return []
  const end = Date.parse(at) / 1000
  const last = series.requests.length - 1
  return series.requests.map((_, i) => end - (last - i) * everySeconds)
}

/** Fewer points than these make no picture; what is known before them is shown as nothing. */
const fewest = 60

/** Without the time of which nothing is known at all: a gateway that has just started has no half hour to show. */
export function knownPart(view: TrafficView): TrafficView {
  const { requests } = view.series
  const first = requests.findIndex((value) => value !== null)
  const from = Math.max(0, first === -1 ? 0 : Math.min(first - 1, requests.length - fewest))
  const cut = (values: Values): Values => values.slice(values.length === 0 ? 0 : from)
  const { errors, p50, p99, connectionsOpen, connectionsAccepted } = view.series
  return {
    ...view,
    series: {
      requests: cut(requests),
      errors: cut(errors),
      p50: cut(p50),
      p99: cut(p99),
      connectionsOpen: cut(connectionsOpen),
      connectionsAccepted: cut(connectionsAccepted),
    },
  }
}

export interface Extent {
  /** The newest value; null: nothing is known of it. */
  readonly now: number | null
  readonly highest: number | null
}

export function extentOf(values: Values): Extent {
  const known = values.filter((value) => value !== null)
  return { now: values.at(-1) ?? null, highest: known.length === 0 ? null : Math.max(...known) }
}

export interface Minute {
  /** Of its end, milliseconds since the epoch. */
  readonly at: number
  /** Means of what is known; null: nothing is. */
  readonly requests: number | null
  readonly errors: number | null
  readonly p50: number | null
  readonly p99: number | null
  readonly connectionsOpen: number | null
}

/** The series in steps of a minute, the newest first, without those of which nothing is known: for those who read. */
export function minutesOf(view: TrafficView): readonly Minute[] {
  const times = timesOf(view)
  const perMinute = Math.max(1, Math.round(60 / view.everySeconds))
  const minutes: Minute[] = []
  for (let end = times.length; end > 0; end -= perMinute) {
    const mean = (name: keyof SeriesView): number | null =>
      meanOf(view.series[name].slice(Math.max(0, end - perMinute), end))
    const requests = mean('requests')
    if (requests === null) continue
    minutes.push({
      at: times[end - 1]! * 1000,
      requests,
      errors: mean('errors'),
      p50: mean('p50'),
      p99: mean('p99'),
      connectionsOpen: mean('connectionsOpen'),
    })
  }
  return minutes
}

function meanOf(values: Values): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}
