import type { Queue } from '../balance/queue.ts'
import { type UpstreamAddress, upstreamKey } from './address.ts'
import type { ConnectionCounts } from './client.ts'
import { UpstreamGroup } from './group.ts'
import { Leaving } from './leaving.ts'
import { addUpstreams, type LiveUpstream } from './live-upstream.ts'
import { type Care, type Connect, Upstream } from './upstream.ts'

/** Nobody is ejected: then it does not matter what could be. */
const noLimits = { maxShare: 0, panicShare: 0 }

/** All upstreams by address. A table takes what it names and lets go of it when it is replaced. */
export class Upstreams {
  readonly #connect: Connect
  readonly #care: Care | null
  readonly #byKey = new Map<string, Upstream>()
  readonly #leaving: Leaving
  #areNewOnesSlow = false

  /** @param care null: what traffic teaches is not looked at */
  constructor(connect: Connect, care: Care | null = null) {
    this.#connect = connect
    this.#care = care
    this.#leaving = new Leaving(care)
  }

  get size(): number {
    return this.#byKey.size
  }

  /** From here on who comes starts slowly; before, all are new and none is to be spared. */
  startNewOnesSlowly(): void {
    this.#areNewOnesSlow = true
  }

  /** How many connections there are to all of them. */
  connections(): ConnectionCounts {
    let busy = 0
    let idle = 0
    let waiting = 0
    for (const upstream of this.#byKey.values()) {
      const counts = upstream.connections()
      if (counts === null) continue
      busy += counts.busy
      idle += counts.idle
      waiting += counts.waiting
    }
    return { busy, idle, waiting }
  }

  /** What there is to say of each. @param now milliseconds since the epoch */
  live(now: number): LiveUpstream[] {
    const all: LiveUpstream[] = []
    for (const upstream of this.#byKey.values()) {
      if (upstream.inFlight > 0 || upstream.isHeldBack || upstream.isSuspect) all.push(upstream.live(now))
    }
    for (const upstream of this.#leaving) all.push({ ...upstream.live(now), isDraining: true })
    return addUpstreams(all)
  }

  take(address: UpstreamAddress): Upstream {
    const key = upstreamKey(address)
    let upstream = this.#byKey.get(key)
    if (upstream === undefined) {
      upstream = new Upstream(address, this.#connect, this.#care)
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

  /** The last to let go closes the connections, once running exchanges have ended or their time is up. */
  letGo(upstream: Upstream): void {
    if (--upstream.namedBy > 0) return
    this.#byKey.delete(upstream.key)
    this.#leaving.add(upstream)
  }

  /** Ends every exchange and connection. */
  async destroy(): Promise<void> {
    const all = [...this.#byKey.values()]
    this.#byKey.clear()
    for (const upstream of all) upstream.forget(() => {})
    await Promise.all([this.#leaving.destroy(), ...all.map((upstream) => upstream.destroy())])
  }
}
