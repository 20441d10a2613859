import { type AddressBlock, AddressSet } from '../base/address-set.ts'
import { maskOf } from '../http1/field-names.ts'
import type { ClientSide, Exchange } from './exchange.ts'
import { hopAddress, nodeAddress, parseForwarded } from './forwarded.ts'

/** What stands for a client whose address a trusted proxy does not tell: in no block of addresses. */
export const unknownAddress = 'unknown'

/** What is known of a connection, kept from one of its requests to the next. */
export class Peer {
  /** It is one of `proxy.trusted`; null: nobody has looked yet. */
  isTrusted: boolean | null = null
  /** The fields that were added to its last request, and for which host they are. */
  host = ''
  httpVersion = ''
  lines = ''
}

export const peerOf = (client: ClientSide): Peer => {
  if (client.memo === null) client.memo = new Peer()
  return client.memo as Peer
}

/**
 * Makes the function that finds out who the client is behind the proxies of `proxy.trusted`: the last hop that is none
 * of them, told by the ones behind it. What somebody else says of itself counts for nothing.
 *
 * @returns null: nobody is trusted, the client is the peer
 */
export function compileIdentity(trusted: readonly AddressBlock[]): ((exchange: Exchange) => void) | null {
  if (trusted.length === 0) return null
  const proxies = new AddressSet(trusted)
  return (exchange) => {
    const { client, fields } = exchange
    const peer = peerOf(client)
    if (peer.isTrusted === null) peer.isTrusted = proxies.has(client.remoteAddress)
    exchange.isPeerTrusted = peer.isTrusted
    if (peer.isTrusted && fields.hasAny(tellTales)) believe(exchange, proxies)
  }
}

/** Fields in which a proxy tells of what came before it, as far as they say who the client is. */
const tellTales = maskOf('forwarded', 'xForwardedFor', 'xForwardedProto')

/** Takes from the request what a trusted peer tells in it. */
function believe(exchange: Exchange, trusted: AddressSet): void {
  const { fields } = exchange
  const forwarded = fields.all('forwarded').join(', ')
  const elements = parseForwarded(forwarded)
  if (elements !== null && elements.length > 0) exchange.toldForwarded = forwarded
  let proto = fields.first('x-forwarded-proto').split(',', 1)[0]!.trim()
  const hops = toldHops(fields.all('x-forwarded-for'))
  if (hops.length > 0) {
    const index = lastUntrusted(hops, trusted)
    exchange.clientAddress = hops[index] ?? unknownAddress
  } else if (elements === null) {
    // The client's part of the field may be what makes it unreadable: it must not gain the address of the proxy so.
    exchange.clientAddress = unknownAddress
  } else if (elements.length > 0) {
    const nodes = elements.map((element) => nodeAddress(element.for))
    const index = lastUntrusted(nodes, trusted)
    exchange.clientAddress = nodes[index] ?? unknownAddress
    // What stands before the client's own element is what the client says.
    if (proto === '') proto = elements[index]!.proto
  }
  if (/^[a-z][a-z\d+.-]*$/i.test(proto)) exchange.toldScheme = proto.toLowerCase()
}

/** Addresses of X-Forwarded-For in their order; null for what is none. Empty elements say nothing (RFC 9110 section 5.6.1). */
function toldHops(lines: readonly string[]): (string | null)[] {
  const elements = lines.flatMap((line) => line.split(',')).map((element) => element.trim())
  return elements.filter((element) => element !== '').map(hopAddress)
}

/**
 * Which of the hops is the client: the last one that is not trusted, the first where all are. One without an address is
 * nobody's: never the proxy that told it, whose address may open doors that the client's would not.
 *
 * @param hops whom each proxy has told, the nearest last, at least one; null: somebody without an address
 */
function lastUntrusted(hops: readonly (string | null)[], trusted: AddressSet): number {
  let index = hops.length - 1
  for (; index > 0; index--) {
    const hop = hops[index]!
    if (hop === null || !trusted.has(hop)) break
  }
  return index
}
