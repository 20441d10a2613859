import { flat } from '../base/flat.ts'
import type { MeterLabels } from '../route/meter.ts'
import { addUpstreams, type LiveUpstream } from '../upstream/live-upstream.ts'
import { type CounterName, counterNames, type GaugeName, gaugeNames, noCounts } from './counters.ts'
import { column, firstBucket, type LabelledRows, widthOf } from './rows.ts'
import type { WorkerFigures } from './worker-figures.ts'

/** Requests of one service that ended in one status. */
export interface StatusLabels {
  readonly service: string
  readonly status: number
}

/** Parts of a request's life (docs/metrics.md). */
export const phases = ['queue', 'connect', 'first_byte'] as const
export type Phase = (typeof phases)[number]

/** Durations of one phase: their sum in milliseconds, and how many fell in each bucket. */
export interface PhaseFigures {
  sum: number
  readonly buckets: Float64Array
}

/**
 * Everything that one process has counted since it began, as plain data: it crosses the border of a process. Counts of
 * several are added by `addSnapshots`; `figuresByService` and `figuresByInstance` give what people ask for.
 */
export interface MetricsSnapshot {
  /** Upper bounds of the buckets that each row ends with; ascending, milliseconds. One bucket more: what took longer. */
  readonly bounds: readonly number[]
  /** A row for each target of a route that was asked. It ends with the target. Columns: `column`, `firstBucket`. */
  readonly targets: LabelledRows<MeterLabels>
  /** A row for each status of each service. It ends with the service. */
  readonly statuses: LabelledRows<StatusLabels>
  readonly phases: Readonly<Record<Phase, PhaseFigures>>
  readonly counts: Readonly<Record<CounterName | GaugeName, number>>
  /** Requests refused before a route was looked for. */
  readonly refused: Readonly<Record<string, number>>
  /** Redirects by status. */
  readonly redirects: Readonly<Record<string, number>>
  /** Failures by code of the error catalogue. */
  readonly failures: Readonly<Record<string, number>>
  readonly upstreams: UpstreamFigures
  /** What traffic has taught about them; those that rest are not among them. */
  readonly live: readonly LiveUpstream[]
  /** The processes that are alive. */
  readonly workers: readonly WorkerFigures[]
}

/** What connects the gateway with instances now. */
export interface UpstreamFigures {
  /** Addresses that the table names. */
  readonly addresses: number
  /** Connections that carry an exchange, or are about to. */
  readonly busy: number
  /** Connections that are kept for the next one. */
  readonly idle: number
  /** Requests that wait for a connection, because there are as many as there may be. */
  readonly waiting: number
}

export type { LiveUpstream }

export const noUpstreams: UpstreamFigures = { addresses: 0, busy: 0, idle: 0, waiting: 0 }

export const emptySnapshot = (bounds: readonly number[]): MetricsSnapshot => ({
  bounds,
  targets: { labels: [], values: new Float64Array() },
  statuses: { labels: [], values: new Float64Array() },
  phases: {
    queue: noPhase(bounds),
    connect: noPhase(bounds),
    first_byte: noPhase(bounds),
  },
  counts: noCounts(),
  refused: {},
  redirects: {},
  failures: {},
  upstreams: noUpstreams,
  live: [],
  workers: [],
})

export const noPhase = (bounds: readonly number[]): PhaseFigures => ({
  sum: 0,
  buckets: new Float64Array(bounds.length + 1),
})

/** The sum of what several processes have counted, all with the same bounds. At least one. */
export function addSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const [first] = snapshots
  if (first === undefined) throw new TypeError('expected at least one snapshot, got none')
  if (snapshots.length === 1) return first
  const { bounds } = first
  const width = widthOf(bounds)
  const sum = emptySnapshot(bounds)
  const counts = noCounts()
  for (const snapshot of snapshots) {
    for (const name of [...counterNames, ...gaugeNames]) counts[name] += snapshot.counts[name]
    for (const phase of phases) {
      sum.phases[phase].sum += snapshot.phases[phase].sum
      addTo(sum.phases[phase].buckets, 0, snapshot.phases[phase].buckets, 0, bounds.length + 1)
    }
  }
  return {
    ...sum,
    targets: addRows(
      snapshots.map(({ targets }) => targets),
      width,
      targetKey,
    ),
    statuses: addRows(
      snapshots.map(({ statuses }) => statuses),
      width,
      statusKey,
    ),
    counts,
    refused: addRecords(snapshots.map(({ refused }) => refused)),
    redirects: addRecords(snapshots.map(({ redirects }) => redirects)),
    failures: addRecords(snapshots.map(({ failures }) => failures)),
    upstreams: {
      // All of them have the same table.
      addresses: Math.max(...snapshots.map(({ upstreams }) => upstreams.addresses)),
      busy: snapshots.reduce((all, { upstreams }) => all + upstreams.busy, 0),
      idle: snapshots.reduce((all, { upstreams }) => all + upstreams.idle, 0),
      waiting: snapshots.reduce((all, { upstreams }) => all + upstreams.waiting, 0),
    },
    live: addUpstreams(snapshots.flatMap(({ live }) => live)),
    workers: snapshots.flatMap(({ workers }) => workers),
  }
}

/** Of a process that is gone: what it counted stays, and nothing of it is under way or has targets of its own. */
export function ofThePast(snapshot: MetricsSnapshot): MetricsSnapshot {
  const counts = { ...snapshot.counts }
  for (const name of gaugeNames) counts[name] = 0
  const values = snapshot.targets.values.slice()
  const width = widthOf(snapshot.bounds)
  for (let at = 0; at < values.length; at += width) values[at + column.inFlight] = 0
  return {
    ...snapshot,
    targets: { labels: snapshot.targets.labels, values },
    counts,
    upstreams: noUpstreams,
    live: [],
    workers: [],
  }
}

/** One text for the labels of one target, and for no other. */
export const targetKey = ({ service, host, path, url }: MeterLabels): string =>
  flat(service, '\n', host, '\n', path, '\n', url)
const statusKey = ({ service, status }: StatusLabels): string => `${status} ${service}`

function addRows<L>(
  all: readonly LabelledRows<L>[],
  width: number,
  keyOf: (labels: L) => string,
): LabelledRows<L> {
  const labels: L[] = []
  const places = new Map<string, number>()
  const most = all.reduce((sum, rows) => sum + rows.labels.length, 0)
  const values = new Float64Array(most * width)
  for (const rows of all) {
    for (const [index, each] of rows.labels.entries()) {
      const key = keyOf(each)
      let place = places.get(key)
      if (place === undefined) {
        place = labels.length * width
        places.set(key, place)
        labels.push(each)
      }
      addTo(values, place, rows.values, index * width, width)
    }
  }
  return { labels, values: values.subarray(0, labels.length * width) }
}

function addTo(sum: Float64Array, at: number, values: Float64Array, from: number, count: number): void {
  for (let i = 0; i < count; i++) sum[at + i]! += values[from + i]!
}

function addRecords(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const record of records) {
    for (const [key, count] of Object.entries(record)) sum[key] = (sum[key] ?? 0) + count
  }
  return sum
}

/** What a service, or an instance of one, has done so far. */
export interface Figures {
  requests: number
  /** Answers of 500 and above, and answers that broke off for another reason than the client. */
  errors: number
  /** Requests that are under way now. */
  inFlight: number
  /** Of all durations, milliseconds. */
  duration: number
  /** Octets of answers' bodies. */
  bytes: number
  /** How many took up to each of `bounds` and no less than the one before; the last: longer. */
  readonly buckets: number[]
}

/** By name. A service that got no request yet is not there. */
export function figuresByService({ bounds, statuses, targets }: MetricsSnapshot): Map<string, Figures> {
  const services = sumRows(statuses, bounds, ({ service }) => service)
  const width = widthOf(bounds)
  for (const [index, { service }] of targets.labels.entries()) {
    const figures = services.get(service)
    // What a service has under way is known by target alone: it has no status yet.
    if (figures !== undefined) figures.inFlight += targets.values[index * width + column.inFlight]!
  }
  return services
}

/**
 * What each target has done, whatever route it was asked by, under the key that is made of its labels: the service and
 * the destination, for instance.
 */
export const figuresByTarget = (
  { bounds, targets }: MetricsSnapshot,
  keyOf: (labels: MeterLabels) => string,
): Map<string, Figures> => sumRows(targets, bounds, keyOf)

function sumRows<L>(
  { labels, values }: LabelledRows<L>,
  bounds: readonly number[],
  keyOf: (labels: L) => string,
): Map<string, Figures> {
  const sums = new Map<string, Figures>()
  const width = widthOf(bounds)
  for (const [index, each] of labels.entries()) {
    const key = keyOf(each)
    let sum = sums.get(key)
    if (sum === undefined) {
      const buckets = new Array<number>(bounds.length + 1).fill(0)
      sum = { requests: 0, errors: 0, inFlight: 0, duration: 0, bytes: 0, buckets }
      sums.set(key, sum)
    }
    const at = index * width
    sum.requests += values[at + column.requests]!
    sum.errors += values[at + column.errors]!
    sum.inFlight += values[at + column.inFlight]!
    sum.duration += values[at + column.duration]!
    sum.bytes += values[at + column.bytes]!
    for (let i = 0; i <= bounds.length; i++) sum.buckets[i]! += values[at + firstBucket + i]!
  }
  return sums
}
