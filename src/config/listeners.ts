import { isIPv6 } from 'node:net'
import { splitHostPort } from './addresses.ts'
import {
  expected,
  type Interfaces,
  type Kind,
  type ListenerTimeouts,
  type ParseContext,
  quoted,
  ValueError,
} from './kind.ts'
import { parsePairs } from './pairs.ts'
import { choice, timeout } from './parsers.ts'
import { expandAddress } from './templates.ts'

/** One socket to listen on (fabio reference 7.2). */
export interface ListenerOptions extends ListenerTimeouts {
  /** Address or name to bind, IPv6 without brackets; empty: every interface, IPv4 and IPv6. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly proto: ListenerProto
  /** What a PROXY header may take to come, in ms; null: none is looked for. */
  readonly pxyTimeout: number | null
}

const protos = ['http', 'prometheus'] as const
export type ListenerProto = (typeof protos)[number]

const laterProtos = ['https', 'grpc', 'grpcs', 'tcp', 'tcp+sni', 'tcp-dynamic', 'https+tcp+sni'] as const

const proto = choice([...protos, ...laterProtos])

/** Options that change nothing on a plain HTTP listener, in fabio as here: they belong to TLS or tcp-dynamic. */
const idleOptions: ReadonlySet<string> = new Set(['strictmatch', 'tlsmin', 'tlsmax', 'tlsciphers', 'refresh'])

/** fabio's `pxytimeout` where there is none, in ms. */
const usualPxyTimeout = 250

type Pairs = ReadonlyMap<string, string>

/**
 * Any number of listeners, none included. One that this version cannot open yet is left out with a warning, so that a
 * file of fabio starts with what it can. To open it in another way would be worse: a port for TLS without TLS.
 */
export const listeners: Kind<readonly ListenerOptions[]> = {
  type: 'listeners',
  parse(text, context) {
    const all = parsePairs(text)
    const found = all.flatMap((pairs): ListenerOptions[] => {
      const options = common(pairs, context, context.listenerTimeouts)
      const named = protoOf(pairs, context)
      const known = protos.find((each) => each === named)
      const reason = missingFeature(pairs, known === undefined ? named : null)
      if (known !== undefined && reason === null) {
        return [{ ...options, proto: known, pxyTimeout: pxyTimeoutOf(pairs, known, context) }]
      }
      const { host, port } = options
      context.warn(`${isIPv6(host) ? `[${host}]` : host}:${port} is not listened on: ${reason}`)
      return []
    })
    if (all.length > 0 && found.length === 0) {
      throw expected(
        'at least one listener that this version can open, which is http or prometheus without cs',
        text,
      )
    }
    return found
  },
}

/** The listener of the UI and API: exactly one. It is HTTP whatever `proto` says, as in fabio. */
export const uiListener: Kind<ListenerOptions> = {
  type: 'listener',
  parse(text, context) {
    const [pairs, second] = parsePairs(text)
    if (pairs === undefined || second !== undefined) throw expected('exactly one listener', text)
    const own = { ...context.listenerTimeouts, readTimeout: 0, writeTimeout: 0 }
    for (const name of ['cs', 'pxyproto']) {
      if (isAsked(pairs, name)) {
        context.warn(`${name} has no effect: this version serves the UI and the API over plain HTTP`)
      }
    }
    return { ...common(pairs, context, own), proto: 'http', pxyTimeout: null }
  },
}

const isAsked = (pairs: Pairs, name: string): boolean =>
  name === 'pxyproto' ? pairs.get(name) === 'true' : pairs.has(name)

const protoOf = (pairs: Pairs, context: ParseContext): string =>
  named('proto', () => proto.parse(pairs.get('proto') ?? 'http', context))

/** Why this version cannot open such a listener, or null. */
function missingFeature(pairs: Pairs, unknownProto: string | null): string | null {
  if (unknownProto !== null) return `this version has no ${unknownProto} yet`
  return isAsked(pairs, 'cs') ? 'this version has no TLS yet' : null
}

/** `pxyproto` and `pxytimeout` (fabio reference 7.2). */
function pxyTimeoutOf(pairs: Pairs, known: ListenerProto, context: ParseContext): number | null {
  const text = pairs.get('pxytimeout')
  const ms = text === undefined ? 0 : named('pxytimeout', () => timeout.parse(text, context))
  if (isAsked(pairs, 'pxyproto') && known === 'http') return ms || usualPxyTimeout
  for (const name of ['pxyproto', 'pxytimeout']) {
    if (pairs.has(name) && pairs.get(name) !== 'false')
      context.warn(
        `${name} has no effect on ${known === 'http' ? 'a listener without pxyproto=true' : `a ${known} listener`}`,
      )
  }
  return null
}

function common(
  pairs: Pairs,
  context: ParseContext,
  unset: ListenerTimeouts,
): Omit<ListenerOptions, 'proto' | 'pxyTimeout'> {
  const limit = (name: string, otherwise: number): number => {
    const text = pairs.get(name)
    return text === undefined ? otherwise : named(name, () => timeout.parse(text, context))
  }
  warnOfOthers(pairs, context)
  return {
    ...address(pairs, context.interfaces),
    readTimeout: limit('rt', unset.readTimeout),
    writeTimeout: limit('wt', unset.writeTimeout),
    idleTimeout: limit('it', unset.idleTimeout),
  }
}

function address(pairs: Pairs, interfaces: Interfaces): Pick<ListenerOptions, 'host' | 'port'> {
  const what = 'an address like :9999, 10.0.0.1:9999 or [::1]:9999'
  const text = pairs.get('addr') ?? pairs.get('')
  if (text === undefined) throw new ValueError(`expected ${what}, got none`)
  // fabio leaves an IPv6 address that a template yields without brackets and cannot listen on it.
  const inBrackets = (ip: string): string => (isIPv6(ip) ? `[${ip}]` : ip)
  const expanded = expandAddress(text.trim(), interfaces, inBrackets)
  const found = splitHostPort(expanded)
  if (found === null || found.port === null) throw expected(what, expanded)
  return { host: found.host, port: found.port }
}

function warnOfOthers(pairs: Pairs, context: ParseContext): void {
  for (const name of pairs.keys()) {
    if (['', 'addr', 'proto', 'rt', 'wt', 'it', 'cs', 'pxyproto', 'pxytimeout'].includes(name)) continue
    if (idleOptions.has(name)) context.warn(`${name} has no effect on an http listener`)
    else context.warn(`unknown listener option ${quoted(name)}, ignored`)
  }
}

/** Says in the error which option of the listener it is about. */
function named<T>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    throw new ValueError(`${name}: ${error.message}`)
  }
}
