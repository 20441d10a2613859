import { fieldId, maskOf } from '../http1/field-names.ts'
import type { ReceivedFields } from '../http1/field-section.ts'
import type { Exchange } from './exchange.ts'
import type { FieldChanges, Plan } from './plan.ts'

/** What the gateway tells upstreams about the client (fabio reference 6.4, 6.5). */
export interface ForwardingOptions {
  /** `proxy.header.clientip`: a field set to the client's address; empty: none. */
  readonly clientIpHeader: string
  /** `proxy.header.requestid`: a field set to a fresh id; empty: none. */
  readonly requestIdHeader: string
  /** `proxy.header.tls`: a field set on requests that came over TLS and on no other; empty: none. */
  readonly tlsHeader: string
  /** `proxy.header.tls.value` */
  readonly tlsValue: string
  /** `proxy.localip`: the `by=` of Forwarded; empty: none. */
  readonly localIp: string
  newId(): string
}

/** Fields that a client's Connection must not make us drop: we set them or frame by them. */
const alwaysKept = [
  'host',
  'content-length',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-real-ip',
]

/** Rewritten for each request; the upstream's side frames the body by itself. */
const rewritten = maskOf('host', 'contentLength', 'expect', 'xForwardedFor', 'forwarded')
const rewrittenWithPrefix = rewritten | maskOf('xForwardedPrefix')
/** Where none of these is there, what we add is the same for every request of a client to one host. */
const saidBefore = maskOf(
  'xForwardedFor',
  'xForwardedHost',
  'xForwardedPort',
  'xForwardedProto',
  'xRealIp',
  'forwarded',
)

/** What was added to the last request of a connection: the same for the next one to this host. */
interface Added {
  readonly host: string
  readonly httpVersion: string
  readonly lines: string
}

/** Makes the function that writes a request's field lines anew for the upstream. */
export function compileRequestLines(
  options: ForwardingOptions,
): (exchange: Exchange, hostHeader: string, plan: Pick<Plan, 'strip' | 'request'>) => string {
  const clientIp = options.clientIpHeader.toLowerCase()
  // fabio never lets this option overwrite the two fields that it fills itself (6.5).
  const setsClientIp = clientIp !== '' && clientIp !== 'x-forwarded-for' && clientIp !== 'x-real-ip'
  const requestId = options.requestIdHeader.toLowerCase()
  const tls = options.tlsHeader.toLowerCase()
  const keep = new Set([...alwaysKept, clientIp, requestId, tls])
  const ours = [setsClientIp ? clientIp : '', requestId, tls].filter((name) => name !== '')
  const except = ours.length === 0 ? null : new Set(ours)

  const addedLines = (exchange: Exchange, host: string): string => {
    const { fields, client } = exchange
    if (fields.hasAny(saidBefore)) return forwardingLines(exchange, host, options.localIp)
    const added = client.memo as Added | null
    if (added !== null && added.host === host && added.httpVersion === client.httpVersion) return added.lines
    const lines = flat(forwardingLines(exchange, host, options.localIp))
    client.memo = { host, httpVersion: client.httpVersion, lines } satisfies Added
    return lines
  }

  return (exchange, hostHeader, { strip, request }) => {
    const { fields, client } = exchange
    const skip = strip === '' ? rewritten : rewrittenWithPrefix
    const replaced =
      request === null && exchange.requestExcept === null
        ? except
        : union(except, request?.except ?? null, exchange.requestExcept)
    let lines = `Host: ${hostHeader}\r\n${fields.endToEnd(skip, replaced, keep)}`
    if (requestId !== '') {
      if (exchange.id === '') exchange.id = options.newId()
      lines += `${options.requestIdHeader}: ${exchange.id}\r\n`
    }
    if (setsClientIp) lines += `${options.clientIpHeader}: ${exchange.clientAddress}\r\n`
    if (tls !== '' && client.secure) lines += `${options.tlsHeader}: ${options.tlsValue}\r\n`
    if (strip !== '') lines += `X-Forwarded-Prefix: ${strip}\r\n`
    if (request !== null) lines += request.lines
    return lines + exchange.requestLines + addedLines(exchange, hostHeader)
  }
}

function union(...sets: readonly (ReadonlySet<string> | null)[]): ReadonlySet<string> | null {
  const given = sets.filter((set) => set !== null)
  return given.length < 2 ? (given[0] ?? null) : new Set(given.flatMap((set) => [...set]))
}

/** A text that is used again and again in one piece, and not as the pieces it was put together from. */
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

function forwardingLines(exchange: Exchange, host: string, localIp: string): string {
  const { fields, client } = exchange
  const remote = client.remoteAddress
  const scheme = requestScheme(exchange)
  const ifAbsent = (name: string, lowerName: string, value: string): string =>
    value === '' || fields.first(lowerName) !== '' ? '' : `${name}: ${value}\r\n`
  return (
    ifAbsent('X-Real-Ip', 'x-real-ip', remote) +
    `X-Forwarded-For: ${[...fields.all('x-forwarded-for'), remote].join(', ')}\r\n` +
    ifAbsent('X-Forwarded-Proto', 'x-forwarded-proto', scheme) +
    ifAbsent('X-Forwarded-Port', 'x-forwarded-port', forwardedPort(host, client.secure)) +
    ifAbsent('X-Forwarded-Host', 'x-forwarded-host', host) +
    `Forwarded: ${forwarded(exchange, scheme, localIp)}\r\n`
  )
}

/** The scheme that the client used, believing a proxy before us (fabio reference 6.5, request scheme). */
function requestScheme({ fields, client }: Exchange): string {
  const proto = fields.first('x-forwarded-proto')
  const header = fields.first('forwarded')
  if (proto !== '' && header === '') return proto
  if (header !== '' && proto === '') {
    const stated = /proto=([^;]*)/u.exec(header)?.[1]
    if (stated !== undefined) return stated
  }
  return client.secure ? 'https' : 'http'
}

/** The port in Host, or the scheme's own (17.7). Brackets of IPv6 are minded, which fabio does not (QUIRK-59). */
function forwardedPort(host: string, secure: boolean): string {
  const port = /:(\d+)$/u.exec(host)?.[1]
  return port ?? (secure ? '443' : '80')
}

function forwarded({ fields, client }: Exchange, scheme: string, localIp: string): string {
  const received = fields.first('forwarded')
  const start = received === '' ? `for=${client.remoteAddress}; proto=${scheme}` : received
  const by = localIp === '' ? '' : `; by=${localIp}`
  return `${start}${by}; httpproto=http/${client.httpVersion}`
}

const nothing: ReadonlySet<string> = new Set()
/** The client's side frames the body by itself. */
const framing = maskOf('contentLength')
const hasDate = 1 << fieldId.date

/**
 * The field lines of an upstream's answer that go to the client.
 *
 * @param date now, as Date says it: for an answer that does not (RFC 9110 section 6.6.1)
 */
export const responseLines = (fields: ReceivedFields, date: () => string): string =>
  fields.hasAny(hasDate)
    ? fields.endToEnd(framing, null, nothing)
    : `${fields.endToEnd(framing, null, nothing)}Date: ${date()}\r\n`

/** As `responseLines`, with fields that are taken out, and what a filter of the body does. Slower. */
export function changedResponseLines(
  fields: ReceivedFields,
  date: () => string,
  except: ReadonlySet<string> | null,
  filter: FieldChanges | null,
): string {
  const left = fields.endToEnd(framing, union(except, filter?.except ?? null), nothing)
  return `${left}${fields.hasAny(hasDate) ? '' : `Date: ${date()}\r\n`}${filter?.lines ?? ''}`
}

/** Trailer lines that may go on: never ones that frame, route or authorise (RFC 9110 section 6.5.1). */
export const trailerLines = (fields: ReceivedFields): string =>
  fields.endToEnd(0, forbiddenInTrailers, nothing)

const forbiddenInTrailers: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'max-forwards',
  'range',
  'set-cookie',
  'www-authenticate',
])
