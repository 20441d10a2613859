import type { Exchange } from '../proxy/exchange.ts'

/**
 * Names that a field must not come with from a client, because the gateway itself says in it who the client is: in lower
 * case, and with every `-` as `_` too. Upstreams that turn field names into variables, as CGI and WSGI do, cannot tell
 * one from the other.
 *
 * @param names with at most eight `-` each
 */
export function spellingsOf(names: readonly string[]): ReadonlySet<string> {
  const all = new Set<string>()
  for (const name of names) {
    let spellings = ['']
    for (const part of name.toLowerCase().split(/[-_]/)) {
      spellings = spellings.flatMap((start) =>
        start === '' ? [part] : [`${start}-${part}`, `${start}_${part}`],
      )
    }
    for (const spelling of spellings) all.add(spelling)
  }
  return all
}

/** Field lines that go upstream, and what the client may not say in their place. */
export function sayUpstream(exchange: Exchange, lines: string, except: ReadonlySet<string>): void {
  exchange.requestLines += lines
  const before = exchange.requestExcept
  exchange.requestExcept = before === null ? except : new Set([...before, ...except])
}
