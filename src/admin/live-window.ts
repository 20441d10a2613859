import type { Breathe } from '../base/world.ts'
import { rateView, readTargets, rounded, type TargetReading, targetRates } from './target-figures.ts'
import { type Counts, growth, sumOf, type TrafficFigures } from './traffic-figures.ts'
import type { AddressStateView, FiguresView, RateView } from './traffic-view.ts'

/** What is live covers at least this many milliseconds, and less than twice as many. */
export const liveForMs = 5_000

interface Reading {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly services: ReadonlyMap<string, Counts>
  readonly targets: TargetReading
  readonly figures: TrafficFigures
}

/**
 * Rates of the last seconds: from two readings that are kept and the newest. Nothing is copied or summed up, and of
 * many targets some are looked at at a time: in the process that reads this, requests may wait for their turn.
 */
export class LiveWindow {
  readonly #breathe: Breathe
  #first: Reading | null = null
  #second: Reading | null = null
  #newest: Reading | null = null
  #view: FiguresView | null = null

  constructor(breathe: Breathe) {
    this.#breathe = breathe
  }

  /** @param at monotonic milliseconds */
  async take(at: number, figures: TrafficFigures): Promise<void> {
    const targets = await readTargets(figures.targets, this.#breathe)
    const services = new Map(figures.services.map((counts) => [counts.service, counts]))
    this.#newest = { at, figures, services, targets }
    this.#first ??= this.#newest
    this.#second ??= this.#newest
    if (at - this.#second.at >= liveForMs) {
      this.#first = this.#second
      this.#second = this.#newest
    }
    this.#view = await this.#compute(this.#first, this.#newest)
  }

  /** Null before there were two readings. */
  view(): FiguresView | null {
    return this.#view
  }

  async #compute(from: Reading, to: Reading): Promise<FiguresView | null> {
    if (from.at === to.at) return null
    const seconds = (to.at - from.at) / 1000
    const { bounds, connectionsOpen, unplaced } = to.figures
    const rate = (counts: Counts): RateView => rateView(counts, seconds, bounds)
    // Entries, not assignments: a service may be called `__proto__`.
    const services: [string, RateView][] = []
    const all: Counts[] = []
    for (const [service, counts] of to.services) {
      const grown = growth(from.services.get(service), counts)
      if (grown.requests === 0) continue
      services.push([service, rate(grown)])
      all.push(grown)
    }
    const placed = sumOf(all)
    const requests = placed.requests + Math.max(0, unplaced - from.figures.unplaced)
    const total = { ...rate({ ...placed, requests }), connectionsOpen }
    const instances = await targetRates(from.targets, to.targets, seconds, bounds, this.#breathe)
    return {
      seconds: rounded(seconds),
      total,
      services: Object.fromEntries(services),
      instances,
      states: statesOf(to.figures),
    }
  }
}

const statesOf = ({ states }: TrafficFigures): Record<string, AddressStateView> =>
  Object.fromEntries(
    states.map(({ address, ejectedUntil, ...state }) => [
      address,
      { ...state, ejectedUntil: ejectedUntil === null ? null : new Date(ejectedUntil).toISOString() },
    ]),
  )
