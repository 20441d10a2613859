/** What a client says that it is, in latin1: a character for each octet. */
export interface Credentials {
  readonly user: string
  readonly password: Buffer
}

/**
 * Some hashes take time that grows with the square of the password. Nobody's is this long, and a client could send one
 * of 64 KB.
 */
const longestOctets = 1_024

/** Reads `Basic dXNlcjpwYXNzd29yZA==` (RFC 7617 section 2). Null: the value is none of that. */
export function parseBasic(authorization: string): Credentials | null {
  const token = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)?.[1]
  if (token === undefined) return null
  const octets = Buffer.from(token, 'base64')
  const colon = octets.indexOf(0x3a)
  if (colon === -1 || octets.length > longestOctets || octets.some(isControl)) return null
  return { user: octets.toString('latin1', 0, colon), password: octets.subarray(colon + 1) }
}

const isControl = (octet: number): boolean => octet < 0x20 || octet === 0x7f
