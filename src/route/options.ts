import { type Strategy, strategyNames } from '../balance/strategies.ts'
import { durationMs, longestTimerMs } from '../base/duration.ts'
import { parseRate, type Rate } from '../base/rate.ts'
import { type Matcher, matchers } from '../match/matcher.ts'
import { type AddressBlock, parseAccessRule } from './address-block.ts'
import { type CorsOptions, parseNames, parseOrigins } from './cors-options.ts'
import type { Source } from './definition.ts'
import { isRedirectUrl, schemeOf } from './destination.ts'
import { type FieldEdit, parseFieldEdit } from './field-edit.ts'
import { quote, RouteMistake } from './mistake.ts'
import { globPathMistake } from './source.ts'

/** The options of a route that the gateway knows (fabio reference 1.5); `matcher` is its own. */
export interface RouteOptions {
  /** Cut from the start of the path. */
  readonly strip?: string
  /** Put before the path, after `strip`. */
  readonly prepend?: string
  /** The Host sent upstream; `dst` stands for the destination's `host:port`. */
  readonly host?: string
  /** Accept any certificate of an https upstream. */
  readonly tlsSkipVerify?: boolean
  /** Send a PROXY line to a TCP upstream. */
  readonly pxyProto?: boolean
  /** Answer with a redirect and ask no upstream. */
  readonly redirect?: Redirect
  /** Only clients in one of these blocks may use the route; an empty list: nobody may. */
  readonly allow?: readonly AddressBlock[]
  /** Clients in these blocks may not. */
  readonly deny?: readonly AddressBlock[]
  /** The `proxy.auth` scheme that clients must satisfy. */
  readonly auth?: string
  /** A further service name that the gateway registers for itself. */
  readonly register?: string
  /** As written in a command's `opts`, where it does not change the destination's scheme. */
  readonly proto?: string
  /** The name that is verified in TLS to a grpcs upstream. */
  readonly grpcServerName?: string
  /** Instead of `proxy.matcher`. */
  readonly matcher?: Matcher
  /** Instead of `proxy.requesttimeout`, milliseconds; 0: no limit. */
  readonly timeout?: number
  /** Instead of `proxy.dialtimeout`, milliseconds; 0: no limit. */
  readonly connectTimeout?: number
  /** Instead of `proxy.responseheadertimeout`, milliseconds; 0: no limit. */
  readonly headTimeout?: number
  /** Instead of `proxy.answeridletimeout`, milliseconds; 0: no limit. */
  readonly idleTimeout?: number
  /** Octets of a request's body; 0: no limit but `proxy.maxbody`. */
  readonly maxBody?: number
  /** Instead of `proxy.retry.attempts`. */
  readonly retry?: number
  /** Instead of whether `proxy.gzip.contenttype` is set. */
  readonly compress?: boolean
  /** Instead of those of `proxy.ratelimit`; empty: no limit. */
  readonly rateLimits?: readonly Rate[]
  /** Instead of those of `proxy.cors`. */
  readonly cors?: Partial<CorsOptions>
  /** Changes to the fields of requests, in their order, behind those of `proxy.header.request.*`. */
  readonly requestFields?: readonly FieldEdit[]
  /** Changes to the fields of answers, in their order, behind those of `proxy.header.response.*`. */
  readonly responseFields?: readonly FieldEdit[]
  /** Instead of `proxy.strategy`. */
  readonly strategy?: Strategy
  /** What keeps a client at the instance that it had first. */
  readonly sticky?: Sticky
  /** The most requests that the instance has at a time; 0: no limit. */
  readonly maxConn?: number
  /** Instead of `proxy.queue.size`. */
  readonly maxQueue?: number
  /** Instead of `proxy.queue.timeout`, milliseconds. */
  readonly queueTimeout?: number
}

/** By what the gateway knows that requests belong together. */
export type Sticky =
  /** A cookie that it sets; an empty name: one that is made from the route. */
  | { readonly by: 'cookie'; readonly name: string }
  /** The value of a field of the request. The name is in lower case. */
  | { readonly by: 'header'; readonly name: string }
  | { readonly by: 'address' }

export interface Redirect {
  /** 300 to 399. */
  readonly code: number
  /** In which `$host` and `$path` stand for the request's (fabio reference 6.9). */
  readonly url: string
}

/** What a list of options says, before the destination is known. */
export interface ParsedOptions {
  readonly options: Omit<RouteOptions, 'redirect'>
  /** The code of a redirect; null: none is asked for. */
  readonly redirect: number | null
  /** The options as they were written. */
  readonly optionText: string
  /** Options that are left out, each with its reason; the route is served without them. */
  readonly dropped: readonly string[]
  /** What is wrong with the options that say who may use the route: nobody may, until they are right. */
  readonly closed: readonly string[]
}

type Draft = { -readonly [Key in keyof RouteOptions]: RouteOptions[Key] }
type Reader = (value: string, options: Draft) => void

/** A mistake in one of these leaves the option out. A new option is a row here. */
const decorations: Readonly<Record<string, Reader>> = {
  strip: (value, options) => {
    options.strip = pathOf(value)
  },
  prepend: (value, options) => {
    options.prepend = pathOf(value)
  },
  host: (value, options) => {
    if (!/^[\x21-\x7e]+$/u.test(value)) throw expected('a host name or dst', value)
    options.host = value
  },
  tlsskipverify: (value, options) => {
    options.tlsSkipVerify = boolOf(value)
  },
  pxyproto: (value, options) => {
    options.pxyProto = boolOf(value)
  },
  register: (value, options) => {
    options.register = nameOf(value)
  },
  proto: (value, options) => {
    options.proto = value
  },
  grpcservername: (value, options) => {
    options.grpcServerName = nameOf(value)
  },
  matcher: (value, options) => {
    const matcher = matchers.find((known) => known === value)
    if (matcher === undefined) throw expected('prefix, iprefix, glob or segment', value)
    options.matcher = matcher
  },
  timeout: (value, options) => {
    options.timeout = durationOf(value)
  },
  connecttimeout: (value, options) => {
    options.connectTimeout = durationOf(value)
  },
  headertimeout: (value, options) => {
    options.headTimeout = durationOf(value)
  },
  idletimeout: (value, options) => {
    options.idleTimeout = durationOf(value)
  },
  maxbody: (value, options) => {
    options.maxBody = wholeOf(value, Number.MAX_SAFE_INTEGER)
  },
  retry: (value, options) => {
    options.retry = wholeOf(value, 10)
  },
  strategy: (value, options) => {
    const strategy = strategyNames.find((known) => known === value)
    if (strategy === undefined) throw expected('rr, rnd or least', value)
    options.strategy = strategy
  },
  sticky: (value, options) => {
    options.sticky = stickyOf(value)
  },
  maxconn: (value, options) => {
    options.maxConn = wholeOf(value, 1_000_000)
  },
  maxqueue: (value, options) => {
    options.maxQueue = wholeOf(value, 1_000_000)
  },
  queuetimeout: (value, options) => {
    options.queueTimeout = durationOf(value)
  },
  compress: (value, options) => {
    if (value !== 'on' && value !== 'off') throw expected('on or off', value)
    options.compress = value === 'on'
  },
  cors: (value, options) => {
    // With a mistake nobody is allowed, which is not what the configuration may say.
    setCors(options, { origins: [] })
    setCors(options, { origins: parseOrigins(value) })
  },
  'cors.methods': (value, options) => {
    setCors(options, { methods: parseNames('methods', value) })
  },
  'cors.headers': (value, options) => {
    setCors(options, { headers: parseNames('header names', value) })
  },
  'cors.expose': (value, options) => {
    setCors(options, { expose: parseNames('header names', value) })
  },
  'cors.credentials': (value, options) => {
    setCors(options, { credentials: boolOf(value) })
  },
  'cors.maxage': (value, options) => {
    setCors(options, { maxAge: Math.floor(durationOf(value) / 1000) })
  },
}

function setCors(options: Draft, more: Partial<CorsOptions>): void {
  options.cors = { ...options.cors, ...more }
}

const edit =
  (message: 'requestFields' | 'responseFields', kind: FieldEdit['kind']): Reader =>
  (value, options) => {
    options[message] = [...(options[message] ?? []), parseFieldEdit(kind, value)]
  }

/** As `decorations`, for options that may be given several times, each of which counts. */
const repeatable: Readonly<Record<string, Reader>> = {
  ratelimit: (value, options) => {
    if (value === 'off') {
      options.rateLimits = []
      return
    }
    const rate = parseRate(value)
    if (rate === null) throw expected('off, or a limit like 100/m or 10/s,burst=50,per=client', value)
    options.rateLimits = [...(options.rateLimits ?? []), rate]
  },
  'header.request.set': edit('requestFields', 'set'),
  'header.request.add': edit('requestFields', 'add'),
  'header.request.remove': edit('requestFields', 'remove'),
  'header.response.set': edit('responseFields', 'set'),
  'header.response.add': edit('responseFields', 'add'),
  'header.response.remove': edit('responseFields', 'remove'),
}

/** A mistake in one of these closes the route. */
const guards: Readonly<Record<string, Reader>> = {
  allow: (value, options) => {
    options.allow = parseAccessRule(value)
  },
  deny: (value, options) => {
    options.deny = parseAccessRule(value)
  },
  auth: (value, options) => {
    options.auth = nameOf(value)
  },
}

/**
 * Reads options, each `key=value` or `key`; of one that is given twice the last counts, unless it is repeatable. Words
 * that nobody knows are kept in the text.
 *
 * Throws a RouteMistake where a redirect is wrong: without it the route would lead where nobody meant it to.
 */
export function parseOptions(words: readonly string[]): ParsedOptions {
  const options: Draft = {}
  let redirect: number | null = null
  const dropped: string[] = []
  const closed: string[] = []
  for (const { key, word, value } of wordsThatCount(words)) {
    const read = ownRow(guards, key) ?? ownRow(repeatable, key) ?? ownRow(decorations, key)
    try {
      if (key === 'redirect') redirect = redirectCode(value)
      else read?.(value, options)
    } catch (error) {
      if (!(error instanceof RouteMistake)) throw error
      const reason = `option ${quote(word)}: ${error.message}`
      if (key === 'redirect') throw new RouteMistake(reason)
      if (Object.hasOwn(guards, key)) closed.push(reason)
      else dropped.push(reason)
    }
  }
  if (options.cors?.credentials === true && options.cors.origins?.includes('*')) {
    dropped.push('option cors.credentials: expected cors= with origins by name, got *')
    setCors(options, { credentials: false })
  }
  if (options.allow !== undefined && options.deny !== undefined) {
    closed.push('options allow and deny: expected one of them, got both')
  }
  if (closed.length > 0) {
    options.allow = []
    delete options.deny
  }
  return { options, redirect, optionText: words.join(' '), dropped, closed }
}

interface Word {
  readonly key: string
  readonly word: string
  readonly value: string
}

/** Of an option that is repeatable all of them, of any other the last. */
function wordsThatCount(words: readonly string[]): Word[] {
  const counted = new Map<string, Word>()
  for (const [index, word] of words.entries()) {
    const equals = word.indexOf('=')
    const key = equals === -1 ? word : word.slice(0, equals)
    const value = equals === -1 ? '' : word.slice(equals + 1)
    counted.set(Object.hasOwn(repeatable, key) ? `${key} ${index}` : key, { key, word, value })
  }
  return [...counted.values()]
}

const ownRow = (rows: Readonly<Record<string, Reader>>, key: string): Reader | undefined =>
  Object.hasOwn(rows, key) ? rows[key] : undefined

const expected = (what: string, value: string): RouteMistake =>
  new RouteMistake(`expected ${what}, got ${quote(value)}`)

function pathOf(value: string): string {
  if (value === '') throw expected('a path', value)
  return value.startsWith('/') ? value : `/${value}`
}

function nameOf(value: string): string {
  if (value === '') throw expected('a name', value)
  return value
}

function boolOf(value: string): boolean {
  if (value !== 'true' && value !== 'false') throw expected('true or false', value)
  return value === 'true'
}

/** `cookie`, `cookie:NAME`, `header:NAME` or `address`. A name is a token (RFC 9110 section 5.6.2). */
function stickyOf(value: string): Sticky {
  const [, by, name = ''] = /^(cookie|header|address)(?::([\w!#$%&'*+.^`|~-]+))?$/.exec(value) ?? []
  if (by === 'cookie') return { by, name }
  if (by === 'header' && name !== '') return { by, name: name.toLowerCase() }
  if (by === 'address' && name === '') return { by }
  throw expected('cookie, cookie:NAME, header:NAME or address', value)
}

/** A duration as Go writes it, without a sign: `250ms`, `1m30s`, `0`. In milliseconds. */
function durationOf(value: string): number {
  const ms = durationMs(value)
  if (ms === null || ms < 0) throw expected('a duration like 500ms or 30s', value)
  return Math.min(ms, longestTimerMs)
}

function wholeOf(value: string, most: number): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (!(number <= most)) throw expected(`a whole number from 0 to ${most}`, value)
  return number
}

function redirectCode(value: string): number {
  if (!/^3\d\d$/.test(value)) throw expected('a status from 300 to 399', value)
  return Number(value)
}

/**
 * What a route to `url` is made with. Throws a RouteMistake where nothing can lead there, or the path is a glob that
 * cannot be read.
 *
 * @returns `unserved`: why this version gives it nothing, or null
 */
export function settle(
  source: Source,
  url: string,
  { options, redirect, closed }: ParsedOptions,
): { options: RouteOptions; unserved: string | null } {
  if (redirect === null ? schemeOf(url) === null : !isRedirectUrl(url)) {
    const what =
      redirect === null ? 'a URL like http://10.0.0.1:8080/' : 'a URL like https://example.com/$path'
    throw new RouteMistake(`route: invalid target. expected ${what}, got ${quote(url)}`)
  }
  const glob = options.matcher === 'glob' ? globPathMistake(source.path) : null
  if (glob !== null) throw new RouteMistake(glob)
  const settled = redirect === null ? options : { ...options, redirect: { code: redirect, url } }
  return { options: settled, unserved: closed[0] ?? missingFeature(source, url, settled) }
}

/** What this version lacks to serve a route, in words, or null. Whoever adds the feature takes its line out. */
function missingFeature(source: Source, url: string, options: RouteOptions): string | null {
  const scheme = options.redirect === undefined ? schemeOf(url) : null
  if (source.path === '' || scheme === 'tcp') return 'TCP and SNI routes are not served by this version'
  if (scheme === 'grpc' || scheme === 'grpcs') return 'gRPC routes are not served by this version'
  return null
}

/** Whether the options say who may use the route. */
export const isGuarded = ({ allow, deny, auth }: RouteOptions): boolean =>
  allow !== undefined || deny !== undefined || auth !== undefined

/**
 * Whether a definition that gets nothing has to keep its source closed: a request must not find another, wider route
 * in place of one that says who may use it.
 */
export function isClosing(definition: {
  url: string
  options: RouteOptions
  unserved: string | null
}): boolean {
  const { url, options, unserved } = definition
  if (unserved === null || !isGuarded(options)) return false
  const scheme = schemeOf(url)
  return options.redirect !== undefined || scheme === 'http' || scheme === 'https'
}
