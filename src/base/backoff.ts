/**
 * Waiting times after failures: exponential with full jitter, so that many who failed together do not come back
 * together.
 */
export class Backoff {
  readonly #firstMs: number
  readonly #maxMs: number
  readonly #random: () => number
  #failures = 0

  constructor(options: { firstMs: number; maxMs: number; random: () => number }) {
    this.#firstMs = options.firstMs
    this.#maxMs = options.maxMs
    this.#random = options.random
  }

  /** Milliseconds to wait after one more failure: uniform between nothing and a ceiling that doubles each time. */
  next(): number {
    const ceiling = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#failures)
    this.#failures = Math.min(this.#failures + 1, 30)
    return this.#random() * ceiling
  }

  succeeded(): void {
    this.#failures = 0
  }
}
