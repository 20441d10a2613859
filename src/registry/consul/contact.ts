import { Backoff } from '../../base/backoff.ts'
import { messageOf } from '../../base/errors.ts'
import { sleep, type World } from '../../base/world.ts'
import type { RegistryStatus } from '../registry.ts'

/**
 * Whether Consul is there, known once for all watches. When it is lost one probe asks for it, about once a second,
 * and when it is back the watches go on, spread over a moment: neither a hundred watches hammering a dead agent nor
 * a herd on the one that has just started.
 */
export class Contact {
  readonly #probe: (signal: AbortSignal) => Promise<void>
  readonly #world: World
  readonly #changed: () => void
  readonly #signal: AbortSignal
  #lost: Promise<void> | null = null
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

  /** Called by a watch that got no answer: resolves when it should try again. */
  async waitForReturn(error: unknown): Promise<void> {
    if (this.#lost === null) {
      this.#error = messageOf(error)
      this.#lost = this.#recover()
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
    this.#lost = null
    this.#error = ''
    this.heard()
    this.#changed()
  }
}

const minProbeMs = 600
/** Over how long the watches are spread when Consul is back. */
const spreadMs = 250
