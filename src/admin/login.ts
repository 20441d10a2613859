/** A request as a login is asked about it. */
export interface LoginQuestion {
  readonly method: string
  /** Host of the request as it came. */
  readonly host: string
  /** Path and query as `canonicalTarget` writes them: the path is the one that is served. */
  readonly target: string
  /** All fields as they came: name, value, name, value… in latin1. */
  readonly fields: readonly string[]
  /** IP address of the peer. */
  readonly peer: string
  /** Aborted when the client goes: nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

export type LoginAnswer =
  /** It may, and its answer has these fields too: name, value, name, value… */
  { readonly isAllowed: true; readonly fields: readonly string[] } | LoginRefusal

/** What the client gets in place of what it asked for. */
export interface LoginRefusal {
  readonly isAllowed: false
  readonly status: number
  readonly fields: readonly string[]
  readonly body: Buffer
}

/** Who may do something. */
export interface Login {
  /** Throws, or rejects, where it cannot be found out: then nobody may. */
  ask(question: LoginQuestion): LoginAnswer | Promise<LoginAnswer>
}

/** `ui.auth`. Null: whoever reaches the port. */
export interface Logins {
  readonly read: Login | null
  /** Who may write may read as well. */
  readonly write: Login | null
}

/**
 * The target in one spelling, so that the path that a login judges is the one that is served, whoever decodes it: what
 * needs no escape has none (RFC 3986 section 6.2.2.2), all else has one. A fragment, that no request should have, is
 * not looked at by routing either.
 *
 * @returns null: it is no path, or has segments that some resolve and others do not: `..`, also in escapes
 */
export function canonicalTarget(url: string): string | null {
  if (!url.startsWith('/')) return null
  const [, path = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(url)!
  const canonical = path
    .replace(/%([\da-f]{2})/gi, (_escape, digits: string) => {
      const char = String.fromCharCode(Number.parseInt(digits, 16))
      return /[\w.~-]/.test(char) ? char : `%${digits.toUpperCase()}`
    })
    .replace(/%(?![\dA-F]{2})|[^\w.~!$&'()*+,;=:@/%-]/g, escapeOf)
  const segments = canonical.replace(/%2F|%5C/g, '/').split('/')
  return segments.includes('.') || segments.includes('..') ? null : canonical + query
}

const escapeOf = (char: string): string =>
  `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
