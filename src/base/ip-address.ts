/** An IPv4 or IPv6 address in numbers: a reader and writer that are the same on every system. */
export type Family = 4 | 6

/** What `readAddress` read, most significant first; IPv4 has the first one alone. Written over by the next reading. */
export const addressWords = new Uint32Array(4)

/**
 * Reads an address into `addressWords`, strictly: four decimal octets without leading zeros, or RFC 4291 section 2.2.
 * An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is read as IPv4; a zone (`fe80::1%eth0`) is passed over.
 *
 * @returns its family, or 0: it is none
 */
export function readAddress(text: string): Family | 0 {
  if (!text.includes(':')) return readIpv4(text, 0, text.length, 0) ? 4 : 0
  if (!readIpv6(text)) return 0
  if (!isMapped()) return 6
  addressWords[0] = addressWords[3]!
  return 4
}

/** `::ffff:0:0/96` (RFC 4291 section 2.5.5.2). */
export const isMapped = (): boolean =>
  addressWords[0] === 0 && addressWords[1] === 0 && addressWords[2] === 0xffff

/** @param word where in `addressWords` it goes */
function readIpv4(text: string, from: number, end: number, word: number): boolean {
  let octets = 0
  let address = 0
  let at = from
  for (;;) {
    const start = at
    let octet = 0
    for (; at < end; at++) {
      const digit = text.charCodeAt(at) - 0x30
      if (digit < 0 || digit > 9) break
      octet = octet * 10 + digit
    }
    const digits = at - start
    if (digits === 0 || digits > 3 || octet > 255) return false
    if (digits > 1 && text.charCodeAt(start) === 0x30) return false
    address = address * 256 + octet
    octets++
    if (octets === 4) break
    if (text.charCodeAt(at) !== 0x2e) return false
    at++
  }
  if (at !== end) return false
  addressWords[word] = address
  return true
}

/** Reads eight groups, also ones that all are zero. */
export function readIpv6(text: string): boolean {
  const zone = text.indexOf('%')
  const end = zone === -1 ? text.length : zone
  if (zone === text.length - 1 && zone !== -1) return false
  addressWords.fill(0)
  let groups = 0
  /** How many groups stand before `::`; -1: it was not there yet. */
  let gap = -1
  let at = 0
  if (text.startsWith('::')) {
    gap = 0
    at = 2
  }
  while (at < end) {
    if (groups === 8) return false
    const start = at
    let group = 0
    for (; at < end; at++) {
      const digit = hexDigit(text.charCodeAt(at))
      if (digit === -1) break
      group = group * 16 + digit
    }
    if (text.charCodeAt(at) === 0x2e && at < end) {
      // The last 32 bits as IPv4. Before the gap is settled the groups stand at the start.
      if (groups > 6 || !readIpv4(text, start, end, 3)) return false
      const tail = addressWords[3]!
      addressWords[3] = 0
      setGroup(groups, tail >>> 16)
      setGroup(groups + 1, tail & 0xffff)
      groups += 2
      at = end
      break
    }
    if (at === start || at - start > 4) return false
    setGroup(groups++, group)
    if (at === end) break
    if (text.charCodeAt(at) !== 0x3a) return false
    at++
    if (text.charCodeAt(at) === 0x3a && at < end) {
      if (gap !== -1) return false
      gap = groups
      at++
    } else if (at === end) return false
  }
  if (gap === -1) return groups === 8
  if (groups > 7) return false
  for (let moved = groups - 1; moved >= gap; moved--) {
    setGroup(moved + 8 - groups, groupAt(moved))
    setGroup(moved, 0)
  }
  return true
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

const groupAt = (index: number): number =>
  index % 2 === 0 ? addressWords[index >> 1]! >>> 16 : addressWords[index >> 1]! & 0xffff

function setGroup(index: number, group: number): void {
  const word = index >> 1
  addressWords[word] =
    index % 2 === 0
      ? (addressWords[word]! & 0xffff) | (group << 16)
      : (addressWords[word]! & 0xffff0000) | group
}

/**
 * An address in the one way of writing it that everybody compares: IPv4 with dots, IPv6 as RFC 5952 has it, without a
 * zone. Null: the text is none.
 */
export function canonicalAddress(text: string): string | null {
  const family = readAddress(text)
  return family === 0 ? null : addressText(family)
}

/** What stands in `addressWords`, as text. */
export function addressText(family: Family): string {
  if (family === 4) {
    const [word = 0] = addressWords
    return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
  }
  const [start, length] = longestZeros()
  let text = ''
  for (let index = 0; index < 8; index++) {
    if (index === start) {
      text += '::'
      index += length - 1
      continue
    }
    if (text !== '' && !text.endsWith(':')) text += ':'
    text += groupAt(index).toString(16)
  }
  return text
}

/** The first of the longest rows of two zero groups or more (RFC 5952 section 4.2). */
function longestZeros(): [start: number, length: number] {
  let best = -1
  let bestLength = 1
  for (let index = 0; index < 8; index++) {
    let length = 0
    while (index + length < 8 && groupAt(index + length) === 0) length++
    if (length > bestLength) {
      best = index
      bestLength = length
    }
    index += length
  }
  return [best, bestLength]
}
