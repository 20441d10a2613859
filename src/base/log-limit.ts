import type { Clock } from './world.ts'

/** Lines of one code that may come at once. */
const burst = 50
/** How long what was left out waits for a line of its own, at most; milliseconds. */
const tellMs = 10_000

interface Budget {
  tokens: number
  filledAt: number
  /** Lines that were left out since the last one that was not. */
  leftOut: number
  leftOutSince: number
  cancel: (() => void) | null
}

/**
 * Bounds how often each code may be said: a service whose check flaps, or an instance that refuses every request, must
 * not push everything else out of the log. Nothing disappears unsaid: how many lines were left out is told.
 */
export class LogLimit {
  readonly #perSecond: number
  readonly #clock: Clock
  readonly #tell: (key: string, leftOut: number, seconds: number) => void
  readonly #budgets = new Map<string, Budget>()

  /**
   * @param perSecond lines of one code, beyond a first burst
   * @param tell hears how many lines of a code were left out, within how many seconds
   */
  constructor(
    perSecond: number,
    clock: Clock,
    tell: (key: string, leftOut: number, seconds: number) => void,
  ) {
    this.#perSecond = perSecond
    this.#clock = clock
    this.#tell = tell
  }

  /** Whether a line with this code may be written now. */
  take(key: string): boolean {
    const now = this.#clock.monotonic()
    let budget = this.#budgets.get(key)
    if (budget === undefined) {
      budget = { tokens: burst, filledAt: now, leftOut: 0, leftOutSince: 0, cancel: null }
      this.#budgets.set(key, budget)
    }
    const refill = ((now - budget.filledAt) / 1000) * this.#perSecond
    budget.tokens = Math.min(burst, budget.tokens + refill)
    budget.filledAt = now
    if (budget.tokens >= 1) {
      budget.tokens--
      this.#settle(key, budget)
      return true
    }
    if (budget.leftOut === 0) {
      budget.leftOutSince = now
      const told = budget
      budget.cancel = this.#clock.after(tellMs, () => this.#settle(key, told))
    }
    budget.leftOut++
    return false
  }

  #settle(key: string, budget: Budget): void {
    if (budget.leftOut === 0) return
    const { leftOut } = budget
    const seconds = (this.#clock.monotonic() - budget.leftOutSince) / 1000
    budget.leftOut = 0
    budget.cancel?.()
    budget.cancel = null
    this.#tell(key, leftOut, seconds)
  }
}
