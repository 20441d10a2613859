import { type KnownField, maskOf, spelled } from '../http1/field-names.ts'
import type { ReceivedFields } from '../http1/field-section.ts'
import { peerOf, unknownAddress } from './client-identity.ts'
import type { ClientSide, Exchange } from './exchange.ts'
import { forwardedElement } from './forwarded.ts'

const forwardingFields = [
  'forwarded',
  'xForwardedFor',
  'xForwardedHost',
  'xForwardedPort',
  'xForwardedPrefix',
  'xForwardedProto',
  'xRealIp',
] as const satisfies readonly KnownField[]

/** Fields that tell of the client and of the way to us. */
export const forwardingMask = maskOf(...forwardingFields)

/** Their names in lower case. */
export const forwardingNames: readonly string[] = forwardingFields.map(spelled)

/** Where none of these is there, what we add is the same for every request of a client to one host. */
const saidBefore = maskOf(
  'xForwardedFor',
  'xForwardedHost',
  'xForwardedPort',
  'xForwardedProto',
  'xRealIp',
  'forwarded',
  // Which makes it another scheme.
  'upgrade',
)

/** What fabio adds only where it is absent or empty. */
const addedIfAbsent = ['xRealIp', 'xForwardedProto', 'xForwardedPort', 'xForwardedHost'] as const
const mayBeEmpty = maskOf(...addedIfAbsent)
const byName = addedIfAbsent.map((field) => [spelled(field), maskOf(field)] as const)

/** Which of those are there and say nothing: they are not to stand beside what we add. */
export function emptyForwarding(fields: ReceivedFields): number {
  if (!fields.hasAny(mayBeEmpty)) return 0
  return byName.reduce((mask, [name, field]) => (fields.first(name) === '' ? mask | field : mask), 0)
}

type Write = (exchange: Exchange, host: string, localIp: string) => string

/** HOT. What was written for the last request of the connection, where it is the same for this one. */
function writeOnce(exchange: Exchange, host: string, localIp: string, write: Write): string {
  const { client } = exchange
  const peer = peerOf(client)
  if (peer.host === host && peer.httpVersion === client.httpVersion && peer.lines !== '') return peer.lines
  peer.host = host
  peer.httpVersion = client.httpVersion
  // In one piece, and not as the pieces it was put together from: it is used again and again.
  peer.lines = Buffer.from(write(exchange, host, localIp), 'latin1').toString('latin1')
  return peer.lines
}

/** HOT: once for each request. As fabio does it: what the request says is believed and extended, whoever says it. */
export const appendedLines = (exchange: Exchange, host: string, localIp: string): string =>
  exchange.fields.hasAny(saidBefore)
    ? appended(exchange, host, localIp)
    : writeOnce(exchange, host, localIp, appended)

function appended(exchange: Exchange, host: string, localIp: string): string {
  const { fields, client } = exchange
  const remote = client.remoteAddress
  const scheme = requestScheme(exchange)
  const ifAbsent = (name: string, lowerName: string, value: string): string =>
    value === '' || fields.first(lowerName) !== '' ? '' : `${name}: ${value}\r\n`
  return (
    ifAbsent('X-Real-Ip', 'x-real-ip', remote) +
    `X-Forwarded-For: ${[...fields.all('x-forwarded-for'), remote].join(', ')}\r\n` +
    ifAbsent('X-Forwarded-Proto', 'x-forwarded-proto', ofHttp(scheme)) +
    ifAbsent('X-Forwarded-Port', 'x-forwarded-port', portOf(host, client.secure)) +
    ifAbsent('X-Forwarded-Host', 'x-forwarded-host', host) +
    `Forwarded: ${appendedForwarded(exchange, scheme, localIp)}\r\n`
  )
}

/** Inside the same element, as fabio has it; RFC 7239 would have another one (QUIRK-68). */
function appendedForwarded({ fields, client }: Exchange, scheme: string, localIp: string): string {
  const received = fields.first('forwarded')
  const start = received === '' ? `for=${client.remoteAddress}; proto=${scheme}` : received
  const by = localIp === '' ? '' : `; by=${localIp}`
  return `${start}${by}; httpproto=http/${client.httpVersion}`
}

/** HOT: once for each request. With `proxy.trusted`: what its peers say is extended, what others say is replaced. */
export const replacedLines = (exchange: Exchange, localIp: string): string =>
  exchange.isPeerTrusted === true
    ? extended(exchange, exchange.host, localIp)
    : writeOnce(exchange, exchange.host, localIp, extended)

function extended(exchange: Exchange, host: string, localIp: string): string {
  const { fields, client, isPeerTrusted, clientAddress, toldForwarded } = exchange
  const remote = client.remoteAddress
  const scheme = forwardedProto(exchange)
  const told = (lowerName: string): string => (isPeerTrusted === true ? fields.first(lowerName) : '')
  const forwardedHost = told('x-forwarded-host') || host
  const port = told('x-forwarded-port')
  const element = forwardedElement({ for: remote, by: localIp, host, proto: connectionScheme(client) })
  return (
    (clientAddress === unknownAddress ? '' : `X-Real-Ip: ${clientAddress}\r\n`) +
    `X-Forwarded-For: ${forwardedFor(exchange)}\r\n` +
    `X-Forwarded-Proto: ${scheme}\r\n` +
    `X-Forwarded-Port: ${/^\d{1,5}$/.test(port) ? port : portOf(forwardedHost, scheme === 'https')}\r\n` +
    (forwardedHost === '' ? '' : `X-Forwarded-Host: ${forwardedHost}\r\n`) +
    `Forwarded: ${toldForwarded === '' ? element : `${toldForwarded}, ${element}`}\r\n`
  )
}

/**
 * The scheme that the client used (fabio reference 6.5, request scheme): `http` or `https`, for a websocket `ws` or
 * `wss`, or what a proxy that is believed says.
 */
export function requestScheme(exchange: Exchange): string {
  const { fields, client, isPeerTrusted, toldScheme } = exchange
  if (isPeerTrusted !== null) return toldScheme === '' ? connectionScheme(client) : toldScheme
  const proto = fields.first('x-forwarded-proto')
  const header = fields.first('forwarded')
  if (proto !== '' && header === '') return proto
  if (header !== '' && proto === '') {
    const stated = /proto=([^;]*)/u.exec(header)?.[1]
    if (stated !== undefined) return stated
  }
  const scheme = connectionScheme(client)
  return fields.first('upgrade') === 'websocket' ? scheme.replace('http', 'ws') : scheme
}

/** What X-Forwarded-Proto says. */
export const forwardedProto = (exchange: Exchange): string => ofHttp(requestScheme(exchange))

/** What X-Forwarded-For says: the hops that somebody tells whose word counts, and the peer. */
export function forwardedFor({ fields, client, isPeerTrusted }: Exchange): string {
  const told = isPeerTrusted === false ? [] : fields.all('x-forwarded-for').filter((line) => line !== '')
  return [...told, client.remoteAddress].join(', ')
}

const connectionScheme = ({ secure }: ClientSide): string => (secure ? 'https' : 'http')

/** A websocket is asked for over HTTP. */
const ofHttp = (scheme: string): string => (scheme === 'ws' ? 'http' : scheme === 'wss' ? 'https' : scheme)

/** The port in Host, or the scheme's own (17.7). Brackets of IPv6 are minded, which fabio does not (QUIRK-59). */
function portOf(host: string, secure: boolean): string {
  const port = /:(\d+)$/u.exec(host)?.[1]
  return port ?? (secure ? '443' : '80')
}
