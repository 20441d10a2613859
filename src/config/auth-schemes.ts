import { expected, type Kind, orList, type ParseContext, quoted, ValueError } from './kind.ts'
import { parsePairs } from './pairs.ts'
import { boolOf, headerName, parseDuration, timeout } from './parsers.ts'

interface Named {
  /** What routes call it: `auth=NAME`. */
  readonly name: string
}

export interface BasicAuth extends Named {
  readonly type: 'basic'
  readonly file: string
  readonly realm: string
  /** ms; 0: never read again. */
  readonly refresh: number
}

export interface ForwardAuth extends Named {
  readonly type: 'forward'
  readonly url: string
  /** ms */
  readonly timeout: number
  readonly tlsSkipVerify: boolean
  /** Null: all. */
  readonly requestHeaders: readonly string[] | null
  readonly upstreamHeaders: readonly string[]
  readonly responseHeaders: readonly string[]
}

export interface JwtAuth extends Named {
  readonly type: 'jwt'
  /** One of the two is empty. */
  readonly url: string
  readonly file: string
  /** ms; 0, for a file: never read again. */
  readonly refresh: number
  /** ms */
  readonly timeout: number
  readonly issuer: string
  readonly audience: readonly string[]
  readonly algorithms: readonly string[]
  /** ms */
  readonly leeway: number
  readonly header: string
  readonly cookie: string
  readonly claims: readonly { readonly claim: string; readonly header: string }[]
}

/** One scheme of `proxy.auth` (fabio reference 6.11; `forward` and `jwt` are our own). */
export type AuthScheme = BasicAuth | ForwardAuth | JwtAuth

type Type = AuthScheme['type']
type Pairs = ReadonlyMap<string, string>

/** The keys of each type, beside `name` and `type`. */
const keysOf: Readonly<Record<Type, readonly string[]>> = {
  basic: ['file', 'realm', 'refresh'],
  forward: ['url', 'timeout', 'tlsskipverify', 'requestheaders', 'upstreamheaders', 'responseheaders'],
  jwt: [
    ...['url', 'file', 'refresh', 'timeout', 'issuer', 'audience', 'algorithms', 'leeway'],
    ...['header', 'cookie', 'claims'],
  ],
}
const types = Object.keys(keysOf) as readonly Type[]

/** Keys of one kind, whose public part is public: a token says itself which it is signed with. */
const publicKeyAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const
/** The issuer's key is ours too: only where somebody says so. */
const sharedKeyAlgorithms = ['HS256', 'HS384', 'HS512'] as const
const algorithms: readonly string[] = [...publicKeyAlgorithms, ...sharedKeyAlgorithms]

export const authSchemes: Kind<readonly AuthScheme[]> = {
  type: 'authorisation schemes',
  parse(text, context) {
    const schemes = parsePairs(text).map((pairs) => scheme(pairs, context))
    const names = schemes.map(({ name }) => name)
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    if (twice !== undefined) throw expected('schemes of different names', twice)
    return schemes
  },
}

function scheme(pairs: Pairs, context: ParseContext): AuthScheme {
  const name = (pairs.get('name') ?? '').trim()
  if (name === '') {
    throw new ValueError(
      'expected a name for each scheme, like name=staff;type=basic;file=/etc/htpasswd, got none',
    )
  }
  // It has to stand in a route's options.
  if (!/^[!#-~]+$/.test(name)) throw expected('a name without blanks and quotes', name)
  const type = types.find((known) => known === (pairs.get('type') ?? '').trim())
  if (type === undefined) throw expectedIn(name, 'type', orList(types), pairs.get('type'))
  for (const key of pairs.keys()) {
    if (key !== 'name' && key !== 'type' && !keysOf[type].includes(key)) {
      context.warn(`${name}: unknown key ${quoted(key)} of the type ${type}, ignored`)
    }
  }
  const reader = new Reader(name, pairs, context)
  switch (type) {
    case 'basic':
      return basic(name, reader)
    case 'forward':
      return forward(name, reader)
    case 'jwt':
      return jwt(name, reader)
  }
}

function basic(name: string, reader: Reader): BasicAuth {
  return {
    type: 'basic',
    name,
    file: reader.needed('file', 'an htpasswd file'),
    realm: reader.printable('realm') || name,
    refresh: reader.refresh(0),
  }
}

function forward(name: string, reader: Reader): ForwardAuth {
  return {
    type: 'forward',
    name,
    url: reader.url('a URL like http://127.0.0.1:4180/verify'),
    timeout: reader.timeout(),
    tlsSkipVerify: reader.bool('tlsskipverify'),
    requestHeaders: reader.has('requestheaders') ? reader.headers('requestheaders') : null,
    upstreamHeaders: reader.saidHeaders('upstreamheaders'),
    responseHeaders: reader.headers('responseheaders'),
  }
}

const keySetUrl = 'a URL like https://id.example.com/keys'

function jwt(name: string, reader: Reader): JwtAuth {
  const isByUrl = reader.has('url')
  if (isByUrl === reader.has('file')) {
    const found = isByUrl ? 'both' : 'neither'
    throw new ValueError(`${name}: expected url or file for the keys that sign tokens, got ${found}`)
  }
  const issuer = reader.printable('issuer')
  const audience = reader.list('audience')
  if (issuer === '' && audience.length === 0) {
    reader.warn('any token of these keys will do, whoever it was made for: issuer and audience say which')
  }
  return {
    type: 'jwt',
    name,
    url: isByUrl ? reader.url(keySetUrl) : '',
    file: isByUrl ? '' : reader.needed('file', 'a file with a JWK set'),
    refresh: reader.refresh(isByUrl ? 300_000 : 0),
    timeout: reader.timeout(),
    issuer,
    audience,
    algorithms: reader.has('algorithms') ? reader.algorithms() : publicKeyAlgorithms,
    leeway: reader.duration('leeway') ?? 5_000,
    header: reader.header('header') || 'Authorization',
    cookie: reader.token('cookie'),
    claims: reader.claims(),
  }
}

const leastRefresh = 1_000
const defaultTimeout = 5_000
/** In these the gateway itself says who the client is and what it asked for: nobody else is to say it. */
const forwardingField = /^(?:forwarded|x-forwarded-(?:for|host|port|prefix|proto)|x-real-ip)$/i

/** The values of one scheme. Its errors name the scheme and the key. */
class Reader {
  readonly #name: string
  readonly #pairs: Pairs
  readonly #context: ParseContext

  constructor(name: string, pairs: Pairs, context: ParseContext) {
    this.#name = name
    this.#pairs = pairs
    this.#context = context
  }

  warn(text: string): void {
    this.#context.warn(`${this.#name}: ${text}`)
  }

  has(key: string): boolean {
    return this.#pairs.has(key)
  }

  #text(key: string): string {
    return (this.#pairs.get(key) ?? '').trim()
  }

  #fail(key: string, what: string): ValueError {
    return expectedIn(this.#name, key, what, this.#pairs.get(key))
  }

  /** Says in the error which key it is about. */
  #named<T>(key: string, parse: () => T): T {
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof ValueError)) throw error
      throw new ValueError(`${this.#name}: ${key}: ${error.message}`)
    }
  }

  needed(key: string, what: string): string {
    const text = this.#text(key)
    if (text === '') throw this.#fail(key, what)
    return text
  }

  /** Text that can stand in a quoted string of a header field. */
  printable(key: string): string {
    const text = this.#text(key)
    if (!/^[\x20-\x7e]*$/.test(text)) throw this.#fail(key, 'printable ASCII')
    return text
  }

  token(key: string): string {
    const text = this.#text(key)
    if (!/^[\w!#$%&'*+.^`|~-]*$/.test(text)) throw this.#fail(key, 'a name')
    return text
  }

  bool(key: string): boolean {
    const found = this.has(key) ? boolOf(this.#text(key)) : false
    if (found === null) throw this.#fail(key, 'true or false')
    return found
  }

  duration(key: string): number | null {
    if (this.#text(key) === '') return null
    const ms = this.#named(key, () => parseDuration(this.#text(key)))
    if (ms < 0) throw this.#fail(key, 'a duration of at least 0s')
    return timeout.parse(this.#text(key), this.#context)
  }

  /** Raised to a second, as in fabio. Nothing or empty: `otherwise`. */
  refresh(otherwise: number): number {
    const ms = this.duration('refresh')
    return ms === null ? otherwise : Math.max(leastRefresh, ms)
  }

  timeout(): number {
    const ms = this.duration('timeout') ?? defaultTimeout
    if (ms === 0) throw this.#fail('timeout', 'a duration of more than 0s')
    return ms
  }

  url(what: string): string {
    const text = this.#text('url')
    const url = URL.canParse(text) ? new URL(text) : null
    if (url === null || !/^https?:$/.test(url.protocol)) throw this.#fail('url', what)
    if (url.username !== '' || url.password !== '') {
      throw new ValueError(`${this.#name}: url: expected ${what}, got one with a user or a password in it`)
    }
    return text
  }

  /** Separated by commas, which a value in quotes may have, or by blanks. */
  list(key: string): string[] {
    return this.printable(key)
      .split(/[\s,]+/)
      .filter((item) => item !== '')
  }

  header(key: string): string {
    return this.#named(key, () => headerName.parse(this.#text(key), this.#context))
  }

  headers(key: string): string[] {
    return this.list(key).map((name) => this.#named(key, () => headerName.parse(name, this.#context)))
  }

  /** Fields in which upstreams are told who the client is. */
  saidHeaders(key: string): string[] {
    const names = this.headers(key)
    for (const name of names) this.#checkSaid(key, name)
    return names
  }

  #checkSaid(key: string, name: string): void {
    if (forwardingField.test(name)) {
      throw expectedIn(this.#name, key, 'header fields that are not written anyway', name)
    }
  }

  algorithms(): string[] {
    const words = this.list('algorithms')
    for (const word of words) {
      if (!algorithms.includes(word)) throw expectedIn(this.#name, 'algorithms', orList(algorithms), word)
    }
    if (words.length === 0) throw this.#fail('algorithms', orList(algorithms))
    return words
  }

  claims(): { claim: string; header: string }[] {
    return this.list('claims').map((item) => {
      const colon = item.lastIndexOf(':')
      if (colon < 1) throw expectedIn(this.#name, 'claims', 'items like sub:X-User', item)
      const claim = item.slice(0, colon)
      const header = this.#named('claims', () => headerName.parse(item.slice(colon + 1), this.#context))
      if (header === '') throw expectedIn(this.#name, 'claims', 'items like sub:X-User', item)
      this.#checkSaid('claims', header)
      return { claim, header }
    })
  }
}

function expectedIn(name: string, key: string, what: string, found: string | undefined): ValueError {
  return new ValueError(
    `${name}: ${key}: expected ${what}, got ${found === undefined ? 'none' : quoted(found)}`,
  )
}
