import { type AddressBlock, AddressSet } from '../base/address-set.ts'
import { GatewayError } from '../base/errors.ts'
import { readAddress } from '../base/ip-address.ts'
import { maskOf } from '../http1/field-names.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Middleware, Verdict } from '../proxy/plan.ts'
import type { RouteOptions } from '../route/options.ts'
import { refuse } from './refuse.ts'

/**
 * `allow=` and `deny=` (fabio reference 6.10): who may use the route, by address. With `allow` each address that is
 * looked at has to be in one of its blocks, with `deny` none may be.
 *
 * Where fabio fails open (QUIRK-21) this fails closed: a peer without an address that can be read is refused, and all
 * lines of X-Forwarded-For count. What is no address in there is in no block.
 *
 * With `proxy.trusted` the address of the client alone is looked at. Without, that of the peer is and whatever
 * X-Forwarded-For says: a client can lock itself out with it, and not in.
 */
export function compileAccess({ allow, deny }: Pick<RouteOptions, 'allow' | 'deny'>): Middleware | null {
  if (allow === undefined && deny === undefined) return null
  // Both together are a mistake, which closes the route.
  const blocks: readonly AddressBlock[] = allow !== undefined && deny !== undefined ? [] : (allow ?? deny!)
  const set = new AddressSet(blocks)
  const mayEnter = (address: string): boolean => set.has(address) === (allow !== undefined)
  return {
    name: 'access',
    hasEffects: false,
    run(exchange) {
      const { clientAddress, isPeerTrusted, fields } = exchange
      if (readAddress(clientAddress) === 0 || !mayEnter(clientAddress)) return denied(clientAddress)
      if (isPeerTrusted !== null || !fields.hasAny(forwardedFor)) return null
      return throughHops(exchange, mayEnter)
    },
  }
}

const forwardedFor = maskOf('xForwardedFor')

/** No request comes by way of so many; to look at ten thousand would take a hundredth of a second. */
const mostHops = 100

function throughHops({ fields }: Exchange, mayEnter: (address: string) => boolean): Verdict {
  let hops = 0
  for (const line of fields.all('x-forwarded-for')) {
    for (const item of line.split(',', mostHops + 1)) {
      if (++hops > mostHops) return denied(`more than ${mostHops} hops`)
      const hop = addressOf(item.trim())
      if (hop !== '' && !mayEnter(hop)) return denied(hop)
    }
  }
  return null
}

/** Without the port and the brackets that some proxies write. */
function addressOf(hop: string): string {
  const bracketed = /^"?\[([^\]]*)\](?::\d+)?"?$/.exec(hop)?.[1]
  return bracketed ?? /^([^:]*):\d+$/.exec(hop)?.[1] ?? hop
}

const denied = (address: string): Verdict =>
  refuse(new GatewayError('GW_FORBIDDEN', `the route's rules deny access from ${address}`))
