import { addressText, addressWords, isMapped, readAddress, readIpv6 } from './ip-address.ts'

/** A block of IP addresses: plain data, as `net.BlockList` takes it. */
export interface AddressBlock {
  readonly family: 'ipv4' | 'ipv6'
  readonly address: string
  /** How many leading bits of an address have to be the same. */
  readonly bits: number
}

/**
 * Reads `10.0.0.0/8`, `10.1.2.3`, `2001:db8::/32`; null: it is no block. `::ffff:10.0.0.0/104` is the IPv4 block that it
 * stands for.
 */
export function parseAddressBlock(text: string): AddressBlock | null {
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  const isIpv6 = address.includes(':')
  if (address.includes('%') || (isIpv6 ? !readIpv6(address) : readAddress(address) === 0)) return null
  const most = isIpv6 ? 128 : 32
  const digits = slash === -1 ? String(most) : text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > most) return null
  const bits = Number(digits)
  if (!isIpv6) return { family: 'ipv4', address, bits }
  if (bits < 96 || !isMapped()) return { family: 'ipv6', address, bits }
  readAddress(address)
  return { family: 'ipv4', address: addressText(4), bits: bits - 96 }
}

/**
 * Blocks of addresses, compiled: an address is looked up in sorted ranges, without garbage. An IPv4 address is in IPv4
 * blocks alone, also where a peer writes it as IPv6.
 */
export class AddressSet {
  readonly #ipv4: Ranges
  readonly #ipv6: Ranges

  constructor(blocks: readonly AddressBlock[]) {
    this.#ipv4 = new Ranges(1, blocks.filter(({ family }) => family === 'ipv4').map(rangeOf))
    this.#ipv6 = new Ranges(4, blocks.filter(({ family }) => family === 'ipv6').map(rangeOf))
  }

  /** HOT: once for each connection, and for each hop that a proxy tells of. False for a text that is no address. */
  has(address: string): boolean {
    const family = readAddress(address)
    if (family === 4) return this.#ipv4.has(addressWords)
    return family === 6 && this.#ipv6.has(addressWords)
  }
}

type Range = readonly [first: Uint32Array, last: Uint32Array]

function rangeOf({ family, address, bits }: AddressBlock): Range {
  if (family === 'ipv4') readAddress(address)
  else readIpv6(address)
  const words = family === 'ipv4' ? 1 : 4
  const first = addressWords.slice(0, words)
  const last = addressWords.slice(0, words)
  for (let word = 0; word < words; word++) {
    const fixed = Math.min(32, Math.max(0, bits - 32 * word))
    const free = fixed === 32 ? 0 : 0xffffffff >>> fixed
    first[word] = first[word]! & ~free
    last[word] = last[word]! | free
  }
  return [first, last]
}

/** Ranges of numbers of some words each, sorted, none touching another. */
class Ranges {
  readonly #width: number
  readonly #count: number
  readonly #firsts: Uint32Array
  readonly #lasts: Uint32Array

  constructor(width: number, ranges: readonly Range[]) {
    const merged: [Uint32Array, Uint32Array][] = []
    for (const [first, last] of ranges.toSorted((a, b) => compare(a[0], 0, b[0], width))) {
      const before = merged.at(-1)
      if (before === undefined || compare(first, 0, before[1], width) > 0) merged.push([first, last])
      else if (compare(last, 0, before[1], width) > 0) before[1] = last
    }
    this.#width = width
    this.#count = merged.length
    this.#firsts = Uint32Array.from(merged.flatMap(([first]) => [...first]))
    this.#lasts = Uint32Array.from(merged.flatMap(([, last]) => [...last]))
  }

  has(words: Uint32Array): boolean {
    const width = this.#width
    let low = 0
    let high = this.#count - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      if (compare(this.#firsts, middle * width, words, width) > 0) high = middle - 1
      else if (compare(this.#lasts, middle * width, words, width) < 0) low = middle + 1
      else return true
    }
    return false
  }
}

/** Below 0, 0 or above 0, as `a` from `from` on is less than `b`, equal or greater. */
function compare(a: Uint32Array, from: number, b: Uint32Array, width: number): number {
  for (let word = 0; word < width; word++) {
    const difference = a[from + word]! - b[word]!
    if (difference !== 0) return difference
  }
  return 0
}
