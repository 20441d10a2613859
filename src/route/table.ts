import type { Balancer, BalancerFactory, Cursor } from '../balance/balancer.ts'
import { buildRing } from '../balance/ring.ts'
import { sharesOf } from '../balance/shares.ts'
import { HostIndex, requestHost } from '../match/host-index.ts'
import {
  emptyTree,
  longestPrefix,
  type PrefixNode,
  valuesOf,
  withoutPath,
  withPath,
} from '../match/prefix-tree.ts'
import type { Upstream, UpstreamAddress } from '../upstream/upstream.ts'
import type { RouteDefinition, RouteOptions, ServiceRoutes, Source } from './definition.ts'
import { sourceText } from './definition.ts'
import { type Destination, parseDestination } from './destination.ts'

/** One instance behind a route. */
export interface Target {
  readonly service: string
  readonly instance: string
  readonly url: string
  /** `host:port` of the destination. */
  readonly authority: string
  readonly share: number
  readonly options: RouteOptions
  readonly upstream: Upstream
}

/** What one source leads to. */
export interface Route {
  readonly source: Source
  /** `foo.com/bar` */
  readonly text: string
  /** The healthy ones. */
  readonly targets: readonly Target[]
  /** Known instances that must get nothing. */
  readonly unhealthy: number
  /** Null when no target has a share. */
  readonly balancer: Balancer | null
}

/** What `proxy.unhealthyroute` says of a route whose instances are all unhealthy. */
export type UnhealthyRoute = '503' | 'fallthrough'

/** Who serves what. Immutable: a change makes a new one, and requests keep the one that they began with. */
export class RouteTable {
  /** Counts up with every change. */
  readonly version: number
  readonly #hosts: HostIndex<PrefixNode<Route>>

  constructor(version: number, hosts: HostIndex<PrefixNode<Route>>) {
    this.version = version
    this.#hosts = hosts
  }

  /**
   * HOT: once per request. The route of the narrowest host that has a matching prefix (fabio reference 3.2).
   *
   * @param host the request's Host, with port, as the client sent it
   * @param path the request's path with escapes and dot segments resolved
   */
  find(host: string, path: string, secure: boolean): Route | null {
    return this.#hosts.search(requestHost(host, secure), secure, (tree) => longestPrefix(tree, path))
  }

  *routes(): Generator<Route> {
    for (const [, tree] of this.#hosts.entries()) yield* valuesOf(tree)
  }
}

export const emptyTable = new RouteTable(0, new HostIndex())

export interface TableOptions {
  readonly strategy: BalancerFactory
  readonly unhealthyRoute: UnhealthyRoute
  readonly random: () => number
}

/** Where targets get the live state of their address from. */
export interface UpstreamStore {
  take(address: UpstreamAddress): Upstream
  letGo(upstream: Upstream): void
}

/**
 * Builds tables from changes. A change to one service builds the routes that it had or has, and no other: the rest of
 * the new table is the old one's.
 */
export class TableBuilder {
  readonly #options: TableOptions
  readonly #upstreams: UpstreamStore
  readonly #services = new Map<string, readonly RouteDefinition[]>()
  /** By source text, then service. */
  readonly #bySource = new Map<string, Map<string, RouteDefinition[]>>()
  readonly #routes = new Map<string, Route>()
  readonly #cursors = new Map<string, Cursor>()
  #hosts = new HostIndex<PrefixNode<Route>>()
  #version = 0

  constructor(options: TableOptions, upstreams: UpstreamStore) {
    this.#options = options
    this.#upstreams = upstreams
  }

  /**
   * The table after these changes, and the routes that it no longer has: call `letGo` with them once the new table
   * serves, not before, or a request in between would open what was just closed.
   */
  apply(changes: readonly ServiceRoutes[]): { table: RouteTable; replaced: readonly Route[] } {
    const touched = new Map<string, Source>()
    for (const change of changes) this.#replaceService(change, touched)
    const replaced: Route[] = []
    for (const [text, source] of touched) {
      const before = this.#routes.get(text)
      if (before !== undefined) replaced.push(before)
      const after = this.#buildRoute(text, source)
      if (after === null) this.#routes.delete(text)
      else this.#routes.set(text, after)
      this.#place(source, after)
    }
    return { table: new RouteTable(++this.#version, this.#hosts), replaced }
  }

  letGo(routes: readonly Route[]): void {
    for (const route of routes) for (const target of route.targets) this.#upstreams.letGo(target.upstream)
  }

  #replaceService({ service, definitions }: ServiceRoutes, touched: Map<string, Source>): void {
    for (const { source } of this.#services.get(service) ?? []) {
      const text = sourceText(source)
      touched.set(text, source)
      const services = this.#bySource.get(text)
      services?.delete(service)
      if (services?.size === 0) this.#bySource.delete(text)
    }
    if (definitions.length === 0) this.#services.delete(service)
    else this.#services.set(service, definitions)
    for (const definition of definitions) {
      const text = sourceText(definition.source)
      touched.set(text, definition.source)
      let services = this.#bySource.get(text)
      if (services === undefined) {
        services = new Map()
        this.#bySource.set(text, services)
      }
      const list = services.get(service)
      if (list === undefined) services.set(service, [definition])
      else list.push(definition)
    }
  }

  #buildRoute(text: string, source: Source): Route | null {
    const services = this.#bySource.get(text)
    if (services === undefined) {
      this.#cursors.delete(text)
      return null
    }
    const definitions = distinct([...services.values()].flat())
    // Definitions are checked where they are made; one without a destination must not stop the others' update.
    const healthy = definitions
      .filter((definition) => definition.healthy)
      .map((definition) => ({ definition, destination: parseDestination(definition.url) }))
      .filter((pair): pair is HealthyDefinition => pair.destination !== null)
      .sort((a, b) => byServiceAndUrl(a.definition, b.definition))
    if (healthy.length === 0 && this.#options.unhealthyRoute === 'fallthrough') return null
    const shares = sharesOf(healthy.map(({ definition }) => definition.weight))
    const targets = healthy.map((pair, i) => this.#buildTarget(pair.definition, pair.destination, shares[i]!))
    const ring = buildRing(shares)
    return {
      source,
      text,
      targets,
      unhealthy: definitions.length - healthy.length,
      balancer:
        ring.length === 0 ? null : this.#options.strategy(ring, this.#cursor(text), this.#options.random),
    }
  }

  #cursor(text: string): Cursor {
    let cursor = this.#cursors.get(text)
    if (cursor === undefined) {
      cursor = { next: 0 }
      this.#cursors.set(text, cursor)
    }
    return cursor
  }

  #buildTarget(definition: RouteDefinition, destination: Destination, share: number): Target {
    const { service, instance, url, options } = definition
    const { scheme, authority } = destination
    const isNamed = scheme === 'https' && options.host !== undefined && options.host !== 'dst'
    const upstream = this.#upstreams.take({
      origin: `${scheme}://${authority}`,
      serverName: isNamed ? options.host! : null,
      tlsSkipVerify: options.tlsSkipVerify === true,
    })
    return { service, instance, url, authority, share, options, upstream }
  }

  #place(source: Source, route: Route | null): void {
    const tree = this.#hosts.get(source.host) ?? emptyTree<Route>()
    const next = route === null ? withoutPath(tree, source.path) : withPath(tree, source.path, route)
    const isEmpty = next.value === null && next.children.size === 0
    this.#hosts = isEmpty ? this.#hosts.withoutHost(source.host) : this.#hosts.withHost(source.host, next)
  }
}

interface HealthyDefinition {
  definition: RouteDefinition
  destination: Destination
}

/** One instance that states the same twice counts once (fabio reference 2.4). */
function distinct(definitions: readonly RouteDefinition[]): RouteDefinition[] {
  const seen = new Set<string>()
  return definitions.filter((d) => {
    const identity = JSON.stringify([d.service, d.instance, d.url, d.weight, d.tags])
    return !seen.has(identity) && seen.add(identity) !== undefined
  })
}

function byServiceAndUrl(a: RouteDefinition, b: RouteDefinition): number {
  if (a.service !== b.service) return a.service < b.service ? -1 : 1
  return a.url < b.url ? -1 : a.url > b.url ? 1 : 0
}
