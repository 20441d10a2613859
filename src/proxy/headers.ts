import type { Exchange } from './exchange.ts'
import { endToEnd, firstOf, valuesOf } from './fields.ts'

/** What the gateway tells upstreams about the client (fabio reference 6.4, 6.5). */
export interface ForwardingOptions {
  /** `proxy.header.clientip`: a field set to the client's address; empty: none. */
  readonly clientIpHeader: string
  /** `proxy.header.requestid`: a field set to a fresh id; empty: none. */
  readonly requestIdHeader: string
  /** `proxy.localip`: the `by=` of Forwarded; empty: none. */
  readonly localIp: string
  newId(): string
}

/** Fields that a client's Connection must not make us drop: we set them or frame by them. */
const alwaysKept = [
  'host',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-real-ip',
]

/** Makes the function that writes a request's fields anew for the upstream. */
export function compileRequestFields(
  options: ForwardingOptions,
): (exchange: Exchange, hostHeader: string, strip: string) => string[] {
  const clientIp = options.clientIpHeader.toLowerCase()
  // fabio never lets this option overwrite the two fields that it fills itself (6.5).
  const setsClientIp = clientIp !== '' && clientIp !== 'x-forwarded-for' && clientIp !== 'x-real-ip'
  const requestId = options.requestIdHeader.toLowerCase()
  const keep = new Set([...alwaysKept, clientIp, requestId])
  // The upstream's side frames the body by itself.
  const rewritten = new Set(['host', 'content-length', 'expect', 'x-forwarded-for', 'forwarded'])
  if (setsClientIp) rewritten.add(clientIp)
  if (requestId !== '') rewritten.add(requestId)
  const withPrefixRewritten = new Set([...rewritten, 'x-forwarded-prefix'])

  return (exchange, hostHeader, strip) => {
    const { fields: received, client } = exchange
    const remote = client.remoteAddress
    const fields = endToEnd(received, strip === '' ? rewritten : withPrefixRewritten, keep)
    const scheme = requestScheme(exchange)
    const setIfAbsent = (name: string, lower: string, value: string): void => {
      if (value !== '' && firstOf(fields, lower) === '') fields.push(name, value)
    }
    fields.unshift('Host', hostHeader)
    if (requestId !== '') fields.push(options.requestIdHeader, options.newId())
    if (setsClientIp) fields.push(options.clientIpHeader, remote)
    setIfAbsent('X-Real-Ip', 'x-real-ip', remote)
    fields.push('X-Forwarded-For', [...valuesOf(received, 'x-forwarded-for'), remote].join(', '))
    setIfAbsent('X-Forwarded-Proto', 'x-forwarded-proto', scheme)
    setIfAbsent('X-Forwarded-Port', 'x-forwarded-port', forwardedPort(hostHeader, client.secure))
    setIfAbsent('X-Forwarded-Host', 'x-forwarded-host', hostHeader)
    if (strip !== '') fields.push('X-Forwarded-Prefix', strip)
    fields.push('Forwarded', forwarded(exchange, scheme, options.localIp))
    return fields
  }
}

/** The scheme that the client used, believing a proxy before us (fabio reference 6.5, request scheme). */
function requestScheme({ fields, client }: Exchange): string {
  const proto = firstOf(fields, 'x-forwarded-proto')
  const header = firstOf(fields, 'forwarded')
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
  const received = firstOf(fields, 'forwarded')
  const start = received === '' ? `for=${client.remoteAddress}; proto=${scheme}` : received
  const by = localIp === '' ? '' : `; by=${localIp}`
  return `${start}${by}; httpproto=http/${client.httpVersion}`
}

const nothing: ReadonlySet<string> = new Set()
const framing: ReadonlySet<string> = new Set(['content-length'])

/** The fields of an upstream's answer that go to the client. */
export const responseFields = (fields: readonly string[]): string[] => endToEnd(fields, nothing, framing)

/** Trailer fields that may go on: never ones that frame, route or authorise (RFC 9110 section 6.5.1). */
export const trailerFields = (fields: readonly string[]): string[] =>
  endToEnd(fields, forbiddenInTrailers, nothing)

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
