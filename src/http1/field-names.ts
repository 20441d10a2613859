/**
 * Field names that the gateway itself has something to say about, by number: 1 to 31, so that a set of them is a bit
 * mask. 0 stands for every other name. A head's parser gives each field the number of its name, so that what comes
 * after compares numbers and never spells a name again.
 */
export const fieldId = {
  host: 1,
  connection: 2,
  keepAlive: 3,
  proxyConnection: 4,
  proxyAuthenticate: 5,
  proxyAuthorization: 6,
  te: 7,
  trailer: 8,
  transferEncoding: 9,
  upgrade: 10,
  contentLength: 11,
  expect: 12,
  date: 13,
  forwarded: 14,
  xForwardedFor: 15,
  xForwardedHost: 16,
  xForwardedPort: 17,
  xForwardedPrefix: 18,
  xForwardedProto: 19,
  xRealIp: 20,
  maxForwards: 21,
  strictTransportSecurity: 22,
  vary: 23,
} as const

export type KnownField = keyof typeof fieldId

/** `xRealIp` → `x-real-ip` */
export const spelled = (field: KnownField): string =>
  field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** By number, in lower case. */
const names: readonly string[] = ['', ...(Object.keys(fieldId) as KnownField[]).map(spelled)]

/** The set of some known names. */
export const maskOf = (...some: readonly KnownField[]): number =>
  some.reduce((mask, name) => mask | (1 << fieldId[name]), 0)

/** Meant for this connection only (RFC 9110 section 7.6.1), plus what belongs to this hop by use. */
export const hopByHop = maskOf(
  'connection',
  'keepAlive',
  'proxyConnection',
  'proxyAuthenticate',
  'proxyAuthorization',
  'te',
  'trailer',
  'transferEncoding',
  'upgrade',
)

/** For each octet: itself in lower case where a field name may hold it (RFC 9110 section 5.6.2, token), else 0. */
export const tokenOctets: Uint8Array = (() => {
  const table = new Uint8Array(256)
  for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
    table[char.charCodeAt(0)] = char.charCodeAt(0)
  for (let octet = 0x41; octet <= 0x5a; octet++) table[octet] = octet + 0x20
  return table
})()

/** For each octet: 1 where a field value may hold it (RFC 9110 section 5.5): HTAB, SP, VCHAR, obs-text. */
export const valueOctets: Uint8Array = (() => {
  const table = new Uint8Array(256)
  for (let octet = 0x20; octet < 0x100; octet++) table[octet] = octet === 0x7f ? 0 : 1
  table[0x09] = 1
  return table
})()

/** One step of the sum by which a name is found. Small enough to stay exact. */
export const sumStep = (sum: number, lower: number): number => (Math.imul(sum, 31) + lower) | 0

const slotCount = 256
const slots = new Uint8Array(slotCount)
const octetsOf: readonly Uint8Array[] = names.map((name) => Uint8Array.from(Buffer.from(name, 'latin1')))
for (const [id, octets] of octetsOf.entries()) {
  if (id === 0) continue
  const slot = octets.reduce(sumStep, 0) & (slotCount - 1)
  if (slots[slot] !== 0)
    throw new Error(`field names ${names[slots[slot]!]} and ${names[id]} share a slot: change sumStep`)
  slots[slot] = id
}

/**
 * The number of the name that stands in `octets` from `start` to `end`, whatever its case; 0: not a known one.
 *
 * @param sum what `sumStep` made of the name's octets in lower case
 */
export function knownName(octets: Uint8Array, start: number, end: number, sum: number): number {
  const id = slots[sum & (slotCount - 1)]!
  if (id === 0) return 0
  const name = octetsOf[id]!
  if (name.length !== end - start) return 0
  for (let i = 0; i < name.length; i++) if (tokenOctets[octets[start + i]!] !== name[i]) return 0
  return id
}

const idsByName = new Map<string, number>(names.map((name, id) => [name, id]))

/** The number of a name in lower case; 0: not a known one. */
export const idOfName = (lower: string): number => idsByName.get(lower) ?? 0
