/** One kind of load. Each is checked to be answered right before it is timed. */
export interface BenchCase {
  readonly name: string
  readonly says: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Name and value, in the order in which they are sent, after Host. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Octets of the request's body; 0: none. */
  readonly bodySize: number
  /** False: the client asks for `Connection: close` and opens a new connection for each request. */
  readonly keepAlive: boolean
  /** Values of Host that the requests take in turn; none: the address that they are sent to. */
  readonly hosts: readonly string[]
  /** Who is compared: gatehouse with others, or with itself with more routes or workers. */
  readonly among: 'proxies' | 'routes' | 'workers'
}

/** What a browser sends beside Host. */
export const browserFields: BenchCase['fields'] = [
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['Accept-Language', 'en-GB,en;q=0.7,de;q=0.3'],
  ['Accept-Encoding', 'gzip, deflate, br'],
  ['Referer', 'http://shop.example/catalogue/shoes?page=2'],
  ['Cookie', 'session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; consent=analytics:0,ads:0'],
  ['Cache-Control', 'no-cache'],
  ['Sec-Fetch-Mode', 'navigate'],
]

const get = {
  method: 'GET',
  fields: browserFields,
  bodySize: 0,
  keepAlive: true,
  hosts: [],
  among: 'proxies',
} as const

/** Numbers of routes that are compared. */
export const routeCounts = [10, 1_000, 10_000] as const
/** Of a table's hosts, those that are asked for: spread over the smallest of them. */
const askedHosts = 10

export const hostOf = (n: number): string => `service-${n}.bench.example`

export const cases = [
  { ...get, name: 'small', says: 'GET, 64-byte answer, keep-alive, 8 browser fields', path: '/small' },
  { ...get, name: '64k', says: 'GET, 64 KiB answer, keep-alive', path: '/64k' },
  { ...get, name: '1m', says: 'GET, 1 MiB answer, keep-alive', path: '/1m' },
  {
    ...get,
    name: 'post16k',
    says: 'POST of 16 KiB, 64-byte answer, keep-alive',
    method: 'POST',
    path: '/small',
    fields: [...browserFields, ['Content-Type', 'application/octet-stream']],
    bodySize: 16 * 1024,
  },
  {
    ...get,
    name: 'post1m',
    says: 'POST of 1 MiB, 64-byte answer, keep-alive',
    method: 'POST',
    path: '/small',
    fields: [...browserFields, ['Content-Type', 'application/octet-stream']],
    bodySize: 1024 * 1024,
  },
  {
    ...get,
    name: 'connect',
    says: 'GET, 64-byte answer, a new client connection for each request',
    path: '/small',
    fields: [...browserFields, ['Connection', 'close']],
    keepAlive: false,
  },
  {
    ...get,
    name: 'routes',
    says: `GET as small, for ${askedHosts} hosts in turn, out of a table of ${routeCounts.join(', ')} routes`,
    path: '/small',
    hosts: Array.from({ length: askedHosts }, (_, n) => hostOf(n)),
    among: 'routes',
  },
  {
    ...get,
    name: 'workers',
    says: 'GET as small, with 1 and 2 processes that serve',
    path: '/small',
    among: 'workers',
  },
] as const satisfies readonly BenchCase[]

/** Octets of the body that the upstream answers with, by path. */
export const answerSizes: Readonly<Record<string, number>> = {
  '/small': 64,
  '/64k': 64 * 1024,
  '/1m': 1024 * 1024,
}

/** A body of which no part looks like another: each 16 octets state their own position. */
export function bodyOf(size: number): Buffer {
  const lines = Array.from(
    { length: Math.ceil(size / 16) },
    (_, i) => `${String(i * 16).padStart(15, '.')}\n`,
  )
  return Buffer.from(lines.join(''), 'latin1').subarray(0, size)
}
