import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { World } from '../../base/world.ts'
import type { MetricsSnapshot } from '../snapshot.ts'
import type { Format } from './formats.ts'
import { Interval } from './interval.ts'
import type { Transport } from './transports.ts'

/** One of `metrics.target`. */
export interface PushTarget {
  /** As people call it: `graphite 10.0.0.9:2003`. */
  readonly name: string
  readonly format: Format
  readonly transport: Transport
}

/** Sends what was counted to those who do not come for it, once in an interval. */
export class Pusher {
  readonly #targets: readonly PushTarget[]
  readonly #every: number
  readonly #read: () => Promise<MetricsSnapshot>
  readonly #world: World
  readonly #log: Log
  readonly #interval: Interval
  readonly #failing = new Set<PushTarget>()
  #cancel: () => void = () => {}
  #isClosed = false

  /** @param every milliseconds */
  constructor(
    targets: readonly PushTarget[],
    every: number,
    bounds: readonly number[],
    read: () => Promise<MetricsSnapshot>,
    { world, log }: { world: World; log: Log },
  ) {
    this.#targets = targets
    this.#every = every
    this.#read = read
    this.#world = world
    this.#log = log
    this.#interval = new Interval(bounds)
  }

  start(): void {
    if (this.#targets.length > 0) this.#plan()
  }

  #plan(): void {
    if (!this.#isClosed) this.#cancel = this.#world.clock.after(this.#every, () => void this.#round())
  }

  async #round(): Promise<void> {
    await this.push()
    this.#plan()
  }

  /** One interval, now. Never rejects: who cannot be reached misses it. */
  async push(): Promise<void> {
    const pushed = this.#interval.since(await this.#read())
    const seconds = Math.floor(this.#world.clock.now() / 1000)
    await Promise.all(
      this.#targets.map(async (target) => {
        try {
          await target.transport.send(target.format(pushed, this.#interval.bounds, seconds))
          if (this.#failing.delete(target))
            this.#log.info('metrics', 'push-back', `${target.name} takes them again`)
        } catch (error) {
          if (this.#failing.has(target)) return
          this.#failing.add(target)
          this.#log.warn('metrics', 'push-failed', `${target.name}: ${messageOf(error)}; an interval is lost`)
        }
      }),
    )
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
    for (const { transport } of this.#targets) transport.close()
  }
}
