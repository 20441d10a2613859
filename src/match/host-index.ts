import { compileGlob, type Glob } from './glob.ts'

/**
 * Finds the hosts of a table that a request's host matches, in the order in which they are asked (fabio reference
 * 3.2): exact names first, by hash; then the patterns, narrowest first; then the empty host, which matches all.
 * `foo.com:80` matches `foo.com` on a plain connection and comes before `foo.com`; `:443` likewise on TLS.
 *
 * Immutable: `withHost` and `withoutHost` return a new index.
 */
export class HostIndex<V> {
  readonly #exact: ReadonlyMap<string, V>
  readonly #patterns: readonly HostPattern<V>[]
  /** How many exact names end in a default port: mostly none, and then that look-up is skipped. */
  readonly #withPort: number

  constructor(exact: ReadonlyMap<string, V> = new Map(), patterns: readonly HostPattern<V>[] = []) {
    this.#exact = exact
    this.#patterns = patterns
    let withPort = 0
    for (const host of exact.keys()) if (defaultPortOf(host) !== '') withPort++
    this.#withPort = withPort
  }

  get(host: string): V | null {
    return this.#exact.get(host) ?? this.#patterns.find((pattern) => pattern.host === host)?.value ?? null
  }

  /** The index with `value` for `host`, lower-case. Throws where the host is a pattern that cannot be read. */
  withHost(host: string, value: V): HostIndex<V> {
    if (!isPattern(host)) return new HostIndex(new Map(this.#exact).set(host, value), this.#patterns)
    const pattern: HostPattern<V> = { host, value, ...compileHostPattern(host) }
    const others = this.#patterns.filter((other) => other.host !== host)
    return new HostIndex(this.#exact, [...others, pattern].sort(narrowestFirst))
  }

  withoutHost(host: string): HostIndex<V> {
    if (isPattern(host)) {
      return new HostIndex(
        this.#exact,
        this.#patterns.filter((pattern) => pattern.host !== host),
      )
    }
    const exact = new Map(this.#exact)
    exact.delete(host)
    return new HostIndex(exact, this.#patterns)
  }

  /**
   * HOT: once per request. Asks each matching host in order until one finds something.
   *
   * @param name the request's host as `requestHost` gives it
   * @param find what to look for in a host; null sends the search on to the next
   */
  search<Found>(name: string, secure: boolean, find: (value: V) => Found | null): Found | null {
    if (this.#withPort > 0) {
      const value = this.#exact.get(name + (secure ? ':443' : ':80'))
      const found = value === undefined ? null : find(value)
      if (found !== null) return found
    }
    if (name !== '') {
      const value = this.#exact.get(name)
      const found = value === undefined ? null : find(value)
      if (found !== null) return found
    }
    for (const pattern of this.#patterns) {
      if (pattern.port !== '' && pattern.port !== (secure ? ':443' : ':80')) continue
      if (!pattern.matches(name)) continue
      const found = find(pattern.value)
      if (found !== null) return found
    }
    const any = this.#exact.get('')
    return any === undefined ? null : find(any)
  }

  /** Every host with its value, in the order of a search. */
  *entries(): Generator<readonly [host: string, value: V]> {
    for (const entry of this.#exact) if (entry[0] !== '') yield entry
    for (const pattern of this.#patterns) yield [pattern.host, pattern.value]
    const any = this.#exact.get('')
    if (any !== undefined) yield ['', any]
  }
}

interface HostPattern<V> {
  readonly host: string
  readonly value: V
  /** `:80` or `:443` where the pattern ends in one, else empty. */
  readonly port: string
  readonly matches: Glob
  /** What the patterns are ordered by. */
  readonly rank: string
}

/** A bracketed IPv6 literal is a name, not a character set (fabio reads it as a set, QUIRK-83). */
const ipv6Literal = /^\[[0-9a-f:.]+\](:\d+)?$/i

export const isPattern = (host: string): boolean => /[*?[{\\]/.test(host) && !ipv6Literal.test(host)

function compileHostPattern<V>(host: string): Pick<HostPattern<V>, 'port' | 'matches' | 'rank'> {
  const port = defaultPortOf(host)
  const name = host.slice(0, host.length - port.length)
  return { port, matches: compileGlob(name), rank: [...name].reverse().join('') + port }
}

/**
 * Names compared from their right end, so that `*.a.example` comes before `*.example`: a longer common suffix is
 * narrower, and `*` sorts below letters and digits. The host's own text decides between equals.
 */
function narrowestFirst<V>(a: HostPattern<V>, b: HostPattern<V>): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? 1 : -1
  return a.host < b.host ? -1 : a.host > b.host ? 1 : 0
}

const defaultPortOf = (host: string): string =>
  host.endsWith(':80') ? ':80' : host.endsWith(':443') ? ':443' : ''

/** The host of a request as routes are compared with it: lower-case, without the connection's default port. */
export function requestHost(host: string, secure: boolean): string {
  const port = secure ? ':443' : ':80'
  return (host.endsWith(port) ? host.slice(0, -port.length) : host).toLowerCase()
}
