/**
 * How many requests may be sent a second time, so that instances in trouble are not asked twice as much. What never
 * reached an instance costs it nothing and needs no permit.
 */
export interface RetryBudgetOptions {
  /** Part of the requests of the last seconds, 0 to 1. */
  readonly share: number
  /** Repeats per second in any case. */
  readonly minimum: number
}

/** Seconds that are looked back on. */
const seconds = 10

/**
 * Counts requests and repeats of the last ten seconds. Over such a time and not at one moment: an instance that is
 * killed takes all it had with it, which may be far more than a fifth of what is under way, and far less than a fifth
 * of what was served lately.
 */
export class RetryBudget {
  readonly #options: RetryBudgetOptions
  readonly #requests = new Uint32Array(seconds)
  readonly #repeats = new Uint32Array(seconds)
  /** The second that is counted in, since the epoch of the clock. */
  #second = 0

  constructor(options: RetryBudgetOptions) {
    this.#options = options
  }

  /**
   * HOT: once for each request.
   *
   * @param now monotonic milliseconds, as in `take`
   */
  began(now: number): void {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) this.#advance(second)
    this.#requests[second % seconds]!++
  }

  /** Whether one request may be sent again now. */
  take(now: number): boolean {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) this.#advance(second)
    const { share, minimum } = this.#options
    if (sum(this.#repeats) + 1 > share * sum(this.#requests) + minimum * seconds) return false
    this.#repeats[second % seconds]!++
    return true
  }

  /** Forgets what is too long ago. */
  #advance(second: number): void {
    const first = Math.max(this.#second + 1, second - seconds + 1)
    for (let each = first; each <= second; each++) {
      this.#requests[each % seconds] = 0
      this.#repeats[each % seconds] = 0
    }
    this.#second = second
  }
}

const sum = (counts: Uint32Array): number => counts.reduce((total, count) => total + count, 0)
