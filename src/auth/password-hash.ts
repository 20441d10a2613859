import { isUtf8 } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import { compareSync } from 'bcryptjs'
import { md5Crypt } from './md5-crypt.ts'
import { defaultRounds, type ShaCryptId, shaCrypt } from './sha-crypt.ts'

/** How one password is kept (fabio reference 6.11). */
export interface PasswordHash {
  /** As it was read. */
  readonly text: string
  /** It takes milliseconds and belongs into a thread of its own. */
  readonly isSlow: boolean
  /** In a time that does not tell how much of it was right. */
  matches(password: Buffer): boolean
}

/** A text that is no hash of a kind that is known. The words say what was expected; the text itself is not in them. */
export class HashMistake extends Error {
  override readonly name = 'HashMistake'
}

interface Format {
  readonly starts: RegExp
  /** @param text the whole of it in latin1, so that each character is an octet. Null: it is malformed */
  read(text: string): PasswordHash | null
}

/** In the order in which they are tried. What none of them begins with is the password itself. */
const formats: readonly Format[] = [
  { starts: /^\$(?:apr1|1)\$/, read: readMd5Crypt },
  { starts: /^\{SHA\}/, read: readSha },
  { starts: /^\$2[abxy]\$/, read: readBcrypt },
  { starts: /^\{SSHA\}/, read: readSaltedSha },
  { starts: /^\$[56]\$/, read: readShaCrypt },
  { starts: /^\{PLAIN\}/, read: (text) => plain(text, text.slice('{PLAIN}'.length)) },
  // fabio takes a hash of a kind that it does not know for a password in plain text: whoever has read the file is in.
  { starts: /^(?:\$[\w-]+\$|\{[\w.-]+\})/, read: () => null },
  { starts: /^/, read: (text) => plain(text, text) },
]

/** Reads the part of an htpasswd line behind the user's name, in latin1. Throws a HashMistake. */
export function readPasswordHash(text: string): PasswordHash {
  const hash = formats.find(({ starts }) => starts.test(text))!.read(text)
  if (hash !== null) return hash
  const found = text === '' ? 'nothing' : `one that begins with ${JSON.stringify(beginning(text))}`
  throw new HashMistake(
    `expected a whole hash like $apr1$, $1$, $2y$, $5$, $6$, {SHA} or {SSHA}, or a password, got ${found}`,
  )
}

/** No more than the name of the kind: the rest is nobody's business. */
const beginning = (text: string): string => /^(?:\$[\w-]*\$|\{[\w.-]*\}|)/.exec(text)![0].slice(0, 20)

function readMd5Crypt(text: string): PasswordHash | null {
  const parts = /^(\$(?:apr1|1)\$)([^$]*)\$([./\dA-Za-z]{22})$/.exec(text)
  if (parts === null) return null
  const [, magic, salt = '', checksum = ''] = parts
  return slow(text, checksum, (password) => md5Crypt(password, magic as '$1$' | '$apr1$', salt))
}

function readShaCrypt(text: string): PasswordHash | null {
  const parts = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$]*)\$([./\dA-Za-z]+)$/.exec(text)
  if (parts === null) return null
  const [, id, rounds, salt = '', checksum = ''] = parts
  if (checksum.length !== (id === '5' ? 43 : 86)) return null
  const count = rounds === undefined ? defaultRounds : Number(rounds)
  return slow(text, checksum, (password) => shaCrypt(password, id as ShaCryptId, salt, count))
}

/** As in fabio, `$2x$` is read like the others: it says that a signed slip once made the hash, which is ASCII's own. */
function readBcrypt(text: string): PasswordHash | null {
  const cost = Number(/^\$2[abxy]\$(\d\d)\$[./\dA-Za-z]{53}$/.exec(text)?.[1])
  if (!(cost >= 4 && cost <= 31)) return null
  const known = `$2b${text.slice(3)}`
  return {
    text,
    isSlow: true,
    // The library takes text and hashes its UTF-8; octets that are none cannot be told to it.
    matches: (password) => isUtf8(password) && compareSync(password.toString('utf8'), known),
  }
}

function readSha(text: string): PasswordHash | null {
  const digest = octetsOf(text.slice('{SHA}'.length))
  if (digest?.length !== 20) return null
  return {
    text,
    isSlow: false,
    matches: (password) => timingSafeEqual(createHash('sha1').update(password).digest(), digest),
  }
}

function readSaltedSha(text: string): PasswordHash | null {
  const octets = octetsOf(text.slice('{SSHA}'.length))
  if (octets === null || octets.length <= 20) return null
  const digest = octets.subarray(0, 20)
  const salt = octets.subarray(20)
  return {
    text,
    isSlow: false,
    matches: (password) => timingSafeEqual(createHash('sha1').update(password).update(salt).digest(), digest),
  }
}

function plain(text: string, password: string): PasswordHash | null {
  if (password === '') return null
  const digest = sha256(Buffer.from(password, 'latin1'))
  return { text, isSlow: false, matches: (given) => timingSafeEqual(sha256(given), digest) }
}

/** Of texts of any length digests of one length, so that comparing them tells nothing. */
const sha256 = (octets: Uint8Array): Buffer => createHash('sha256').update(octets).digest()

function slow(text: string, checksum: string, checksumOf: (password: Buffer) => string): PasswordHash {
  const expected = Buffer.from(checksum, 'latin1')
  return {
    text,
    isSlow: true,
    matches: (password) => timingSafeEqual(Buffer.from(checksumOf(password), 'latin1'), expected),
  }
}

/** Null: it is not base64. */
const octetsOf = (text: string): Buffer | null =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : null
