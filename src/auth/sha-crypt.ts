import { createHash } from 'node:crypto'
import { cryptSalt, cryptText } from './crypt-text.ts'

export type ShaCryptId = '5' | '6'

interface Variant {
  readonly algorithm: 'sha256' | 'sha512'
  readonly size: number
  readonly order: readonly number[]
}

const variants: Readonly<Record<ShaCryptId, Variant>> = {
  5: {
    algorithm: 'sha256',
    size: 32,
    order: [
      ...[0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28, 8],
      ...[9, 19, 29, 31, 30],
    ],
  },
  6: {
    algorithm: 'sha512',
    size: 64,
    order: [
      ...[0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8, 29],
      ...[9, 30, 51, 31, 52, 10, 53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58, 16, 59],
      ...[17, 38, 18, 39, 60, 40, 61, 19, 62, 20, 41, 63],
    ],
  },
}

export const defaultRounds = 5_000
const fewestRounds = 1_000
const mostRounds = 999_999_999

/**
 * The checksum of Ulrich Drepper's SHA-crypt (Unix crypt using SHA-256 and SHA-512, version 0.6), 43 or 86 characters.
 * With the default of 5000 rounds it takes about 15 ms.
 *
 * @param salt 16 characters of it count
 * @param rounds what is too few or too many is the least or the most of them
 */
export function shaCrypt(password: Buffer, id: ShaCryptId, salt: string, rounds: number): string {
  const { algorithm, size, order } = variants[id]
  const digestOf = (...parts: readonly Uint8Array[]): Buffer => {
    const hash = createHash(algorithm)
    for (const part of parts) hash.update(part)
    return hash.digest()
  }
  /** As many octets as asked for, again and again the same ones. */
  const repeated = (octets: Uint8Array, length: number): Buffer => {
    const all = Buffer.alloc(length)
    for (let at = 0; at < length; at += size) all.set(octets.subarray(0, Math.min(size, length - at)), at)
    return all
  }
  const salted = cryptSalt(salt, 16)
  const other = digestOf(password, salted, password)
  const parts: Uint8Array[] = [password, salted, repeated(other, password.length)]
  for (let bits = password.length; bits > 0; bits >>>= 1) parts.push((bits & 1) === 1 ? other : password)
  let digest = digestOf(...parts)

  const passwords = digestOf(...Array<Uint8Array>(password.length).fill(password))
  const p = repeated(passwords, password.length)
  const salts = digestOf(...Array<Uint8Array>(16 + digest[0]!).fill(salted))
  const s = repeated(salts, salted.length)
  const most = Math.min(Math.max(rounds, fewestRounds), mostRounds)
  for (let round = 0; round < most; round++) {
    const isOdd = round % 2 === 1
    const mixed: Uint8Array[] = [isOdd ? p : digest]
    if (round % 3 !== 0) mixed.push(s)
    if (round % 7 !== 0) mixed.push(p)
    mixed.push(isOdd ? digest : p)
    digest = digestOf(...mixed)
  }
  return cryptText(digest, order)
}
