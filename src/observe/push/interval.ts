import type { CounterName, GaugeName } from '../counters.ts'
import { families, plainFamilies } from '../families.ts'
import { column, firstBucket, type LabelledRows, widthOf } from '../rows.ts'
import { type MetricsSnapshot, type StatusLabels, targetKey } from '../snapshot.ts'

/** What one metric did in an interval, before it has the form that a target wants. */
export type Pushed = {
  /** fabio's name, with dots. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
} & (
  | { readonly kind: 'counter'; readonly value: number }
  | { readonly kind: 'gauge'; readonly value: number }
  /** How many took up to each bound and no less than the one before, and their sum: milliseconds. */
  | { readonly kind: 'timer'; readonly counts: readonly number[]; readonly sum: number }
)

/** What was counted between two snapshots. Series that are new, or began anew, count from nothing. */
export class Interval {
  readonly bounds: readonly number[]
  #last: MetricsSnapshot | null = null

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
  }

  /** What happened since the snapshot before this one. What did not change is left out, but for gauges. */
  since(snapshot: MetricsSnapshot): Pushed[] {
    const last = this.#last
    this.#last = snapshot
    const pushed: Pushed[] = []
    const services = new Map<string, Row>()
    for (const { labels, row } of this.#growth(snapshot.statuses, last?.statuses ?? null, statusKey)) {
      const { service, status } = labels
      pushed.push(timer(families.status.name, { code: String(status), service }, row))
      const sum = services.get(service)
      services.set(service, sum === undefined ? row : addRows(sum, row))
    }
    for (const [service, row] of services) pushed.push(timer(families.requests.name, { service }, row))
    for (const { labels, row } of this.#growth(snapshot.targets, last?.targets ?? null, targetKey)) {
      const { service, host, path, url } = labels
      if (row.requests > 0) pushed.push(timer(families.route.name, { service, host, path, target: url }, row))
    }
    for (const [code, value] of growthOf(snapshot.redirects, last?.redirects ?? {}))
      pushed.push({ name: families.redirects.name, labels: { code }, kind: 'counter', value })
    for (const [error, value] of growthOf(snapshot.failures, last?.failures ?? {}))
      pushed.push({ name: families.failures.name, labels: { error }, kind: 'counter', value })
    for (const { key, name } of plainFamilies.counters) {
      const value = snapshot.counts[key as CounterName] - (last?.counts[key as CounterName] ?? 0)
      if (value > 0) pushed.push({ name, labels: {}, kind: 'counter', value })
    }
    for (const { key, name } of plainFamilies.gauges)
      pushed.push({ name, labels: {}, kind: 'gauge', value: snapshot.counts[key as GaugeName] })
    return pushed
  }

  *#growth<L>(
    rows: LabelledRows<L>,
    before: LabelledRows<L> | null,
    keyOf: (labels: L) => string,
  ): Generator<{ labels: L; row: Row }> {
    const width = widthOf(this.bounds)
    const places = new Map<string, number>()
    if (before !== null)
      for (const [index, labels] of before.labels.entries()) places.set(keyOf(labels), index * width)
    for (const [index, labels] of rows.labels.entries()) {
      const at = index * width
      const from = places.get(keyOf(labels)) ?? -1
      const isNew =
        from === -1 || before!.values[from + column.requests]! > rows.values[at + column.requests]!
      const grown = (offset: number): number =>
        rows.values[at + offset]! - (isNew ? 0 : before!.values[from + offset]!)
      const requests = grown(column.requests)
      if (requests <= 0) continue
      const counts = Array.from({ length: this.bounds.length + 1 }, (_, i) => grown(firstBucket + i))
      yield { labels, row: { requests, sum: grown(column.duration), counts } }
    }
  }
}

interface Row {
  readonly requests: number
  readonly sum: number
  readonly counts: readonly number[]
}

const statusKey = ({ service, status }: StatusLabels): string => `${status} ${service}`

const addRows = (a: Row, b: Row): Row => ({
  requests: a.requests + b.requests,
  sum: a.sum + b.sum,
  counts: a.counts.map((count, i) => count + b.counts[i]!),
})

const timer = (name: string, labels: Readonly<Record<string, string>>, { counts, sum }: Row): Pushed => ({
  name,
  labels,
  kind: 'timer',
  counts,
  sum,
})

function* growthOf(
  counts: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Generator<[string, number]> {
  for (const [key, count] of Object.entries(counts)) {
    const value = count - (before[key] ?? 0)
    if (value > 0) yield [key, value]
  }
}
