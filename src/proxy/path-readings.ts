/**
 * Whether a target is one that servers are known to read in different ways: dot segments, empty ones, `\`, parameters
 * of segments, and escapes of what these are made of. Most targets are not.
 */
export const isReadDifferently = (target: string): boolean => odd.test(target)

const odd = /[\\;]|\/[./]|%(?:00|25|2[ef]|3b|5c|c[01]|e0|f0|u)/i

/** A path with more octets, odd as it is, is not worth the time that its readings take. */
const longest = 4_096
/** One that can be read in more ways is meant to be. */
const mostReadings = 256

/**
 * The paths that a target may stand for at a server: what it sees is the client's target byte for byte, and what it makes
 * of that is its own business. Somebody who may not use `/private` must not come there by a path that this gateway reads
 * as another and the server as `/private`.
 *
 * @param target origin form: path and query
 * @returns null: too many to be told
 */
export function pathReadings(target: string): Set<string> | null {
  const query = target.indexOf('?')
  const raw = query === -1 ? target : target.slice(0, query)
  if (raw.length > longest) return null
  const spelled = new Set([raw])
  // `//host/path` is `/path` of another host to whoever reads it as a reference (`new URL(target, base)`).
  const authority = /^[/\\]{2,}[^/\\]*/.exec(raw)?.[0].length ?? 0
  if (authority > 0) spelled.add(raw.slice(authority) || '/')
  // One step after the other in any order: servers stand behind servers. What is added is looked at as well.
  for (const path of spelled) {
    if (spelled.size > mostReadings) return null
    for (const step of steps) spelled.add(step(path))
  }
  return new Set([...spelled].map(asText))
}

/** What servers do to a path before they look whose it is. Some do none of it (Express). */
const steps: readonly ((path: string) => string)[] = [
  (path) => resolved(path),
  // WHATWG URL, IIS.
  (path) => path.replaceAll('\\', '/'),
  // RFC 3986 section 3.3, parameters of a segment: Tomcat and other Java servers.
  (path) => path.replace(/;[^/]*/g, ''),
  // WHATWG URL, of all escapes those of dots alone.
  (path) => path.replace(/%2e/gi, '.'),
  (path) => decodeOnce(path),
  (path) => decodeLeniently(path),
  // Servers in C.
  (path) => path.split('\0', 1)[0]!,
]

/** Routes have their paths as text, and here octets are characters. */
const asText = (octets: string): string =>
  /[\x80-\xff]/.test(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets

/** Each escape as one octet, octets as characters of the same number: other characters do not matter here. */
const decodeOnce = (path: string): string =>
  path.replace(/%[\da-f]{2}/gi, (octet) => String.fromCharCode(Number.parseInt(octet.slice(1), 16)))

/**
 * As `decodeOnce`, with `%u002f` (IIS) and ASCII characters in more octets of UTF-8 than they need, which RFC 3629
 * section 3 forbids and some have decoded all the same.
 */
const decodeLeniently = (path: string): string =>
  decodeOnce(
    path.replace(/%u00([0-7][\da-f])/gi, (_all, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    ),
  )
    .replace(/[\xc0\xc1][\x80-\xbf]/g, (octets) => ascii(octets.charCodeAt(0) & 1, octets.charCodeAt(1)))
    .replace(/\xe0[\x80\x81][\x80-\xbf]/g, (octets) => ascii(octets.charCodeAt(1) & 1, octets.charCodeAt(2)))
    .replace(/\xf0\x80[\x80\x81][\x80-\xbf]/g, (octets) =>
      ascii(octets.charCodeAt(2) & 1, octets.charCodeAt(3)),
    )

const ascii = (high: number, low: number): string => String.fromCharCode((high << 6) | (low & 0x3f))

/** Without empty segments and dot segments. */
function resolved(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  const whole = `/${kept.join('/')}`
  return path.endsWith('/') && whole !== '/' ? `${whole}/` : whole
}
