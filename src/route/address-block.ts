import { type AddressBlock, parseAddressBlock } from '../base/address-set.ts'
import { quote, RouteMistake } from './mistake.ts'

export type { AddressBlock }

/**
 * Reads `ip:10.0.0.0/8,ip:fe80::1` (fabio reference 6.10). Throws a RouteMistake with the first item that is none:
 * unlike fabio, which would go on with the items before it.
 */
export const parseAccessRule = (text: string): AddressBlock[] => text.split(',').map(parseItem)

function parseItem(text: string): AddressBlock {
  const item = text.trim()
  const block = /^ip:/i.test(item) ? parseAddressBlock(item.slice('ip:'.length)) : null
  if (block === null) {
    throw new RouteMistake(`expected an item like ip:10.0.0.0/8 or ip:2001:db8::1, got ${quote(text)}`)
  }
  return block
}
