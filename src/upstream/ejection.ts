/** `proxy.ejection` and its figures. Durations in milliseconds. */
export interface EjectionOptions {
  /** So many failures in a row and an upstream is ejected. */
  readonly failures: number
  /** How long the first time. Each further time in a row takes twice as long. */
  readonly time: number
  /** And at most. Who has served for so long since starts from `time` again. */
  readonly maxTime: number
  /** Part of a route's upstreams that may be ejected together, 0 to 1; one of several always may. */
  readonly maxShare: number
  /** With a smaller part of its upstreams left, a route sends to all of them, 0 to 1. */
  readonly panicShare: number
}

export type EjectionState = 'closed' | 'open' | 'half-open' | 'probing'

/** A probe whose outcome has not come after so long is no longer waited for; milliseconds. */
export const probeTimeout = 30_000

/**
 * Whether one upstream is ejected for what it did to its requests.
 *
 * - closed: it gets requests; failures in a row are counted
 * - open: it gets none until its time is over
 * - half-open: it may have one request, the probe
 * - probing: the probe is out, and its outcome decides
 *
 * Knows no time of its own: whoever holds it says what it is, in monotonic milliseconds.
 */
export class Ejection {
  readonly #options: Pick<EjectionOptions, 'failures' | 'time' | 'maxTime'>
  #state: EjectionState = 'closed'
  #failuresInARow = 0
  /** Ejections since it last did well for long. */
  #times = 0
  /** When it came back last. */
  #closedAt = 0

  constructor(options: Pick<EjectionOptions, 'failures' | 'time' | 'maxTime'>) {
    this.#options = options
  }

  get state(): EjectionState {
    return this.#state
  }

  get failuresInARow(): number {
    return this.#failuresInARow
  }

  /** A request has failed that was no probe. True: one too many, it ought to be ejected. */
  failed(): boolean {
    // What began before the ejection and fails now says nothing new.
    if (this.#state !== 'closed') return false
    this.#failuresInARow++
    return this.#failuresInARow >= this.#options.failures
  }

  /** A request was answered that was no probe. */
  succeeded(): void {
    if (this.#state === 'closed') this.#failuresInARow = 0
  }

  /** It is to get nothing. Returns for how long, in milliseconds. */
  eject(now: number): number {
    const { time, maxTime } = this.#options
    if (this.#state === 'closed' && now - this.#closedAt >= maxTime) this.#times = 0
    this.#state = 'open'
    // 2 ** 30 times the shortest time is longer than any that can be asked for.
    const ms = Math.min(maxTime, time * 2 ** Math.min(this.#times, 30))
    this.#times++
    return ms
  }

  /** Its time is over, or that of the probe. */
  elapsed(): void {
    if (this.#state === 'open' || this.#state === 'probing') this.#state = 'half-open'
  }

  /** True: the request is the probe, and an outcome must follow. */
  startProbe(): boolean {
    if (this.#state !== 'half-open') return false
    this.#state = 'probing'
    return true
  }

  /** The probe was answered: it is back. */
  probeSucceeded(now: number): void {
    this.#state = 'closed'
    this.#closedAt = now
    this.#failuresInARow = 0
  }

  /** The client of the probe has left before its outcome: the next request is another. */
  probeLeft(): void {
    if (this.#state === 'probing') this.#state = 'half-open'
  }
}
