import { plainName } from '../base/field-syntax.ts'
import { fieldId, maskOf } from '../http1/field-names.ts'
import type { ReceivedFields } from '../http1/field-section.ts'
import { unknownAddress } from './client-identity.ts'
import type { Exchange } from './exchange.ts'
import { mergedVary, withoutFields } from './field-lines.ts'
import {
  appendedLines,
  emptyForwarding,
  forwardingMask,
  forwardingNames,
  replacedLines,
} from './forwarding-fields.ts'
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
const alwaysKept = ['host', 'content-length', ...forwardingNames]

/** Rewritten for each request; the upstream's side frames the body by itself. */
const rewritten = maskOf('host', 'contentLength', 'expect', 'xForwardedFor', 'forwarded')
const prefix = maskOf('xForwardedPrefix')

/** Makes the function that writes a request's field lines anew for the upstream. */
export function compileRequestLines(
  options: ForwardingOptions,
): (exchange: Exchange, hostHeader: string, plan: Pick<Plan, 'prefixLine' | 'request'>) => string {
  const clientIp = options.clientIpHeader.toLowerCase()
  // fabio never lets this option overwrite the two fields that it fills itself (6.5).
  const setsClientIp = clientIp !== '' && clientIp !== 'x-forwarded-for' && clientIp !== 'x-real-ip'
  const requestId = options.requestIdHeader.toLowerCase()
  const tls = options.tlsHeader.toLowerCase()
  const keep = new Set([...alwaysKept, clientIp, requestId, tls])
  const ours = [setsClientIp ? clientIp : '', requestId, tls].filter((name) => name !== '')
  const except = ours.length === 0 ? null : new Set(ours)
  const spoofable = new Set([...forwardingNames, ...ours].map(plainName))

  return (exchange, hostHeader, { prefixLine, request }) => {
    const { fields, client, isPeerTrusted, trace } = exchange
    let skip = prefixLine === '' ? rewritten : rewritten | prefix
    let replaced =
      request === null && exchange.requestExcept === null
        ? except
        : union(except, request?.except ?? null, exchange.requestExcept)
    if (trace !== null && trace.except !== null) replaced = union(replaced, trace.except)
    let added: string
    if (isPeerTrusted === null) {
      skip |= emptyForwarding(fields)
      added = appendedLines(exchange, hostHeader, options.localIp)
    } else {
      skip |= isPeerTrusted ? forwardingMask & ~prefix : forwardingMask
      if (!isPeerTrusted) replaced = union(replaced, fields.lookalikes(spoofable, 'x-forwarded-'))
      added = replacedLines(exchange, options.localIp)
    }
    const lines = `Host: ${hostHeader}\r\n${fields.endToEnd(skip, replaced, keep)}`
    let own = ''
    if (requestId !== '') {
      if (exchange.id === '') exchange.id = options.newId()
      own += `${options.requestIdHeader}: ${exchange.id}\r\n`
    }
    if (setsClientIp && exchange.clientAddress !== unknownAddress)
      own += `${options.clientIpHeader}: ${exchange.clientAddress}\r\n`
    if (tls !== '' && client.secure) own += `${options.tlsHeader}: ${options.tlsValue}\r\n`
    own += prefixLine
    if (fields.hasAny(hasTe) && takesTrailers(fields)) own += 'TE: trailers\r\n'
    own += added
    if (trace !== null) own += trace.lines
    const { requestExcept } = exchange
    if (request === null && requestExcept === null) return lines + own + exchange.requestLines
    // What the route says goes before what the gateway writes by itself, what a step before has found out before both.
    let ours = request === null || request.except === null ? own : withoutFields(own, request.except)
    if (request !== null) ours += request.lines
    if (requestExcept !== null) ours = withoutFields(ours, requestExcept)
    return lines + ours + exchange.requestLines
  }
}

function union(...sets: readonly (ReadonlySet<string> | null)[]): ReadonlySet<string> | null {
  const given = sets.filter((set) => set !== null)
  return given.length < 2 ? (given[0] ?? null) : new Set(given.flatMap((set) => [...set]))
}

const hasTe = maskOf('te')

/** What TE says goes no further than this hop; whether trailers are of use to the client does (fabio reference 6.5). */
const takesTrailers = (fields: ReceivedFields): boolean =>
  fields.all('te').some((value) => /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value))

const nothing: ReadonlySet<string> = new Set()
/** The client's side frames the body by itself. */
const framing = maskOf('contentLength')
const hasDate = 1 << fieldId.date
const hasVary = 1 << fieldId.vary
const hasSts = 1 << fieldId.strictTransportSecurity

/**
 * The field lines of an upstream's answer that go to the client.
 *
 * @param date now, as Date says it: for an answer that does not (RFC 9110 section 6.6.1)
 */
export const responseLines = (fields: ReceivedFields, date: () => string): string =>
  fields.hasAny(hasDate)
    ? fields.endToEnd(framing, null, nothing)
    : `${fields.endToEnd(framing, null, nothing)}Date: ${date()}\r\n`

/**
 * As `responseLines`, with what is written over them. Slower.
 *
 * @param changes of the route
 * @param body of whoever changes the body
 * @param vary names that Vary has to have beside the upstream's
 * @param sts line of Strict-Transport-Security in place of the upstream's; empty: that stays
 */
export function changedResponseLines(
  fields: ReceivedFields,
  date: () => string,
  changes: FieldChanges | null,
  body: FieldChanges | null,
  vary: string,
  sts: string,
): string {
  const except = changes === null ? null : changes.except
  const skip = framing | (vary === '' ? 0 : hasVary) | (sts === '' ? 0 : hasSts)
  let lines = fields.endToEnd(skip, union(except, body === null ? null : body.except), nothing)
  if (!fields.hasAny(hasDate)) lines += `Date: ${date()}\r\n`
  if (vary !== '')
    lines += `Vary: ${mergedVary([...(except?.has('vary') ? [] : fields.all('vary')), vary])}\r\n`
  if (body !== null) lines += body.lines
  if (changes !== null) lines += changes.lines
  return lines + sts
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
