/** Allows bursts and bounds the rate behind them: unlike a fixed pause, it costs the rare event no time. */
export class TokenBucket {
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #filledAt: number

  /** @param now monotonic milliseconds */
  constructor(burst: number, now: () => number) {
    this.#burst = burst
    this.#now = now
    this.#tokens = burst
    this.#filledAt = now()
  }

  /**
   * Takes a token, if need be one that is yet to come.
   *
   * @param refillMs how long one token takes to come back
   * @returns milliseconds to wait before going on
   */
  take(refillMs: number): number {
    const now = this.#now()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) / refillMs)
    this.#filledAt = now
    this.#tokens--
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens * refillMs)
  }
}
