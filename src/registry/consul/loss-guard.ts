import type { Clock } from '../../base/world.ts'

/**
 * Knows when too much is lost at once to be believed. A Consul that has just restarted lists nothing, or calls every
 * check critical that has not run yet (fabio #861); an agent that leaves takes its services out of the catalog before
 * it goes. If that were applied, a gateway that could serve every request would serve none.
 *
 * What counts is a service that loses its last routed instance. Losses within ten seconds belong together; more than
 * half of all routed services is too much.
 */
export class LossGuard {
  readonly #clock: Clock
  /** Services that were told to have routed instances. */
  readonly #routed = new Set<string>()
  /** When services lost their last one, whether that was told or not. */
  readonly #losses = new Map<string, number>()
  #distrustUntil = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Contact was lost and is back: for a while checks may be critical, and lists empty, only because it restarted. */
  contactWasBack(): void {
    this.#distrustUntil = this.#clock.monotonic() + distrustMs
  }

  /** True while what Consul says may be that of a Consul that has just restarted. */
  get isDistrustful(): boolean {
    return this.#clock.monotonic() < this.#distrustUntil
  }

  isRouted(service: string): boolean {
    return this.#routed.has(service)
  }

  lost(service: string): void {
    if (!this.#losses.has(service)) this.#losses.set(service, this.#clock.monotonic())
  }

  /** It has routed instances after all. */
  found(service: string): void {
    this.#losses.delete(service)
  }

  told(service: string, isRouted: boolean): void {
    if (isRouted) this.#routed.add(service)
    else this.#routed.delete(service)
  }

  get isTooMuch(): boolean {
    const now = this.#clock.monotonic()
    let gone = 0
    for (const [service, at] of this.#losses) {
      // One that still waits to be told counts however long that takes.
      if (!this.#routed.has(service)) {
        if (now - at > togetherMs) this.#losses.delete(service)
        else gone++
      }
    }
    return this.#losses.size > (this.#routed.size + gone) / 2
  }
}

const togetherMs = 10_000
/** As long as the longest interval of checks that is in common use. */
const distrustMs = 30_000
