import { createHash } from 'node:crypto'
import { cryptSalt, cryptText } from './crypt-text.ts'

const order = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, 11]
const rounds = 1_000

/**
 * The checksum of Poul-Henning Kamp's MD5-crypt, 22 characters; `$apr1$` is Apache's, which differs in that word alone.
 * Takes about 3 ms.
 *
 * @param salt 8 characters of it count
 */
export function md5Crypt(password: Buffer, magic: '$1$' | '$apr1$', salt: string): string {
  const salted = cryptSalt(salt, 8)
  const other = md5(password, salted, password)
  const parts: Uint8Array[] = [password, Buffer.from(magic), salted]
  for (let left = password.length; left > 0; left -= 16) parts.push(other.subarray(0, Math.min(16, left)))
  // The first character of the password, or a zero, by the bits of its length. It is a slip of the first
  // implementation, and part of the format since.
  for (let bits = password.length; bits > 0; bits >>>= 1) {
    parts.push((bits & 1) === 1 ? Buffer.alloc(1) : password.subarray(0, 1))
  }
  let digest = md5(...parts)
  for (let round = 0; round < rounds; round++) {
    const isOdd = round % 2 === 1
    const mixed: Uint8Array[] = [isOdd ? password : digest]
    if (round % 3 !== 0) mixed.push(salted)
    if (round % 7 !== 0) mixed.push(password)
    mixed.push(isOdd ? digest : password)
    digest = md5(...mixed)
  }
  return cryptText(digest, order)
}

function md5(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
