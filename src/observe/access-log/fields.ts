import type { Exchange } from '../../proxy/exchange.ts'
import { requestScheme } from '../../proxy/forwarding-fields.ts'
import { forwardedTarget } from '../../proxy/path.ts'
import { planOf } from '../../proxy/plan.ts'
import { type EndTime, secondsText } from './end-time.ts'
import { octetsOf } from './octets.ts'

/** One line in the making: what its fields are read from. One object serves all lines. */
export interface Entry {
  exchange: Exchange
  /** From the head of the request to the end of its answer, milliseconds. */
  duration: number
  readonly end: EndTime
  /** Number of the process, 1 for the first. */
  readonly worker: string
}

/** What a field is in one line: octets. */
export interface Field {
  /**
   * `number`: one in JSON too, and null where it is empty. `plain`: without quotes, backslashes and anything beyond
   * ASCII. `client`: text that a client may have chosen.
   */
  readonly kind: 'text' | 'number' | 'plain' | 'client'
  readonly read: (entry: Entry) => string
  /** Of a request that was sent to a target: the same for all that are. */
  readonly isOfTarget?: true
}

const text = (read: Field['read']): Field => ({ kind: 'text', read })
const ofTarget = (field: Field): Field => ({ ...field, isOfTarget: true })
const number = (read: Field['read']): Field => ({ kind: 'number', read })

const plain = (read: Field['read']): Field => ({ kind: 'plain', read })

/** Of the exchange alone. */
const of = (read: (exchange: Exchange) => string): Field => text(({ exchange }) => read(exchange))
const plainOf = (read: (exchange: Exchange) => string): Field => plain(({ exchange }) => read(exchange))
const client = (read: (exchange: Exchange) => string): Field => ({
  kind: 'client',
  read: ({ exchange }) => read(exchange),
})

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address)

const protocol = ({ client }: Exchange): string => `HTTP/${client.httpVersion}`

/** Without the port, IPv6 in its brackets; without a port the scheme's own (QUIRK-39). */
const hostOf = (authority: string): string => authority.slice(0, portAt(authority))
const portOf = (authority: string): string => authority.slice(portAt(authority) + 1)
const portAt = (authority: string): number => {
  const at = authority.lastIndexOf(':')
  return at > authority.lastIndexOf(']') ? at : authority.length
}

/** `host:port` that was asked; empty: nobody was. */
const upstreamOf = ({ chosen, attempts }: Exchange): string =>
  chosen === null || attempts === 0 ? '' : octetsOf(chosen.authority)

/** Path and query as they went to the upstream. */
function upstreamTarget({ chosen, attempts, target, path }: Exchange): string {
  if (chosen === null || attempts === 0) return ''
  return forwardedTarget(target, path, planOf(chosen))
}

const upstreamScheme = (exchange: Exchange): string =>
  exchange.chosen === null || exchange.attempts === 0
    ? ''
    : exchange.chosen.upstream!.key.slice(0, exchange.chosen.upstream!.key.indexOf(':'))

const queryOf = (target: string): string => {
  const at = target.indexOf('?')
  return at === -1 ? '' : target.slice(at + 1)
}

/** A path as it stands in a URL, where routing looks at one without escapes. */
const spelled = (path: string): string =>
  /^[\w\-./~!$&'()*+,;=:@]*$/.test(path) ? path : encodeURI(path).replace(/[?#]/g, encodeURIComponent)

/** `GET /p?k=v HTTP/1.1`; empty: what came was no request. */
const requestLine = (exchange: Exchange): string =>
  exchange.method === '' ? '' : `${exchange.method} ${exchange.target} ${protocol(exchange)}`

/** Seconds between two moments; empty: the second did not come. */
const between = (from: number, to: number): string =>
  from === 0 || to === 0 ? '' : secondsText(Math.max(0, to - from), 6)

/** Every field, without `header.NAME` (fabio reference 10.3, and our own). */
export const fields = {
  remote_addr: plainOf(({ client }) => `${bracketed(client.remoteAddress)}:${client.remotePort}`),
  remote_host: plainOf(({ client }) => bracketed(client.remoteAddress)),
  remote_port: number(({ exchange }) => String(exchange.client.remotePort)),
  request: client(requestLine),
  request_args: client(({ target }) => queryOf(target)),
  request_host: of(({ host, chosen }) => (chosen === null ? host : (planOf(chosen).host ?? host))),
  request_method: plainOf(({ method }) => method),
  request_proto: plainOf(protocol),
  request_scheme: client(requestScheme),
  request_uri: client(({ target }) => target),
  request_url: client((exchange) => {
    const { host, path, target } = exchange
    const query = queryOf(target)
    return `${requestScheme(exchange)}://${host}${spelled(path)}${query === '' ? '' : `?${query}`}`
  }),
  response_body_size: number(({ exchange }) => String(exchange.bodySize)),
  response_status: number(({ exchange }) => String(exchange.status)),
  response_time_ms: number(({ duration }) => secondsText(duration, 3)),
  response_time_ns: number(({ duration }) => secondsText(duration, 9)),
  response_time_us: number(({ duration }) => secondsText(duration, 6)),
  time_common: plain(({ end }) => end.common),
  time_rfc3339: plain(({ end }) => `${end.rfc3339}Z`),
  time_rfc3339_ms: plain(({ end }) => `${end.rfc3339}.${end.fraction(3)}Z`),
  time_rfc3339_ns: plain(({ end }) => `${end.rfc3339}.${end.fraction(9)}Z`),
  time_rfc3339_us: plain(({ end }) => `${end.rfc3339}.${end.fraction(6)}Z`),
  time_unix_ms: number(({ end }) => end.unix(3)),
  time_unix_ns: number(({ end }) => end.unix(9)),
  time_unix_us: number(({ end }) => end.unix(6)),
  upstream_addr: ofTarget(of(upstreamOf)),
  upstream_host: ofTarget(of((exchange) => hostOf(upstreamOf(exchange)))),
  upstream_port: ofTarget(number(({ exchange }) => portOf(upstreamOf(exchange)))),
  upstream_request_scheme: ofTarget(plainOf(upstreamScheme)),
  upstream_request_uri: client(upstreamTarget),
  upstream_request_url: client((exchange) => {
    const authority = upstreamOf(exchange)
    return authority === '' ? '' : `${upstreamScheme(exchange)}://${authority}${upstreamTarget(exchange)}`
  }),
  upstream_service: ofTarget(of(({ chosen }) => (chosen === null ? '' : octetsOf(chosen.service)))),

  attempts: number(({ exchange }) => String(exchange.attempts)),
  client_host: plainOf(({ clientAddress }) => bracketed(clientAddress)),
  /** How long the last attempt waited for a connection. */
  connect_time_us: number(({ exchange: { waitsSince, sentAt, wasSent } }) =>
    wasSent ? between(waitsSince, sentAt) : '',
  ),
  error_code: plainOf(({ failure }) => failure?.code ?? ''),
  first_byte_time_us: number(({ exchange: { sentAt, answeredAt } }) => between(sentAt, answeredAt)),
  /** From the head of the request until somebody had a connection for it, or began to make one. */
  queue_time_us: number(({ exchange: { startedAt, waitsSince, sentAt } }) =>
    between(startedAt, waitsSince || sentAt),
  ),
  request_id: client(({ id, fields }) => (id === '' ? fields.first('x-request-id') : id)),
  route: ofTarget(of(({ route }) => (route === null ? '' : octetsOf(route.text)))),
  trace_id: of(({ trace, fields }) => trace?.traceId ?? traceId(fields.first('traceparent'))),
  upstream_instance: ofTarget(of(({ chosen }) => (chosen === null ? '' : octetsOf(chosen.instance)))),
  worker: number(({ worker }) => worker),
} satisfies Readonly<Record<string, Field>>

export type FieldName = keyof typeof fields

/** The trace of a client that has one (W3C Trace Context): 32 digits, not all of them 0. */
const traceId = (traceparent: string): string =>
  traceparent === ''
    ? ''
    : (/^[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/.exec(traceparent)?.[1] ?? '')
