import { setMaxListeners } from 'node:events'
import { Backoff } from '../../base/backoff.ts'
import { messageOf } from '../../base/errors.ts'
import { sleep, type World } from '../../base/world.ts'
import type { RegistryStatus } from '../registry.ts'

/**
 * Whether Consul is there, known once for all watches. When it is lost one probe asks for it, about once a second,
 * and when it is back the watches go on, spread over a moment: neither a hundred watches hammering a dead agent nor
 * a herd on the one that has just started. A Consul without a leader is lost in the same way.
 */
export class Contact {
  readonly #probe: (signal: AbortSignal) => Promise<void>
  readonly #world: World
  readonly #changed: () => void
  readonly #signal: AbortSignal
  #lost: Promise<void> | null = null
  #doubt: Promise<boolean> | null = null
  /** Of the contact that there is or was last. */
  #life = new AbortController()
  #timesLost = 0
  #lastContactAt: number | null = null
  #error = ''

  /** @param probe resolves when Consul answers and has a leader */
  constructor(options: {
    probe: (signal: AbortSignal) => Promise<void>
    world: World
    changed: () => void
    signal: AbortSignal
  }) {
    this.#probe = options.probe
    this.#world = options.world
    this.#changed = options.changed
    setMaxListeners(0, this.#life.signal)
    this.#signal = options.signal
  }

  status(): RegistryStatus {
    return {
      connected: this.#lost === null && this.#lastContactAt !== null,
      lastContactAt: this.#lastContactAt,
      error: this.#error,
    }
  }

  /** Any whole answer counts, whatever it says. */
  heard(): void {
    this.#lastContactAt = this.#world.clock.now()
  }

  /**
   * Called by who got an error of the server. True: it is not this question alone, for Consul has no leader; then
   * `waitForReturn` is shorter than any pause of one's own would be.
   */
  isLost(): Promise<boolean> {
    if (this.#lost !== null) return Promise.resolve(true)
    // One question for all who are in doubt at the same time.
    this.#doubt ??= this.#probe(this.#signal)
      .then(
        () => false,
        () => true,
      )
      .finally(() => {
        this.#doubt = null
      })
    return this.#doubt
  }

  /** Resolves when Consul is there, as far as is known: at once, or when it is back. */
  whenThere(): Promise<void> {
    return this.#lost ?? Promise.resolve()
  }

  /** How often contact was lost. */
  get timesLost(): number {
    return this.#timesLost
  }

  /**
   * Asks something that may take minutes, and no longer than there is contact: the question may have reached a Consul
   * that restarted in between, with an index that this one will not have for long.
   */
  async whileThere<T>(signal: AbortSignal, ask: (ends: AbortSignal) => Promise<T>): Promise<T> {
    const life = this.#life.signal
    // Not AbortSignal.any: what it makes of a signal that lives as long as the gateway is never let go of.
    const ends = new AbortController()
    const end = (): void => ends.abort()
    for (const each of [signal, life]) {
      if (each.aborted) end()
      each.addEventListener('abort', end)
    }
    try {
      return await ask(ends.signal)
    } finally {
      for (const each of [signal, life]) each.removeEventListener('abort', end)
    }
  }

  /** Called by a watch that got no answer: resolves when it should try again. */
  async waitForReturn(error: unknown): Promise<void> {
    if (this.#lost === null) {
      this.#error = messageOf(error)
      this.#lost = this.#recover()
      this.#timesLost++
      this.#life.abort()
      this.#changed()
    }
    await this.#lost
    await sleep(this.#world.clock, this.#world.random() * spreadMs, this.#signal)
  }

  async #recover(): Promise<void> {
    const backoff = new Backoff({ firstMs: 250, maxMs: 500, random: this.#world.random })
    while (!this.#signal.aborted) {
      // At least half a second apart and about one on average: soon enough to notice, too rare to be a load.
      await sleep(this.#world.clock, minProbeMs + backoff.next(), this.#signal)
      try {
        await this.#probe(this.#signal)
        break
      } catch (error) {
        this.#error = messageOf(error)
      }
    }
    if (this.#signal.aborted) return
    this.#life = new AbortController()
    setMaxListeners(0, this.#life.signal)
    this.#lost = null
    this.#error = ''
    this.heard()
    this.#changed()
  }
}

const minProbeMs = 600
/** Over how long the watches are spread when Consul is back. */
const spreadMs = 250
