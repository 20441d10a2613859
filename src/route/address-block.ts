import { isIPv4, isIPv6 } from 'node:net'
import { quote, RouteMistake } from './mistake.ts'

/** A block of IP addresses, as `net.BlockList` takes it. */
export interface AddressBlock {
  readonly family: 'ipv4' | 'ipv6'
  readonly address: string
  /** How many leading bits of an address have to be the same. */
  readonly bits: number
}

/**
 * Reads `ip:10.0.0.0/8,ip:fe80::1` (fabio reference 6.10). Throws a RouteMistake with the first item that is none:
 * unlike fabio, which would go on with the items before it.
 */
export const parseAccessRule = (text: string): AddressBlock[] => text.split(',').map(parseItem)

function parseItem(text: string): AddressBlock {
  const item = text.trim()
  const block = /^ip:/i.test(item) ? parseBlock(item.slice('ip:'.length)) : null
  if (block === null) {
    throw new RouteMistake(`expected an item like ip:10.0.0.0/8 or ip:2001:db8::1, got ${quote(text)}`)
  }
  return block
}

function parseBlock(text: string): AddressBlock | null {
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : null
  if (family === null) return null
  const most = family === 'ipv4' ? 32 : 128
  const digits = slash === -1 ? String(most) : text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > most) return null
  return unmapped({ family, address, bits: Number(digits) })
}

/** `::ffff:10.0.0.1` and `10.0.0.1` are the same address. */
function unmapped(block: AddressBlock): AddressBlock {
  if (block.family === 'ipv4' || block.bits < 96) return block
  // URL writes every spelling of an address in one way.
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(new URL(`http://[${block.address}]/`).hostname)
  if (mapped === null) return block
  const high = Number.parseInt(mapped[1]!, 16)
  const low = Number.parseInt(mapped[2]!, 16)
  const address = [high >> 8, high & 255, low >> 8, low & 255].join('.')
  return { family: 'ipv4', address, bits: block.bits - 96 }
}
