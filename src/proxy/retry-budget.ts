/** How many of the requests under way may be repeats, so that a cluster that is down is not asked twice as much. */
export interface RetryBudgetOptions {
  /** Part of the requests under way, 0 to 1. */
  readonly share: number
  /** So many may be repeats however few requests there are. */
  readonly minimum: number
}

/** Counts the requests under way and those of them that are repeats. */
export class RetryBudget {
  readonly #options: RetryBudgetOptions
  #active = 0
  #retrying = 0

  constructor(options: RetryBudgetOptions) {
    this.#options = options
  }

  began(): void {
    this.#active++
  }

  /** @param isRetry a permit of `take` is given back */
  ended(isRetry: boolean): void {
    this.#active--
    if (isRetry) this.#retrying--
  }

  /** A permit for one request to be repeated, however often, until it has ended. False: there is none. */
  take(): boolean {
    const { share, minimum } = this.#options
    if (this.#retrying >= Math.max(minimum, this.#active * share)) return false
    this.#retrying++
    return true
  }
}
