import { flat } from '../base/flat.ts'

/** Where a target's requests go. */
export interface Destination {
  readonly scheme: 'http' | 'https'
  /** Host name or IP address; IPv6 in brackets. */
  readonly host: string
  readonly port: number
  /** `host:port` */
  readonly authority: string
}

/** Reads a destination such as `http://10.0.0.1:8080/`. Null where it is no http or https URL with a host. */
export function parseDestination(url: string): Destination | null {
  const scheme = schemeOf(url)
  if (scheme !== 'http' && scheme !== 'https') return null
  const { hostname: host, port: text } = new URL(url)
  // URL leaves a default port out; a connection needs it.
  const port = text === '' ? (scheme === 'http' ? 80 : 443) : Number(text)
  return { scheme, host, port, authority: flat(host, ':', port) }
}

export const schemes = ['http', 'https', 'tcp', 'grpc', 'grpcs'] as const
export type Scheme = (typeof schemes)[number]

/** The scheme of a destination that a route can have: one of `schemes`, a host, and no user name. Else null. */
export function schemeOf(url: string): Scheme | null {
  if (!URL.canParse(url)) return null
  const { protocol, hostname, username, password } = new URL(url)
  const scheme = schemes.find((known) => `${known}:` === protocol)
  return scheme !== undefined && hostname !== '' && username + password === '' ? scheme : null
}

/**
 * Whether a redirect can lead there: an absolute URL with a host, or an absolute path, in which `$host` and `$path`
 * stand for the request's (fabio reference 6.9).
 */
export function isRedirectUrl(url: string): boolean {
  const plain = url.replaceAll('$host', 'host').replaceAll('$path', '')
  return url.startsWith('/') || (URL.canParse(plain) && new URL(plain).hostname !== '')
}
