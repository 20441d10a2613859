import { addressText, addressWords, isMapped, readAddress, readIpv6 } from '../base/ip-address.ts'

/** One end of the connection that a proxy tells of. */
export interface Endpoint {
  /** IPv6 without brackets; IPv4 that is written as IPv6 as IPv4. */
  readonly address: string
  readonly port: number
}

/** What the first octets of a connection are. */
export type ProxyHeader =
  | { readonly kind: 'none' }
  /** Too few to tell. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed'; readonly fault: string }
  | {
      readonly kind: 'header'
      /** Octets that it takes. */
      readonly size: number
      /** Who has connected to the proxy; null: it does not tell, so the connection is its own. */
      readonly source: Endpoint | null
    }

const none: ProxyHeader = { kind: 'none' }
const incomplete: ProxyHeader = { kind: 'incomplete' }
const malformed = (fault: string): ProxyHeader => ({ kind: 'malformed', fault: `a PROXY header ${fault}` })

/** Octets of a version 1 header at most, its end included. */
const longestText = 107
/**
 * Octets of a version 2 header at most. The protocol would allow 64 KiB; what proxies add (names, certificates' subjects,
 * the id of an endpoint) fits many times.
 */
const longestBinary = 4096

const textStart = Buffer.from('PROXY ', 'latin1')
const binaryStart = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** Of a version 2 header, before its addresses. */
const fixedSize = 16

/**
 * Reads a header of the PROXY protocol, version 1 or 2, where there is one: HAProxy's doc/proxy-protocol.txt, sections
 * 2.1 and 2.2 (compare fabio reference 7.4).
 *
 * @param end how many octets there are
 */
export function readProxyHeader(octets: Buffer, end: number): ProxyHeader {
  if (startsLike(octets, end, binaryStart)) return end < fixedSize ? incomplete : readBinary(octets, end)
  if (startsLike(octets, end, textStart)) return end < textStart.length ? incomplete : readText(octets, end)
  return none
}

/** All octets that there are, up to the length of `start`, are those of `start`. */
function startsLike(octets: Buffer, end: number, start: Buffer): boolean {
  const size = Math.min(end, start.length)
  return octets.compare(start, 0, size, 0, size) === 0
}

function readText(octets: Buffer, end: number): ProxyHeader {
  const most = Math.min(end, longestText)
  let at = textStart.length
  while (at < most && octets[at]! >= 0x20 && octets[at]! < 0x7f) at++
  if (at + 2 > longestText) return malformed(`longer than ${longestText} octets`)
  if (at === end) return incomplete
  if (octets[at] !== 0x0d) return malformed('with an octet that it may not have')
  if (at + 1 === end) return incomplete
  if (octets[at + 1] !== 0x0a) return malformed('with an octet that it may not have')
  const size = at + 2
  const line = octets.latin1Slice(textStart.length, at)
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return { kind: 'header', size, source: null }
  const [family, source = '', destination = '', port = '', otherPort = '', ...more] = line.split(' ')
  if ((family !== 'TCP4' && family !== 'TCP6') || more.length > 0)
    return malformed('that is neither TCP4, TCP6 nor UNKNOWN with two addresses and two ports')
  const isRight = family === 'TCP4' ? isIpv4 : isIpv6
  if (!isRight(source) || !isRight(destination)) return malformed(`with an address that is not of ${family}`)
  if (!isPort(port) || !isPort(otherPort)) return malformed('with a port that is none')
  return { kind: 'header', size, source: { address: written(source), port: Number(port) } }
}

const isIpv4 = (text: string): boolean => !text.includes(':') && readAddress(text) !== 0
const isIpv6 = (text: string): boolean => text.includes(':') && !text.includes('%') && readIpv6(text)
const isPort = (text: string): boolean => /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535

function written(address: string): string {
  const family = readAddress(address)
  return family === 0 ? '' : addressText(family)
}

/** Octets of both addresses and both ports, by the byte that says what they are; of others nothing is known. */
const addressSizes: Readonly<Record<number, number>> = { 17: 12, 33: 36 }

function readBinary(octets: Buffer, end: number): ProxyHeader {
  const command = octets[12]!
  // Version 2, and LOCAL or PROXY: others "must not be emitted", and connections with them are to be dropped.
  if (command !== 0x20 && command !== 0x21)
    return malformed('of a version or with a command that is not known')
  const family = octets[13]!
  if (family >> 4 > 3 || (family & 0xf) > 2)
    return malformed('with a family or a transport that is not known')
  const length = octets.readUInt16BE(14)
  const size = fixedSize + length
  if (size > longestBinary) return malformed(`of ${size} octets, more than ${longestBinary}`)
  if (end < size) return incomplete
  const needed = addressSizes[family]
  // LOCAL is the proxy itself, as in its health checks; UDP, UNIX sockets and UNSPEC have no address of a client for us.
  if (command === 0x20 || needed === undefined) return { kind: 'header', size, source: null }
  if (length < needed) return malformed(`with ${length} octets for addresses that take ${needed}`)
  const words = family === 0x11 ? 1 : 4
  for (let word = 0; word < words; word++) addressWords[word] = octets.readUInt32BE(fixedSize + 4 * word)
  let isIpv4 = words === 1
  if (!isIpv4 && isMapped()) {
    isIpv4 = true
    addressWords[0] = addressWords[3]!
  }
  const port = octets.readUInt16BE(fixedSize + 8 * words)
  return { kind: 'header', size, source: { address: addressText(isIpv4 ? 4 : 6), port } }
}
