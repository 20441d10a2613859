import { GatewayError } from '../base/errors.ts'
import type { Route, RouteTable, Target } from '../route/table.ts'
import type { Exchange } from './exchange.ts'
import { pathReadings } from './path-readings.ts'
import { planOf } from './plan.ts'

/**
 * Throws where the server may read the path as one of another route, whose guards would not be asked: `/open/..;/secret`
 * is `/secret` to some, `/open/%252e%252e/secret` to others.
 *
 * @param route the one that the path is found to be of, @param target who would get the request; null: nobody yet
 */
export function refuseOtherReadings(
  exchange: Exchange,
  table: RouteTable,
  route: Route,
  target: Target | null,
): void {
  const { host, path, client } = exchange
  const readings = pathReadings(exchange.target)
  if (readings === null)
    throw new GatewayError('GW_AMBIGUOUS_PATH', 'it may stand for too much to be looked at')
  const guards = target === null ? null : planOf(target).guards
  for (const reading of readings) {
    if (reading === path) continue
    const other = table.find(host, reading, client.secure)
    if (other === null || other === route || !other.isGuarded) continue
    const { targets } = other
    const asksTheSame = targets.length > 0 && targets.every((each) => planOf(each).guards === guards)
    if (!asksTheSame) {
      throw new GatewayError(
        'GW_AMBIGUOUS_PATH',
        `a server may read it as ${JSON.stringify(reading)}, which is of route ${other.text}`,
      )
    }
  }
}
