import { breathe, type Clock } from '../base/world.ts'
import { LiveWindow } from './live-window.ts'
import type { ReadTrafficFigures } from './traffic-figures.ts'
import { TrafficSeries } from './traffic-series.ts'
import type { FiguresView, TrafficView } from './traffic-view.ts'

/** While somebody looks, the figures are read this often; milliseconds. */
const watchedMs = 1_000
/** While nobody does: as often as the series need. */
const unwatchedMs = 5_000

/** Reads the figures of the traffic plane for as long as the gateway lives, and keeps what the page shows of them. */
export class TrafficWatch {
  readonly #read: ReadTrafficFigures
  readonly #clock: Clock
  readonly #live = new LiveWindow(breathe)
  readonly #series = new TrafficSeries()
  readonly #subscribers = new Set<() => void>()
  #cancel: (() => void) | null = null
  #isReading = false
  #isOver = false

  constructor(read: ReadTrafficFigures, clock: Clock) {
    this.#read = read
    this.#clock = clock
  }

  start(): void {
    void this.#sample()
  }

  /** What passes through now; null before there is anything to compare. */
  figures(): FiguresView | null {
    return this.#live.view()
  }

  /** @param service null: everything */
  traffic(service: string | null): TrafficView {
    return this.#series.view(service, this.#clock.now(), this.#clock.monotonic())
  }

  /** Calls back after every reading; the returned function ends that. */
  subscribe(told: () => void): () => void {
    // Somebody looks from now on: the next reading is not the one that was planned for nobody.
    if (this.#subscribers.size === 0 && this.#cancel !== null) {
      this.#cancel()
      this.#plan(watchedMs)
    }
    this.#subscribers.add(told)
    return () => this.#subscribers.delete(told)
  }

  close(): void {
    this.#isOver = true
    this.#cancel?.()
    this.#subscribers.clear()
  }

  /** One after the other: a traffic plane that is slow to answer is not asked again meanwhile. */
  async #sample(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    this.#cancel = null
    try {
      const figures = await this.#read()
      const at = this.#clock.monotonic()
      this.#series.take(at, figures)
      await this.#live.take(at, figures)
    } catch {
      // Whoever counts is being replaced: the next reading has what it missed.
    } finally {
      this.#isReading = false
    }
    if (this.#isOver) return
    for (const told of this.#subscribers) told()
    this.#plan(this.#subscribers.size > 0 ? watchedMs : unwatchedMs)
  }

  #plan(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => void this.#sample())
  }
}
