import type { Queue } from '../balance/queue.ts'
import { type UpstreamAddress, upstreamKey } from './address.ts'
import type { UpstreamClient } from './client.ts'
import { UpstreamGroup } from './group.ts'
import { type Care, Upstream } from './upstream.ts'

/** Nobody is ejected: then it does not matter what could be. */
const noLimits = { maxShare: 0, panicShare: 0 }

/** All upstreams by address. A table takes what it names and lets go of it when it is replaced. */
export class Upstreams {
  readonly #connect: (address: UpstreamAddress) => UpstreamClient
  readonly #care: Care | null
  readonly #byKey = new Map<string, Upstream>()
  #areNewOnesSlow = false

  /** @param care null: what traffic teaches is not looked at */
  constructor(connect: (address: UpstreamAddress) => UpstreamClient, care: Care | null = null) {
    this.#connect = connect
    this.#care = care
  }

  get size(): number {
    return this.#byKey.size
  }

  /** From here on who comes starts slowly; before, all are new and none is to be spared. */
  startNewOnesSlowly(): void {
    this.#areNewOnesSlow = true
  }

  take(address: UpstreamAddress): Upstream {
    const key = upstreamKey(address)
    let upstream = this.#byKey.get(key)
    if (upstream === undefined) {
      upstream = new Upstream(key, this.#connect(address), this.#care)
      if (this.#areNewOnesSlow) upstream.startSlowly()
      this.#byKey.set(key, upstream)
    }
    upstream.namedBy++
    return upstream
  }

  /** Those that share the requests of one route. @param queue null: nobody limits them */
  group(upstreams: Iterable<Upstream>, queue: Queue | null): UpstreamGroup {
    return new UpstreamGroup(upstreams, this.#care?.options.ejection ?? noLimits, queue)
  }

  /** The last to let go closes the connections, once running exchanges have ended. */
  letGo(upstream: Upstream): void {
    if (--upstream.namedBy > 0) return
    this.#byKey.delete(upstream.key)
    upstream.forget()
    // Destroyed meanwhile, it has nothing left to close.
    upstream.client.close().catch(() => {})
  }

  /** Ends every exchange and connection. */
  async destroy(): Promise<void> {
    const all = [...this.#byKey.values()]
    this.#byKey.clear()
    for (const upstream of all) upstream.forget()
    await Promise.all(all.map(({ client }) => client.destroy()))
  }
}
