import { createHash } from 'node:crypto'
import type { Affinity, AffinityRequest } from './affinity.ts'
import type { Member, Members } from './member.ts'

/**
 * What stands in a cookie for a target: 96 bits, the same in every process and gateway, from which nobody reads an
 * address.
 *
 * @param name of the target, the same for the same target in every table
 */
export const cookieId = (name: string): string =>
  createHash('sha256').update(name).digest('base64url').slice(0, 16)

/** A client stays at the target that its cookie names; the gateway sets it with the first answer. */
export class CookieAffinity implements Affinity {
  readonly name: string
  readonly #members: Members
  readonly #ids: readonly string[]
  readonly #byId: ReadonlyMap<string, number>

  /**
   * @param name of the cookie
   * @param names of the targets, the same for the same target in every table
   */
  constructor(name: string, members: Members, names: readonly string[]) {
    this.name = name
    this.#members = members
    this.#ids = names.map(cookieId)
    this.#byId = new Map(this.#ids.map((id, index) => [id, index]))
  }

  targetOf(request: AffinityRequest, failed: Member | null): number {
    const index = this.#byId.get(cookieValue(request.fields.all('cookie'), this.name)) ?? -1
    if (index === -1) return -1
    const members = this.#members
    // Who has no share any more is to be emptied, sessions and all.
    const isThere = members.share(index) > 0 && members.part(index) > 0 && members.at(index) !== failed
    return isThere ? index : -1
  }

  /**
   * The line that sets the cookie, ending in CRLF; empty where the request has brought it (RFC 6265 section 4.1).
   *
   * @param index of the target that answers
   * @param secure the client's connection is TLS
   */
  line(request: AffinityRequest, index: number, secure: boolean): string {
    const id = this.#ids[index]!
    if (cookieValue(request.fields.all('cookie'), this.name) === id) return ''
    return `Set-Cookie: ${this.name}=${id}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}\r\n`
  }
}

/** The value of the first cookie of this name, or empty (RFC 6265 section 4.2.1). */
export function cookieValue(lines: readonly string[], name: string): string {
  for (const line of lines) {
    for (let at = 0; at < line.length; ) {
      const semicolon = line.indexOf(';', at)
      const end = semicolon === -1 ? line.length : semicolon
      const pair = line.slice(at, end).trim()
      if (pair.startsWith(name) && pair[name.length] === '=') return pair.slice(name.length + 1)
      at = end + 1
    }
  }
  return ''
}
