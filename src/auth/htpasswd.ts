import { trimBlanks } from '../base/field-syntax.ts'
import { HashMistake, type PasswordHash, readPasswordHash } from './password-hash.ts'

/** What an htpasswd file says. */
export interface Htpasswd {
  /** By user, in latin1: a character for each octet of the file. Of a user that is there twice the last counts. */
  readonly users: ReadonlyMap<string, PasswordHash>
  /** Lines that are left out, each with its number and the reason, without anything secret. */
  readonly mistakes: readonly string[]
}

/**
 * Reads an htpasswd file (fabio reference 6.11): `user:hash` lines; empty ones and comments, which begin with `#`, are
 * passed over. A line that is none of these costs only itself.
 *
 * @param text in latin1
 */
export function parseHtpasswd(text: string): Htpasswd {
  const users = new Map<string, PasswordHash>()
  const mistakes: string[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    // To JavaScript's trim an octet 0xA0 is one too, and a password in UTF-8 may end in it (`à`).
    const line = trimBlanks(raw.endsWith('\r') ? raw.slice(0, -1) : raw)
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    if (colon < 1) {
      mistakes.push(`line ${index + 1}: expected user:hash, got no ${colon === 0 ? 'user' : '":"'}`)
      continue
    }
    try {
      users.set(line.slice(0, colon), readPasswordHash(line.slice(colon + 1)))
    } catch (error) {
      if (!(error instanceof HashMistake)) throw error
      mistakes.push(`line ${index + 1}: ${error.message}`)
    }
  }
  return { users, mistakes }
}
