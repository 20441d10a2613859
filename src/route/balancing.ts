import type { Affinity } from '../balance/affinity.ts'
import { type Balancer, buildBalancer } from '../balance/balancer.ts'
import { CookieAffinity } from '../balance/cookie.ts'
import { alwaysThere } from '../balance/member.ts'
import { Queue, type QueueOptions } from '../balance/queue.ts'
import type { Cursor, Strategy } from '../balance/strategies.ts'
import type { UpstreamGroup } from '../upstream/group.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { RouteOptions } from './options.ts'
import { affinityOf, type NamedTarget } from './sticky.ts'

/** What decides which target of a route gets a request. */
export interface Balancing {
  /** Null when no target has a share. */
  readonly balancer: Balancer | null
  /** Where requests belong; null: nowhere. */
  readonly affinity: Affinity | null
  /** The same, where it is a cookie that says it and the answer has to set it. */
  readonly cookie: CookieAffinity | null
  /** Requests that wait for room; null: no target is limited. */
  readonly queue: Queue | null
  readonly group: UpstreamGroup
}

export interface BalancingOptions {
  /** That of routes that name none: `proxy.strategy`. */
  readonly strategy: Strategy
  /** Those of routes that name none: `proxy.queue.*`. */
  readonly queue: QueueOptions
  readonly random: () => number
  /** Absent: there is one process. */
  readonly worker?: WorkerPlace
}

/** One of the processes that serve the same requests. */
export interface WorkerPlace {
  /** 1 for the first. */
  readonly number: number
  readonly of: number
}

/** What this process may have of a limit for all: together they have what it allows, as long as it is one for each. */
function partOf(limit: number, { number, of }: WorkerPlace): number {
  if (limit === 0) return 0
  return Math.max(1, Math.floor((limit * number) / of) - Math.floor((limit * (number - 1)) / of))
}

const alone: WorkerPlace = { number: 1, of: 1 }

export interface BalancedTarget extends NamedTarget {
  readonly share: number
  readonly options: RouteOptions
  readonly upstream: Upstream | null
}

type GroupFactory = (upstreams: Iterable<Upstream>, queue: Queue | null) => UpstreamGroup

/** Makes the balancing of routes, and keeps from one table to the next what must not begin anew. */
export class RouteBalancing {
  readonly #options: BalancingOptions
  readonly #worker: WorkerPlace
  readonly #newGroup: GroupFactory
  readonly #cursors = new Map<string, Cursor>()
  readonly #queues = new Map<string, Queue>()

  constructor(options: BalancingOptions, newGroup: GroupFactory) {
    this.#options = options
    this.#worker = options.worker ?? alone
    this.#newGroup = newGroup
  }

  /** @param key of the route. What belongs to the route as a whole is what the first target to state it says. */
  build(key: string, targets: readonly BalancedTarget[]): Balancing {
    const first = <K extends keyof RouteOptions>(option: K): RouteOptions[K] | undefined =>
      targets.find(({ options }) => options[option] !== undefined)?.options[option]
    const sticky = first('sticky')
    const limits = targets.map(({ options, upstream }) =>
      upstream === null ? 0 : partOf(options.maxConn ?? 0, this.#worker),
    )
    const queue = this.#queue(key, limits, {
      size: first('maxQueue') ?? this.#options.queue.size,
      timeout: first('queueTimeout') ?? this.#options.queue.timeout,
    })
    if (queue !== null) queue.isMixed = sticky !== undefined
    const sharing: Upstream[] = []
    for (const { share, upstream } of targets) if (share > 0 && upstream !== null) sharing.push(upstream)
    const group = this.#newGroup(sharing, queue)
    const built = buildBalancer({
      members: targets.map(({ upstream }) => upstream ?? alwaysThere),
      group,
      shares: targets.map(({ share }) => share),
      limits,
      random: this.#options.random,
      strategy: first('strategy') ?? this.#options.strategy,
      cursorAt: (slots) => this.#cursor(key, slots),
      affinity: sticky === undefined ? null : affinityOf(sticky, key, targets),
    })
    const affinity = built?.affinity ?? null
    const cookie = affinity instanceof CookieAffinity ? affinity : null
    return { balancer: built?.balancer ?? null, affinity, cookie, queue, group }
  }

  /** The route is no more. */
  forget(key: string): void {
    this.#cursors.delete(key)
    this.#queues.delete(key)
  }

  #queue(key: string, limits: readonly number[], options: QueueOptions): Queue | null {
    if (limits.every((limit) => limit === 0)) {
      this.#queues.delete(key)
      return null
    }
    let queue = this.#queues.get(key)
    if (queue === undefined) {
      queue = new Queue(options)
      this.#queues.set(key, queue)
    } else queue.options = options
    return queue
  }

  /** Requests that wait, over all routes. */
  get waiting(): number {
    let sum = 0
    for (const queue of this.#queues.values()) sum += queue.size
    return sum
  }

  #cursor(key: string, slots: number): Cursor {
    let cursor = this.#cursors.get(key)
    if (cursor === undefined) {
      // Workers that all begin with the first instance would send it their first requests together.
      const { number, of } = this.#worker
      cursor = { next: Math.floor(((number - 1) / of) * slots) }
      this.#cursors.set(key, cursor)
    }
    return cursor
  }
}
