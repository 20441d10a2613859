import { isIPv6 } from 'node:net'
import { expected, type Kind } from './kind.ts'

export interface HostPort {
  /** IPv6 without its brackets; empty where the text has none. */
  readonly host: string
  /** Null where the text has none. */
  readonly port: number | null
}

/** Reads `host`, `host:port`, `:port`, `[::1]` and `[::1]:port`; null for anything else. */
export function splitHostPort(text: string): HostPort | null {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]\s]*))(?::(\d{1,5}))?$/.exec(text)
  if (match === null) return null
  const [, bracketed, plain = '', digits] = match
  if (bracketed !== undefined && !isIPv6(bracketed)) return null
  const port = digits === undefined ? null : Number(digits)
  return port !== null && port > 65_535 ? null : { host: bracketed ?? plain, port }
}

export interface ConsulAddress {
  readonly scheme: 'http' | 'https'
  /** Lower-case; IPv6 without brackets. */
  readonly host: string
  /** 8500 where the text states none. */
  readonly port: number
}

const what = 'an address like localhost:8500, [::1]:8500 or https://consul.example:8501'

/**
 * The address of the Consul API (fabio reference 4.1): `host[:port]`, `http://` or `https://` before it, everything
 * from the first `/` after it is not looked at. Throws `ValueError`; a unix socket is one, as Consul's client in fabio
 * cannot use it either.
 */
export function consulAddress(text: string): ConsulAddress {
  const [, scheme = 'http', rest = ''] = /^(?:(https?):\/\/)?(.*)$/s.exec(text.trim().toLowerCase()) ?? []
  const found = splitHostPort(rest.split('/')[0] ?? '')
  if (found === null || found.port === 0) throw expected(what, text)
  if (!isIPv6(found.host) && !/^[\w.-]+$/.test(found.host)) throw expected(what, text)
  return { scheme: scheme === 'https' ? 'https' : 'http', host: found.host, port: found.port ?? 8500 }
}

/** A text that `consulAddress` reads. */
export const consulAddr: Kind<string> = {
  type: 'address',
  parse(text) {
    consulAddress(text)
    return text
  },
}
