import type { Breathe } from '../base/world.ts'
import { column, firstBucket, type LabelledRows, widthOf } from '../observe/rows.ts'
import { parseDestination } from '../route/destination.ts'
import type { MeterLabels } from '../route/meter.ts'
import { rowName } from './route-name.ts'
import { type Counts, quantile } from './traffic-figures.ts'
import type { InstanceRatesView, InstancesView, RateView, RowRatesView } from './traffic-view.ts'

/** What has been counted of each target of each route at one moment, to be found by what it is of. */
export interface TargetReading {
  readonly rows: LabelledRows<MeterLabels>
  /** Of each, the number of its row. */
  readonly places: ReadonlyMap<string, number>
}

/** Rows that are looked at before everything else has its turn: some hundredths of a millisecond each. */
const rowsAtATime = 500

interface Names {
  /** Of this series and no other. */
  readonly key: string
  /** `host:port` */
  readonly address: string
  /** Of the route and the destination, within service and address. */
  readonly row: string
}

/** Made once for each series: they are asked for every second. */
const names = new WeakMap<MeterLabels, Names>()

function namesOf(labels: MeterLabels): Names {
  let known = names.get(labels)
  if (known === undefined) {
    const { service, host, path, url } = labels
    const address = parseDestination(url)?.authority ?? ''
    known = { key: `${service}\n${host}\n${path}\n${url}`, address, row: rowName(host, path, url, address) }
    names.set(labels, known)
  }
  return known
}

export async function readTargets(rows: LabelledRows<MeterLabels>, breathe: Breathe): Promise<TargetReading> {
  const places = new Map<string, number>()
  for (let i = 0; i < rows.labels.length; i++) {
    if (i % rowsAtATime === rowsAtATime - 1) await breathe()
    places.set(namesOf(rows.labels[i]!).key, i)
  }
  return { rows, places }
}

/** Rows that had requests, or have some now, with their places in both readings; -1: it was not there. */
interface Active {
  readonly labels: MeterLabels
  readonly before: number
  readonly after: number
}

/**
 * What passed through each target between two readings, by service and address. Those through which nothing did, and
 * at which nothing is, are not among them.
 */
export async function targetRates(
  from: TargetReading,
  to: TargetReading,
  seconds: number,
  bounds: readonly number[],
  breathe: Breathe,
): Promise<InstancesView> {
  const width = widthOf(bounds)
  const grown = new Growth(from.rows.values, to.rows.values, bounds)
  const instances = new Map<string, Map<string, Active[]>>()
  for (const [i, labels] of to.rows.labels.entries()) {
    if (i % rowsAtATime === rowsAtATime - 1) await breathe()
    const { key, address } = namesOf(labels)
    const active = { labels, before: (from.places.get(key) ?? -1) * width, after: i * width }
    if (grown.requests(active) === 0 && to.rows.values[active.after + column.inFlight] === 0) continue
    const addresses = listed(instances, labels.service, () => new Map<string, Active[]>())
    listed(addresses, address, () => [] as Active[]).push(active)
  }
  // Entries, not assignments: a service may be called `__proto__`.
  const services: [string, Record<string, InstanceRatesView>][] = []
  let done = 0
  for (const [service, addresses] of instances) {
    const ofService: [string, InstanceRatesView][] = []
    for (const [address, all] of addresses) {
      const rows: [string, RowRatesView][] = []
      for (const active of all) {
        if (++done % rowsAtATime === 0) await breathe()
        rows.push([namesOf(active.labels).row, grown.rates([active], seconds)])
      }
      const each = { rows: Object.fromEntries(rows) }
      ofService.push([address, all.length === 1 ? each : { all: grown.rates(all, seconds), ...each }])
    }
    services.push([service, Object.fromEntries(ofService)])
  }
  return Object.fromEntries(services)
}

function listed<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

/** What happened between two readings, in one buffer for all that are asked for. */
class Growth {
  readonly #before: Float64Array
  readonly #after: Float64Array
  readonly #bounds: readonly number[]
  readonly #buckets: number[]

  constructor(before: Float64Array, after: Float64Array, bounds: readonly number[]) {
    this.#before = before
    this.#after = after
    this.#bounds = bounds
    this.#buckets = new Array<number>(bounds.length + 1).fill(0)
  }

  requests({ before, after }: Active): number {
    const now = this.#after[after + column.requests]!
    // Who counts began anew: what is there now came since.
    const was = before < 0 ? 0 : this.#before[before + column.requests]!
    return was > now ? now : now - was
  }

  /** Over all of these rows. */
  rates(all: readonly Active[], seconds: number): RowRatesView {
    const buckets = this.#buckets.fill(0)
    let [requests, errors, inFlight] = [0, 0, 0]
    for (const active of all) {
      const { after } = active
      const grown = this.requests(active)
      const hasBegunAnew = active.before < 0 || grown === this.#after[after + column.requests]
      const before = hasBegunAnew ? -1 : active.before
      requests += grown
      errors += this.#grown(before, after, column.errors)
      inFlight += this.#after[after + column.inFlight]!
      for (let i = 0; i < buckets.length; i++) buckets[i]! += this.#grown(before, after, firstBucket + i)
    }
    const {
      requests: rate,
      errors: share,
      p50,
      p99,
    } = rateView({ requests, errors, buckets }, seconds, this.#bounds)
    return [rate, share, p50, p99, inFlight]
  }

  #grown(before: number, after: number, at: number): number {
    return Math.max(0, this.#after[after + at]! - (before < 0 ? 0 : this.#before[before + at]!))
  }
}

export function rateView(counts: Counts, seconds: number, bounds: readonly number[]): RateView {
  const { requests, errors, buckets } = counts
  return {
    requests: rounded(requests / seconds),
    errors: requests === 0 ? 0 : rounded(errors / requests),
    p50: roundedOrNull(quantile(0.5, buckets, bounds)),
    p99: roundedOrNull(quantile(0.99, buckets, bounds)),
  }
}

/** Three digits that count: more would only make the answer longer. */
export const rounded = (value: number): number => Number(value.toPrecision(3))

const roundedOrNull = (value: number | null): number | null => (value === null ? null : rounded(value))
