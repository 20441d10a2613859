import type { Queue } from '../balance/queue.ts'
import { sharesOf } from '../balance/shares.ts'
import { flat } from '../base/flat.ts'
import { HostIndex, isPattern, requestHost } from '../match/host-index.ts'
import type { Matcher } from '../match/matcher.ts'
import { PathIndex } from '../match/path-index.ts'
import type { UpstreamAddress } from '../upstream/address.ts'
import type { UpstreamGroup } from '../upstream/group.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Balancing, type BalancingOptions, RouteBalancing } from './balancing.ts'
import {
  distinctTargets,
  isServed,
  matcherOf,
  type RouteDefinition,
  routeKey,
  type ServiceRoutes,
  type Source,
  sourceText,
} from './definition.ts'
import { type Destination, parseDestination } from './destination.ts'
import { type Meter, type Meters, noMeters } from './meter.ts'
import { isClosing, isGuarded, type RouteOptions } from './options.ts'
import type { CompilePlan, TargetPlan } from './plan.ts'
import { globPathMistake } from './source.ts'

/** One instance behind a route. */
export interface Target {
  readonly service: string
  readonly instance: string
  readonly url: string
  /** `host:port` of the destination; empty for a redirect. */
  readonly authority: string
  readonly share: number
  readonly options: RouteOptions
  readonly plan: TargetPlan
  readonly meter: Meter
  /** Null: a redirect, which asks nobody. */
  readonly upstream: Upstream | null
}

/** What one source leads to. */
export interface Route extends Balancing {
  readonly source: Source
  readonly matcher: Matcher
  /** `foo.com/bar` */
  readonly text: string
  /** Those that get requests. */
  readonly targets: readonly Target[]
  /** Known ones that must get nothing. */
  readonly unhealthy: number
  /** It says who may use it. */
  readonly isGuarded: boolean
  /** What says who may use it is wrong, and nobody else serves it: nobody may use it, until that is right. */
  readonly isClosed: boolean
}

/** What `proxy.unhealthyroute` says of a route whose instances are all unhealthy. */
export type UnhealthyRoute = '503' | 'fallthrough'

/** Who serves what. Immutable: a change makes a new one, and requests keep the one that they began with. */
export class RouteTable {
  /** Counts up with every change. */
  readonly version: number
  /** Some of its routes say who may use them. */
  readonly hasGuards: boolean
  readonly #hosts: HostIndex<PathIndex<Route>>

  constructor(version: number, hosts: HostIndex<PathIndex<Route>>, hasGuards: boolean) {
    this.version = version
    this.#hosts = hosts
    this.hasGuards = hasGuards
  }

  /**
   * HOT (bench/micro/match.ts): once per request. The route of the narrowest host that has a matching path (fabio
   * reference 3.2); which path of a host wins: see `PathIndex`.
   *
   * @param host the request's Host, with port, as the client sent it
   * @param path the request's path with escapes and dot segments resolved
   */
  find(host: string, path: string, secure: boolean): Route | null {
    return this.#hosts.search(requestHost(host, secure), secure, path, findPath)
  }

  /**
   * The route that would be found if the hosts of `others` were not there (fabio reference 3.2, redirect self-check).
   */
  findBeyond(others: readonly Route[], host: string, path: string, secure: boolean): Route | null {
    const skipped = others.map(({ source }) => this.#hosts.get(source.host))
    return this.#hosts.search(requestHost(host, secure), secure, path, (paths) =>
      skipped.includes(paths) ? null : paths.find(path),
    )
  }

  /**
   * Everything that `find` looks at for a request, in its order. It asks the same search, again and again without what
   * was found, so it cannot say anything else: the first route of all is the one that `find` returns.
   *
   * @param most routes of each host that are told
   */
  explain(host: string, path: string, secure: boolean, most = 20): HostCandidate[] {
    const name = requestHost(host, secure)
    const asked: PathIndex<Route>[] = []
    this.#hosts.search(name, secure, path, (paths) => {
      asked.push(paths)
      return null
    })
    const hosts = [...this.#hosts.entries()]
    const candidate = (of: string, paths: PathIndex<Route> | null): HostCandidate => {
      const matched = paths !== null && asked.includes(paths)
      return { host: of, matched, paths, routes: matched ? matchingRoutes(paths, path, most) : [] }
    }
    const hostOf = new Map(hosts.map(([of, paths]) => [paths, of]))
    const exact = asked.filter((paths) => hostOf.get(paths) !== '' && !isPattern(hostOf.get(paths)!))
    const candidates = exact.map((paths) => candidate(hostOf.get(paths)!, paths))
    if (name !== '' && !candidates.some((found) => found.host === name))
      candidates.push(candidate(name, null))
    for (const [of, paths] of hosts) if (isPattern(of)) candidates.push(candidate(of, paths))
    candidates.push(candidate('', this.#hosts.get('')))
    return candidates
  }

  *routes(): Generator<Route> {
    for (const [, paths] of this.#hosts.entries()) yield* paths.values()
  }
}

/** A host that a request might have been for. */
export interface HostCandidate {
  /** A name, a pattern, or empty: any host. */
  readonly host: string
  /** False: the request's host is another, or no route has this one. */
  readonly matched: boolean
  /** All paths of the host; null: no route has it. */
  readonly paths: { values(): Iterable<Route> } | null
  /** Those that match the request's path, in the order in which they are preferred. */
  readonly routes: readonly Route[]
}

function matchingRoutes(paths: PathIndex<Route>, path: string, most: number): Route[] {
  const routes: Route[] = []
  let left = paths
  while (routes.length < most) {
    const route = left.find(path)
    if (route === null) break
    routes.push(route)
    left = left.with(route.matcher, route.source.path, null)
  }
  return routes
}

/** Not made anew for each request. */
const findPath = (paths: PathIndex<Route>, path: string): Route | null => paths.find(path)

export const emptyTable = new RouteTable(0, new HostIndex(), false)

export interface TableOptions extends BalancingOptions {
  /** That of routes that name none: `proxy.matcher`. */
  readonly matcher: Matcher
  /** `glob.matching.disabled`: hosts are names, whatever characters they have. Absent: some are patterns. */
  readonly literalHosts?: boolean
  readonly unhealthyRoute: UnhealthyRoute
  readonly compilePlan: CompilePlan
  /** Absent: nobody counts. */
  readonly meters?: Meters
}

/** Where targets get the live state of their address from. */
export interface UpstreamStore {
  take(address: UpstreamAddress): Upstream
  letGo(upstream: Upstream): void
  group(upstreams: Iterable<Upstream>, queue: Queue | null): UpstreamGroup
}

/**
 * Builds tables from changes. A change to one service builds the routes that it had or has, and no other: the rest of
 * the new table is the old one's.
 */
export class TableBuilder {
  readonly #options: TableOptions
  readonly #upstreams: UpstreamStore
  readonly #meters: Meters
  readonly #services = new Map<string, readonly RouteDefinition[]>()
  /** By route key, then service. */
  readonly #bySource = new Map<string, Map<string, RouteDefinition[]>>()
  readonly #routes = new Map<string, Route>()
  readonly #balancing: RouteBalancing
  #hosts: HostIndex<PathIndex<Route>>
  #version = 0
  /** How many routes say who may use them. */
  #guarded = 0

  constructor(options: TableOptions, upstreams: UpstreamStore) {
    this.#options = options
    this.#hosts = options.literalHosts ? new HostIndex(undefined, undefined, () => false) : new HostIndex()
    this.#upstreams = upstreams
    this.#meters = options.meters ?? noMeters
    this.#balancing = new RouteBalancing(options, (members, queue) => upstreams.group(members, queue))
  }

  /**
   * The table after these changes, and the routes that it no longer has: call `letGo` with them once the new table
   * serves, not before, or a request in between would open what was just closed.
   */
  apply(changes: readonly ServiceRoutes[]): { table: RouteTable; replaced: readonly Route[] } {
    const touched = new Map<string, Place>()
    for (const change of changes) this.#replaceService(change, touched)
    const replaced: Route[] = []
    const hosts = new Map<string, PathIndex<Route> | null>()
    for (const [key, place] of touched) {
      const before = this.#routes.get(key)
      if (before !== undefined) replaced.push(before)
      const after = this.#buildRoute(key, place)
      if (after === null) this.#routes.delete(key)
      else this.#routes.set(key, after)
      this.#guarded += Number(after?.isGuarded === true) - Number(before?.isGuarded === true)
      if (before === undefined && after === null) continue
      const { host, path } = place.source
      // Emptied by an earlier change of this round, it is null there and not to be looked for in the old table.
      const paths = hosts.has(host) ? hosts.get(host)! : this.#hosts.get(host)
      const next = (paths ?? new PathIndex<Route>()).with(place.matcher, path, after)
      hosts.set(host, next.isEmpty ? null : next)
    }
    this.#hosts = this.#hosts.with(hosts)
    return { table: new RouteTable(++this.#version, this.#hosts, this.#guarded > 0), replaced }
  }

  letGo(routes: readonly Route[]): void {
    for (const route of routes) {
      route.group.leave()
      for (const { upstream, meter } of route.targets) {
        if (upstream !== null) this.#upstreams.letGo(upstream)
        this.#meters.letGo(meter)
      }
    }
    // Who waited for an instance of the old table may find another in the new one, or the route gone.
    for (const { queue } of routes) queue?.advance()
  }

  /** Requests that wait for an instance with room for them. */
  get waiting(): number {
    return this.#balancing.waiting
  }

  #replaceService({ service, definitions }: ServiceRoutes, touched: Map<string, Place>): void {
    for (const definition of this.#services.get(service) ?? []) {
      const key = this.#touch(definition, touched)
      const services = this.#bySource.get(key)
      services?.delete(service)
      if (services?.size === 0) this.#bySource.delete(key)
    }
    // TCP ports are no business of HTTP requests.
    const routed = definitions.filter(({ source }) => source.path !== '')
    if (routed.length === 0) this.#services.delete(service)
    else this.#services.set(service, routed)
    for (const definition of routed) {
      const key = this.#touch(definition, touched)
      let services = this.#bySource.get(key)
      if (services === undefined) {
        services = new Map()
        this.#bySource.set(key, services)
      }
      const list = services.get(service)
      if (list === undefined) services.set(service, [definition])
      else list.push(definition)
    }
  }

  /** Marks the route of the definition to be built; returns its key. */
  #touch(definition: RouteDefinition, touched: Map<string, Place>): string {
    const { source } = definition
    const matcher = matcherOf(definition, this.#options.matcher)
    const key = routeKey(source, matcher)
    if (!touched.has(key)) touched.set(key, { source, matcher })
    return key
  }

  /** Null: there is none, and a request goes on to what else matches. */
  #buildRoute(key: string, { source, matcher }: Place): Route | null {
    const services = this.#bySource.get(key)
    if (services === undefined) {
      this.#balancing.forget(key)
      return null
    }
    // Where nobody has checked it against `proxy.matcher`, it must not stop the others' update.
    if (matcher === 'glob' && globPathMistake(source.path) !== null) return null
    const definitions = [...services.values()].flat()
    // Definitions are checked where they are made; one without a destination must not stop the others' update either.
    const served = distinctTargets(definitions.filter(isServed))
      .map((definition) => ({ definition, destination: destinationOf(definition) }))
      .filter((pair): pair is ServedDefinition => pair.destination !== null)
      .sort((a, b) => byServiceAndUrl(a.definition, b.definition))
    if (served.length === 0 && !this.#answersWithoutTarget(definitions)) return null
    const shares = sharesOf(served.map(({ definition }) => definition.weight))
    const targets = served.map((pair, i) => this.#buildTarget(pair, source, shares[i]!))
    return {
      source,
      matcher,
      text: sourceText(source),
      targets,
      unhealthy: definitions.filter((definition) => !isServed(definition)).length,
      ...this.#balancing.build(key, targets),
      // Where an unhealthy instance says it right, all there is to do is to wait for it.
      isGuarded: definitions.some(({ options }) => isGuarded(options)),
      isClosed: definitions.some(isClosing) && definitions.every(({ unserved }) => unserved !== null),
    }
  }

  /**
   * A route that is known and has no target answers 503, a closed one 403; one that this version cannot serve is as if
   * not there.
   */
  #answersWithoutTarget(definitions: readonly RouteDefinition[]): boolean {
    if (definitions.some(isClosing)) return true
    return (
      this.#options.unhealthyRoute === '503' && definitions.some((definition) => definition.unserved === null)
    )
  }

  #buildTarget({ definition, destination }: ServedDefinition, source: Source, share: number): Target {
    const { host, path } = source
    const { service, instance, url, options } = definition
    const authority = destination === 'redirect' ? '' : destination.authority
    const upstream = destination === 'redirect' ? null : this.#takeUpstream(destination, options)
    const plan = this.#options.compilePlan({
      route: sourceText(source),
      service,
      instance,
      url,
      authority,
      options,
    })
    const meter = this.#meters.take({ service, host, path, url })
    return { service, instance, url, authority, share, options, plan, meter, upstream }
  }

  #takeUpstream(destination: Destination, options: RouteOptions): Upstream {
    return this.#upstreams.take(upstreamAddress(destination, options))
  }
}

/** Where the requests of a target go, and how they are spoken there. */
export function upstreamAddress({ scheme, authority }: Destination, options: RouteOptions): UpstreamAddress {
  const isNamed = scheme === 'https' && options.host !== undefined && options.host !== 'dst'
  return {
    origin: flat(scheme, '://', authority),
    serverName: isNamed ? options.host! : null,
    tlsSkipVerify: options.tlsSkipVerify === true,
  }
}

const destinationOf = ({ url, options }: RouteDefinition): Destination | 'redirect' | null =>
  options.redirect === undefined ? parseDestination(url) : 'redirect'

/** What tells a route from others. */
interface Place {
  readonly source: Source
  readonly matcher: Matcher
}

interface ServedDefinition {
  definition: RouteDefinition
  destination: Destination | 'redirect'
}

function byServiceAndUrl(a: RouteDefinition, b: RouteDefinition): number {
  if (a.service !== b.service) return a.service < b.service ? -1 : 1
  return a.url < b.url ? -1 : a.url > b.url ? 1 : 0
}
