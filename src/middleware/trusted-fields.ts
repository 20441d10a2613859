import { plainName } from '../base/field-syntax.ts'
import type { Exchange } from '../proxy/exchange.ts'

/** Fields that must not come from a client, because the gateway itself says in them who the client is. */
export interface TrustedFields {
  /** In lower case. */
  readonly names: ReadonlySet<string>
  /** As those read them who make variables of names, as CGI, WSGI and PHP do, and cannot tell `X_User` from `X-User`. */
  readonly plainNames: ReadonlySet<string>
}

export function trustedFields(names: readonly string[]): TrustedFields {
  const lower = names.map((name) => name.toLowerCase())
  const plainNames = new Set(lower.map(plainName))
  return { names: new Set([...lower, ...plainNames]), plainNames }
}

/** Field lines that go upstream in place of what the client may have said in these fields, however it spelled them. */
export function sayUpstream(exchange: Exchange, lines: string, { names, plainNames }: TrustedFields): void {
  exchange.requestLines += lines
  const likes = exchange.fields.lookalikes(plainNames, null)
  const before = exchange.requestExcept
  exchange.requestExcept =
    before === null && likes === null ? names : new Set([...(before ?? []), ...names, ...(likes ?? [])])
}
