import { canonicalAddress } from '../../src/base/ip-address.ts'

/** `PROXY TCP4 …`: a header of version 1, as HAProxy writes it. */
export function textHeader(source: string, port = 40_000, destination?: string): string {
  const isIpv6 = source.includes(':')
  const to = destination ?? (isIpv6 ? '2001:db8::80' : '192.0.2.80')
  return `PROXY ${isIpv6 ? 'TCP6' : 'TCP4'} ${source} ${to} ${port} 443\r\n`
}

export const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** A header of version 2: what stands between its signature and what follows it is as given. */
export function binaryHeader(command: number, family: number, body: Buffer): Buffer {
  const fixed = Buffer.alloc(4)
  fixed[0] = command
  fixed[1] = family
  fixed.writeUInt16BE(body.length, 2)
  return Buffer.concat([signature, fixed, body])
}

/** Octets of an address: 4 or 16. */
export function addressOctets(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  const written = canonicalAddress(address)!
  if (!written.includes(':')) {
    return Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255]), addressOctets(written)])
  }
  const [before = '', behind = ''] = written.split('::')
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const [left, right] = [groups(before), groups(behind)]
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]))
}

/** Version 2, PROXY, of a TCP connection; `more` stands behind the addresses, as TLVs do. */
export function tcpHeader(source: string, port = 40_000, more = Buffer.alloc(0)): Buffer {
  const isIpv6 = source.includes(':')
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(port, 0)
  ports.writeUInt16BE(443, 2)
  const addresses = [addressOctets(source), addressOctets(isIpv6 ? '2001:db8::80' : '192.0.2.80')]
  return binaryHeader(0x21, isIpv6 ? 0x21 : 0x11, Buffer.concat([...addresses, ports, more]))
}
