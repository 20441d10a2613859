import type { Clock } from '../../base/world.ts'
import type { ConsulError } from './client.ts'

/**
 * Questions that Consul answers with an error, or with something that it does not document, while it answers others:
 * a token that may not read, a limit, one service that cannot be read. What was known of them stays and gets old, and
 * nobody would see that without this.
 */
export class Refusals {
  readonly #clock: Clock
  readonly #changed: () => void
  readonly #refused = new Map<string, Refusal>()

  /** @param changed called when the first question is refused, and when none is any more */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock
    this.#changed = changed
  }

  /** Returns whether it is worth a line in the log: one for all that are refused in the same way. */
  refused(path: string, { status, message }: ConsulError): boolean {
    const before = this.#refused.get(path)
    const isNew = ![...this.#refused.values()].some((other) => other.status === status)
    this.#refused.set(path, { status, message, since: before?.since ?? this.#clock.now() })
    if (this.#refused.size === 1 && before === undefined) this.#changed()
    return isNew
  }

  /** It was answered, or nobody asks any more. Returns whether it was the last one that was refused. */
  settled(path: string): boolean {
    if (!this.#refused.delete(path) || this.#refused.size > 0) return false
    this.#changed()
    return true
  }

  /** Since when the oldest of them is refused, ms since the epoch; null: there is none. */
  get since(): number | null {
    let oldest: number | null = null
    for (const { since } of this.#refused.values()) oldest = Math.min(oldest ?? since, since)
    return oldest
  }

  /** The words of the oldest, and how many there are beside it; empty: there is none. */
  get words(): string {
    const [oldest, ...others] = this.#refused.values()
    if (oldest === undefined) return ''
    return others.length === 0 ? oldest.message : `${oldest.message}; and ${others.length} more like it`
  }
}

interface Refusal {
  readonly status: number
  readonly message: string
  readonly since: number
}
