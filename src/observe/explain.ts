import type { AffinityRequest } from '../balance/affinity.ts'
import type { Log } from '../base/log.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { World } from '../base/world.ts'
import { type FieldList, listOfLines, sectionOf } from '../http1/field-section.ts'
import { globStart } from '../match/glob.ts'
import { HostIndex, requestHost } from '../match/host-index.ts'
import { type ClientSide, Exchange } from '../proxy/exchange.ts'
import { createHandler, type HandlerOptions } from '../proxy/handler.ts'
import { routePath } from '../proxy/path.ts'
import { type HostCandidate, type Route, RouteTable, type Target } from '../route/table.ts'
import type { UpstreamClient } from '../upstream/client.ts'
import { Upstream } from '../upstream/upstream.ts'

/** A request that is asked about and not made. */
export interface HypotheticalRequest {
  readonly method: string
  /** As the client would send it, with a port that is not the scheme's. */
  readonly host: string
  /** Origin form: path and query as the client would send them. */
  readonly target: string
  /** Name, value, name, value… without Host. */
  readonly fields: FieldList
  /** Of the client's connection: TLS. */
  readonly secure: boolean
  /** IP address of the client. */
  readonly remoteAddress: string
}

/** What the gateway would do with a request, step by step. */
export interface Explanation {
  readonly tableVersion: number
  /** The host and the path that routing looks at. */
  readonly host: string
  readonly path: string
  /** Hosts in the order in which they are asked; of patterns that do not match the first ones only. */
  readonly hosts: readonly ExplainedHost[]
  /** The route that serves it; null: none. */
  readonly route: { readonly host: string; readonly path: string; readonly matcher: Route['matcher'] } | null
  /** Why this one and no other. */
  readonly why: string
  /** What the client gets from the gateway itself; null: an instance answers. */
  readonly answer: ExplainedAnswer | null
  /** The targets that the balancer chooses from, the first ones of many. */
  readonly targets: readonly ExplainedTarget[]
}

export interface ExplainedHost {
  readonly host: string
  readonly matched: boolean
  /** In the order in which they are preferred. */
  readonly routes: readonly ExplainedRoute[]
  /** Paths of a host that matches, and which do not match: those most like the request's. */
  readonly otherPaths: readonly string[]
}

export interface ExplainedRoute {
  readonly path: string
  readonly matcher: Route['matcher']
  readonly chosen: boolean
  /** Why it is chosen or not. */
  readonly why: string
}

export interface ExplainedAnswer {
  readonly status: number
  readonly fields: FieldList
  readonly body: string
}

export interface ExplainedRequest {
  readonly method: string
  readonly target: string
  readonly fields: FieldList
}

export interface ExplainedTarget {
  readonly service: string
  readonly instance: string
  readonly url: string
  /** Part of the route's requests, 0 to 1. */
  readonly share: number
  /** The most requests that it may have at a time; 0: no limit. */
  readonly limit: number
  /** What the route keeps together belongs here: `sticky=`. Null: the request belongs nowhere. */
  readonly isHome: boolean | null
  /** What it would be sent; null: the gateway answers in its place. */
  readonly request: ExplainedRequest | null
  readonly answer: ExplainedAnswer | null
  /** Steps that a real request would have to pass first, and that were not asked: `auth staff`. */
  readonly asked: readonly string[]
}

export interface ExplainParts {
  readonly table: RouteTable
  readonly noRoutePage: { readonly html: string }
  readonly world: World
}

/** Patterns of hosts, other paths and targets that are told at most. */
const mostHosts = 20
const mostPaths = 10
const mostTargets = 20

/**
 * Asks the table and the request handler themselves what they would do, over connections that lead nowhere: there is
 * no second account of the rules that could differ from the first.
 */
export function explain(
  request: HypotheticalRequest,
  options: HandlerOptions,
  { table, noRoutePage, world }: ExplainParts,
): Explanation {
  const { host, target, secure } = request
  const path = routePath(target)
  let clientAddress = request.remoteAddress
  const ask = (chosen: Route | null): Asked => {
    const asked: string[] = []
    const outcome: { -readonly [K in keyof Outcome]: Outcome[K] } = { request: null, answer: null, asked }
    const dry = chosen === null ? null : withoutConnections(chosen, (sent) => (outcome.request = sent))
    const fixed = new FixedTable(table, path, dry)
    const live = { current: fixed }
    const handler = createHandler(
      { ...options, newId: () => '(a new id for each request)' },
      {
        live,
        noRoutePage,
        observer: { upgraded() {}, finished() {} },
        tracer: null,
        log: silent,
        world,
        wheel: new TimerWheel(world.clock),
        skipped: ({ name }) => asked.push(name),
      },
    )
    const client = new NobodysClient(request, (answer) => (outcome.answer = answer))
    const { method, fields } = request
    const startedAt = world.clock.monotonic()
    const exchange = new Exchange(client, {
      method,
      target,
      path,
      host,
      fields: sectionOf(['Host', host, ...fields]),
      body: null,
      startedAt,
    })
    handler.handle(exchange)
    clientAddress = exchange.clientAddress
    return { outcome, wasPassedOver: fixed.wasPassedOver }
  }
  const passedOver: Route[] = []
  let route = table.find(host, path, secure)
  let targets = targetsOf(route)
  let asked = targets.map((each) => ask(alone(route!, each)))
  // As in the handler: what redirects to where the request already is leaves it to what is wider.
  while (route !== null && asked.length > 0 && asked.every(({ wasPassedOver }) => wasPassedOver)) {
    passedOver.push(route)
    const wider = table.findBeyond(passedOver, host, path, secure)
    route = wider
    targets = targetsOf(wider)
    asked = targets.map((each) => ask(alone(wider!, each)))
  }
  const explained = targets.map((each, i): ExplainedTarget => {
    const { service, instance, url, share, options: own } = each
    return { service, instance, url, share, limit: own.maxConn ?? 0, isHome: null, ...asked[i]!.outcome }
  })
  const home = homeOf(route, { fields: sectionOf([...request.fields]), clientAddress })
  const candidates = table.explain(host, path, secure)
  return {
    tableVersion: table.version,
    host: requestHost(host, secure),
    path,
    hosts: told(candidates, { route, passedOver }, path),
    route: route === null ? null : { ...route.source, matcher: route.matcher },
    why: whyRoute(candidates, { route, passedOver }) + portHint(request, path, route, table),
    answer:
      route === null || route.balancer === null ? ask(route).outcome.answer : (explained[0]?.answer ?? null),
    targets:
      home === null ? explained : explained.map((each, i) => ({ ...each, isHome: targets[i] === home })),
  }
}

/** The target where the request belongs; null: it belongs nowhere. */
function homeOf(route: Route | null, request: AffinityRequest): Target | null {
  const affinity = route?.affinity ?? null
  const index = affinity === null ? -1 : affinity.targetOf(request, null)
  return index === -1 ? null : route!.targets[index]!
}

type Outcome = Pick<ExplainedTarget, 'request' | 'answer' | 'asked'>

interface Asked {
  readonly outcome: Outcome
  /** The target redirects to where the request already is. */
  readonly wasPassedOver: boolean
}

interface Winner {
  /** Null: no route serves the request. */
  readonly route: Route | null
  /** Those that would come before it, and redirect to where the request already is. */
  readonly passedOver: readonly Route[]
}

/** Those that are told: the ones with the largest shares. */
const targetsOf = (route: Route | null): Target[] =>
  route === null ? [] : route.targets.toSorted((a, b) => b.share - a.share).slice(0, mostTargets)

/** The route as it is for a request whose turn it is at this target. */
const alone = (route: Route, target: Target): Route => ({
  ...route,
  targets: [target],
  balancer: { pick: () => 0, pickOther: () => 0, hasRoom: () => true },
  queue: null,
})

/** A table that says of the path in question what it was told to, to the handler alone; of others what the real one says. */
class FixedTable extends RouteTable {
  readonly #table: RouteTable
  readonly #path: string
  readonly #route: Route | null
  /** The handler asked for what is wider. */
  wasPassedOver = false

  constructor(table: RouteTable, path: string, route: Route | null) {
    super(table.version, new HostIndex(), table.hasGuards)
    this.#table = table
    this.#path = path
    this.#route = route
  }

  override find(host: string, path: string, secure: boolean): Route | null {
    return path === this.#path ? this.#route : this.#table.find(host, path, secure)
  }

  override findBeyond(): Route | null {
    this.wasPassedOver = true
    return null
  }
}

function withoutConnections(route: Route, told: (request: ExplainedRequest) => void): Route {
  const client: UpstreamClient = {
    send(request) {
      const { method, target, lines, upgrade } = request
      // Of the fields of this hop the one that makes the request another: the client of the instance writes it.
      const hop = upgrade === '' ? [] : ['Connection', 'Upgrade', 'Upgrade', upgrade]
      told({ method, target, fields: [...listOfLines(lines), ...hop] })
      return { resume() {}, abort() {} }
    },
    close: async () => {},
    destroy: async () => {},
  }
  const targets = route.targets.map((target) => ({
    ...target,
    meter: { inFlight: 0 },
    upstream: target.upstream === null ? null : new Upstream(target.upstream.address, () => client),
  }))
  return { ...route, targets }
}

class NobodysClient implements ClientSide {
  readonly remoteAddress: string
  readonly remotePort = 0
  readonly secure: boolean
  readonly httpVersion = '1.1'
  memo: unknown = null
  readonly #told: (answer: ExplainedAnswer) => void
  #head: Omit<ExplainedAnswer, 'body'> | null = null
  #body = ''

  constructor(request: HypotheticalRequest, told: (answer: ExplainedAnswer) => void) {
    this.remoteAddress = request.remoteAddress
    this.secure = request.secure
    this.#told = told
  }

  inform(): void {}

  answer(status: number, _reason: string, lines: string, length: number | null): void {
    // When it would be answered is not what was asked.
    const fields = listOfLines(lines.replace(/^Date: .*\r\n/m, ''))
    this.#head = { status, fields: length === null ? fields : [...fields, 'Content-Length', String(length)] }
  }

  switchTo(): void {}

  write(chunk: Buffer): boolean {
    this.#body += chunk.toString('utf8')
    return true
  }

  end(): void {
    if (this.#head !== null) this.#told({ ...this.#head, body: this.#body })
  }

  abort(): void {}
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** Hosts that match, exact names, and no more of the others than people can read. */
function told(candidates: readonly HostCandidate[], winner: Winner, path: string): ExplainedHost[] {
  const others = candidates.filter(({ matched }) => !matched).slice(0, mostHosts)
  return candidates
    .filter((candidate) => candidate.matched || others.includes(candidate))
    .map((candidate): ExplainedHost => {
      const { host, matched, routes, paths } = candidate
      const matching = new Set(routes)
      const other = matched ? [...(paths?.values() ?? [])].filter((route) => !matching.has(route)) : []
      return {
        host,
        matched,
        routes: routes.map((route) => ({
          path: route.source.path,
          matcher: route.matcher,
          chosen: route === winner.route,
          why: winner.passedOver.includes(route) ? leadsBack : whyOf(route, winner.route ?? route),
        })),
        otherPaths: nearestPaths(other, path),
      }
    })
}

function nearestPaths(routes: readonly Route[], path: string): string[] {
  const likeness = ({ source }: Route): number => {
    let at = 0
    while (at < source.path.length && source.path[at] === path[at]) at++
    return at
  }
  return routes
    .map((route) => ({ route, likeness: likeness(route) }))
    .sort((a, b) => b.likeness - a.likeness || (a.route.source.path < b.route.source.path ? -1 : 1))
    .slice(0, mostPaths)
    .map(({ route }) => route.source.path)
}

const leadsBack = 'it redirects to where the request already is, and is passed over'

function whyRoute(candidates: readonly HostCandidate[], { route, passedOver }: Winner): string {
  const matching = candidates.filter(({ matched }) => matched)
  if (passedOver.length > 0) {
    const before = passedOver.map(({ text }) => text).join(' and ')
    const what = route === null ? 'no other route matches' : `${route.text} is what else matches`
    return `${before} leads to where the request already is and is passed over; ${what}`
  }
  if (route === null) {
    if (matching.length === 0) return 'no route has this host, and none is for any host'
    const hosts = matching.map(({ host }) => hostWords(host)).join(', ')
    return `none of the routes for ${hosts} has a path that matches`
  }
  const { host } = route.source
  const isFirst = matching[0]?.host === host
  const what = isFirst ? 'that matches' : 'that has a path for it'
  const first = host === '' ? `no route names a host ${what}` : `${host} is the first host ${what}`
  return `${first}; ${route.matcher} ${route.source.path} is ${whyOf(route, route)}`
}

/** A request that misses its route by the port in its Host, which people do not think of as a part of the name. */
function portHint(
  { host, secure }: HypotheticalRequest,
  path: string,
  route: Route | null,
  table: RouteTable,
): string {
  const bare = requestHost(host, secure).replace(/:\d+$/, '')
  if (bare === requestHost(host, secure) || (route?.source.host ?? '') !== '') return ''
  const meant = table.find(bare, path, secure)
  if (meant === null || meant.source.host === '') return ''
  return `; ${meant.text} is for ${bare} without a port: one that is neither 80 nor 443 is part of the name`
}

const hostWords = (host: string): string => (host === '' ? 'any host' : host)

/** In the words of the order that `PathIndex` has. */
function whyOf(route: Route, winner: Route): string {
  const { matcher, source } = winner
  if (route === winner) return 'the most specific path that matches'
  if (route.source.host !== source.host) return `${hostWords(source.host)} is asked before`
  if (literalLength(route) < literalLength(winner)) return `${source.path} is longer before any wildcard`
  return route.matcher === matcher
    ? `${source.path} comes first in byte order`
    : `${matcher} goes before ${route.matcher}`
}

const literalLength = ({ matcher, source }: Route): number =>
  (matcher === 'glob' ? globStart(source.path) : source.path).length
