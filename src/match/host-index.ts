import { compileGlob, type Glob, globMistake } from './glob.ts'

/**
 * Finds the hosts of a table that a request's host matches, in the order in which they are asked (fabio reference
 * 3.2): exact names first, by hash; then the patterns, narrowest first; then the empty host, which matches all.
 * `foo.com:80` matches `foo.com` on a plain connection and comes before `foo.com`; `:443` likewise on TLS.
 *
 * Immutable: `with` returns a new index.
 */
export class HostIndex<V> {
  readonly #exact: ReadonlyMap<string, V>
  readonly #patterns: readonly HostPattern<V>[]
  /** How many exact names end in a default port: mostly none, and then that look-up is skipped. */
  readonly #withPort: number
  readonly #isPattern: (host: string) => boolean

  /** @param isPatternHost which hosts are patterns; none where `glob.matching.disabled` */
  constructor(
    exact: ReadonlyMap<string, V> = new Map(),
    patterns: readonly HostPattern<V>[] = [],
    isPatternHost: (host: string) => boolean = isPattern,
  ) {
    this.#isPattern = isPatternHost
    this.#exact = exact
    this.#patterns = patterns
    let withPort = 0
    for (const host of exact.keys()) if (defaultPortOf(host) !== '') withPort++
    this.#withPort = withPort
  }

  get(host: string): V | null {
    return this.#exact.get(host) ?? this.#patterns.find((pattern) => pattern.host === host)?.value ?? null
  }

  /**
   * The index after all of these changes at once: the names are copied once, however many they are.
   *
   * @param changes by host, lower-case; null takes it out
   * @throws where a host is a pattern that cannot be read
   */
  with(changes: ReadonlyMap<string, V | null>): HostIndex<V> {
    const exact = new Map(this.#exact)
    const patterns = new Map(this.#patterns.map((pattern) => [pattern.host, pattern]))
    for (const [host, value] of changes) {
      if (value === null) (this.#isPattern(host) ? patterns : exact).delete(host)
      else if (!this.#isPattern(host)) exact.set(host, value)
      else patterns.set(host, { ...(patterns.get(host) ?? compileHostPattern(host)), value })
    }
    return new HostIndex(exact, [...patterns.values()].sort(narrowestFirst), this.#isPattern)
  }

  /**
   * HOT: once per request. Asks each matching host in order until one finds something.
   *
   * @param name the request's host as `requestHost` gives it
   * @param find what to look for in a host, given `path`; null sends the search on to the next
   */
  search<Found>(
    name: string,
    secure: boolean,
    path: string,
    find: (value: V, path: string) => Found | null,
  ): Found | null {
    if (this.#withPort > 0) {
      const value = this.#exact.get(name + (secure ? ':443' : ':80'))
      const found = value === undefined ? null : find(value, path)
      if (found !== null) return found
    }
    if (name !== '') {
      const value = this.#exact.get(name)
      const found = value === undefined ? null : find(value, path)
      if (found !== null) return found
    }
    for (const pattern of this.#patterns) {
      if (pattern.port !== '' && pattern.port !== (secure ? ':443' : ':80')) continue
      if (!pattern.matches(name)) continue
      const found = find(pattern.value, path)
      if (found !== null) return found
    }
    const any = this.#exact.get('')
    return any === undefined ? null : find(any, path)
  }

  /** Every host with its value, in the order of a search. */
  *entries(): Generator<readonly [host: string, value: V]> {
    for (const entry of this.#exact) if (entry[0] !== '') yield entry
    for (const pattern of this.#patterns) yield [pattern.host, pattern.value]
    const any = this.#exact.get('')
    if (any !== undefined) yield ['', any]
  }
}

interface CompiledPattern {
  readonly host: string
  /** `:80` or `:443` where the pattern ends in one, else empty. */
  readonly port: string
  readonly matches: Glob
  /** What the patterns are ordered by. */
  readonly rank: string
}

interface HostPattern<V> extends CompiledPattern {
  readonly value: V
}

/** A bracketed IPv6 literal is a name, not a character set (fabio reads it as a set, QUIRK-83). */
const ipv6Literal = /^\[[0-9a-f:.]+\](:\d+)?$/i

export const isPattern = (host: string): boolean => /[*?[{\\]/.test(host) && !ipv6Literal.test(host)

/** What is wrong with a host where it is a pattern, or null: the index takes it. */
export function hostMistake(host: string): string | null {
  return isPattern(host) ? globMistake(host.slice(0, host.length - defaultPortOf(host).length)) : null
}

function compileHostPattern(host: string): CompiledPattern {
  const port = defaultPortOf(host)
  const name = host.slice(0, host.length - port.length)
  return { host, port, matches: compileGlob(name), rank: [...name].reverse().join('') + port }
}

/**
 * Names compared from their right end, so that `*.a.example` comes before `*.example`: a longer common suffix is
 * narrower, and `*` sorts below letters and digits. The host's own text decides between equals.
 */
function narrowestFirst(a: CompiledPattern, b: CompiledPattern): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? 1 : -1
  return a.host < b.host ? -1 : a.host > b.host ? 1 : 0
}

const defaultPortOf = (host: string): string =>
  host.endsWith(':80') ? ':80' : host.endsWith(':443') ? ':443' : ''

/** The host of a request as routes are compared with it: lower-case, without the connection's default port. */
export function requestHost(host: string, secure: boolean): string {
  if (host === lastHost && secure === lastSecure) return lastName
  const port = secure ? ':443' : ':80'
  lastName = (host.endsWith(port) ? host.slice(0, -port.length) : host).toLowerCase()
  lastHost = host
  lastSecure = secure
  return lastName
}

/** The last question and its answer: requests for one host come in runs. */
let lastHost = ''
let lastSecure = false
let lastName = ''
