import { isIPv6 } from 'node:net'
import { splitHostPort } from './addresses.ts'
import { expected, type Kind } from './kind.ts'
import { duration } from './parsers.ts'
import { expandAddress } from './templates.ts'

/** Where others reach the admin port. */
export interface RegisteredAddress {
  /** Address or name, IPv6 without brackets; empty: the first address of this machine that others can reach. */
  readonly host: string
  readonly port: number
}

/**
 * The address that is registered in Consul (fabio reference 4.7); null where the text is empty: that of `ui.addr`. The
 * templates of listeners are known here too.
 */
export const registeredAddress: Kind<RegisteredAddress | null> = {
  type: 'address',
  parse(text, { interfaces }) {
    const given = text.trim()
    if (given === '') return null
    const inBrackets = (ip: string): string => (isIPv6(ip) ? `[${ip}]` : ip)
    const expanded = expandAddress(given, interfaces, inBrackets)
    const found = splitHostPort(expanded)
    if (found === null || found.port === null || found.port === 0 || !/^[\w.:-]*$/.test(found.host)) {
      throw expected('an address like 10.0.0.5:9998, gate.example:9998 or :9998', expanded)
    }
    return { host: found.host, port: found.port }
  },
}

/** fabio's, which has it fixed. It is also the shortest that Consul knows. */
const shortest = '1m'

/** Milliseconds. */
export const deregisterAfter: Kind<number> = {
  type: `duration of at least ${shortest}`,
  parse: (text, context) => duration(shortest).parse(text === '' ? shortest : text, context),
}
