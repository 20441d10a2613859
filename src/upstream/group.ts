import type { Queue } from '../balance/queue.ts'
import type { EjectionOptions } from './ejection.ts'
import type { Upstream } from './upstream.ts'

/** Without ejection nobody is ever out, and the figures say nothing. */
export type GroupOptions = Pick<EjectionOptions, 'maxShare' | 'panicShare'>

/**
 * The upstreams that share the requests of one route. An upstream that is ejected is so for every route that can bear
 * it: each bounds for itself how many may be out together, and one route's last upstream may well be another's tenth.
 * Made anew with the route.
 */
export class UpstreamGroup {
  /** Requests of the route that wait for room; null: nobody limits them. */
  readonly queue: Queue | null
  readonly #upstreams: ReadonlySet<Upstream>
  readonly #most: number
  readonly #panicBelow: number
  /** Those that are ejected and that the route does without. */
  readonly #out = new Set<Upstream>()
  readonly #starting = new Set<Upstream>()

  constructor(upstreams: Iterable<Upstream>, options: GroupOptions, queue: Queue | null) {
    this.#upstreams = new Set(upstreams)
    this.queue = queue
    const { size } = this.#upstreams
    // One of several may always be out: a third of three would otherwise be too much for a limit of a quarter.
    this.#most = Math.min(size - 1, Math.max(1, Math.floor(size * options.maxShare)))
    this.#panicBelow = size * options.panicShare
    for (const upstream of this.#upstreams) {
      upstream.groups.add(this)
      if (queue !== null) upstream.isAwaited = true
      this.refresh(upstream)
    }
  }

  /** The route is no more. */
  leave(): void {
    for (const upstream of this.#upstreams) {
      upstream.groups.delete(this)
      if (this.queue !== null) upstream.isAwaited = [...upstream.groups].some(({ queue }) => queue !== null)
    }
  }

  /** Whether one more could be ejected. */
  get mayEject(): boolean {
    return this.#out.size < this.#most
  }

  get isPanicking(): boolean {
    return this.#out.size > 0 && this.#upstreams.size - this.#out.size < this.#panicBelow
  }

  get hasWhole(): boolean {
    return this.#out.size + this.#starting.size < this.#upstreams.size
  }

  isSpared(upstream: unknown): boolean {
    return this.isPanicking || !this.#out.has(upstream as Upstream)
  }

  /** The state of one of them is another. */
  refresh(upstream: Upstream): void {
    if (upstream.isEjected) {
      this.#starting.delete(upstream)
      if (this.mayEject) this.#out.add(upstream)
      return
    }
    if (upstream.part < 1) this.#starting.add(upstream)
    else this.#starting.delete(upstream)
    // With this one back the route can do without one that it had to spare.
    if (this.#out.delete(upstream)) {
      for (const other of this.#upstreams) {
        if (this.mayEject && other.isEjected) this.#out.add(other)
      }
    }
  }
}
