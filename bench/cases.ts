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

const get = { method: 'GET', fields: browserFields, bodySize: 0, keepAlive: true } as const

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
    name: 'connect',
    says: 'GET, 64-byte answer, a new client connection for each request',
    path: '/small',
    fields: [...browserFields, ['Connection', 'close']],
    keepAlive: false,
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
