import { type Counts, growth, quantile, sumOf, type TrafficFigures } from './traffic-figures.ts'
import type { AddressStateView, FiguresView, RateView } from './traffic-view.ts'

/** What is live covers at least this many milliseconds, and less than twice as many. */
export const liveForMs = 5_000

interface Reading {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly services: ReadonlyMap<string, Counts>
  readonly instances: ReadonlyMap<string, Counts> | null
  readonly figures: TrafficFigures
}

/** Rates of the last seconds: from two readings that are kept and the newest. Nothing is copied or summed up. */
export class LiveWindow {
  #first: Reading | null = null
  #second: Reading | null = null
  #newest: Reading | null = null

  /** @param at monotonic milliseconds */
  take(at: number, figures: TrafficFigures): void {
    const { services, instances } = figures
    this.#newest = {
      at,
      figures,
      services: new Map(services.map((counts) => [counts.service, counts])),
      instances:
        instances === undefined ? null : new Map(instances.map((counts) => [instanceKey(counts), counts])),
    }
    this.#first ??= this.#newest
    this.#second ??= this.#newest
    if (at - this.#second.at < liveForMs) return
    this.#first = this.#second
    this.#second = this.#newest
  }

  /** Null before there were two readings. */
  view(): FiguresView | null {
    const [from, to] = [this.#first, this.#newest]
    if (from === null || to === null || from.at === to.at) return null
    const seconds = (to.at - from.at) / 1000
    const { bounds, connectionsOpen, unplaced } = to.figures
    const rate = (counts: Counts): RateView => rateView(counts, seconds, bounds)
    const services: Record<string, RateView> = {}
    const all: Counts[] = []
    for (const [service, counts] of to.services) {
      const grown = growth(from.services.get(service), counts)
      if (grown.requests === 0) continue
      services[service] = rate(grown)
      all.push(grown)
    }
    const placed = sumOf(all)
    const requests = placed.requests + Math.max(0, unplaced - from.figures.unplaced)
    const total = { ...rate({ ...placed, requests }), connectionsOpen }
    const instances = this.#instances(from, to, rate)
    return { seconds: rounded(seconds), total, services, instances, states: statesOf(to.figures) }
  }

  #instances(from: Reading, to: Reading, rate: (counts: Counts) => RateView): FiguresView['instances'] {
    if (to.instances === null) return null
    const views: Record<string, RateView> = {}
    for (const [key, counts] of to.instances) {
      const grown = growth(from.instances?.get(key), counts)
      if (grown.requests > 0) views[key] = rate(grown)
    }
    return views
  }
}

const statesOf = ({ states }: TrafficFigures): Record<string, AddressStateView> =>
  Object.fromEntries(
    states.map(({ address, ejectedUntil, ...state }) => [
      address,
      { ...state, ejectedUntil: ejectedUntil === null ? null : new Date(ejectedUntil).toISOString() },
    ]),
  )

/** Under which an instance is found in a FiguresView. */
const instanceKey = ({ service, address }: { service: string; address: string }): string =>
  `${service} ${address}`

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
