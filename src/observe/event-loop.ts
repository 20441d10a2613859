import type { Clock } from '../base/world.ts'

/** How often the loop is asked; milliseconds. */
const everyMs = 100

/** Upper bounds of what a turn may come late by, milliseconds. */
export const delayBounds = [1, 5, 10, 25, 50, 100, 250, 500, 1000] as const

/** How late callbacks come: cumulative, so that any two readings give what was between them. */
export interface DelayFigures {
  /** Milliseconds. */
  sum: number
  /** How many came late by up to each of `delayBounds` and no less than the one before; the last: by more. */
  readonly buckets: number[]
}

export const noDelays = (): DelayFigures => ({
  sum: 0,
  buckets: new Array<number>(delayBounds.length + 1).fill(0),
})

/** Finds out how long the process keeps requests waiting: a callback that is due now and then, and comes late. */
export class EventLoopDelay {
  readonly #figures = noDelays()
  readonly #clock: Clock
  #cancel: () => void
  #dueAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#cancel = () => {}
    this.#plan()
  }

  #plan(): void {
    this.#dueAt = this.#clock.monotonic() + everyMs
    this.#cancel = this.#clock.after(everyMs, () => {
      const late = Math.max(0, this.#clock.monotonic() - this.#dueAt)
      this.#figures.sum += late
      let bucket = 0
      while (bucket < delayBounds.length && late > delayBounds[bucket]!) bucket++
      this.#figures.buckets[bucket]!++
      this.#plan()
    })
  }

  copy(): DelayFigures {
    return { sum: this.#figures.sum, buckets: [...this.#figures.buckets] }
  }

  close(): void {
    this.#cancel()
  }
}
