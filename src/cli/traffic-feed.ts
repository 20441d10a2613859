import type { TrafficFigures } from '../admin/traffic-figures.ts'
import { figuresByService, type MetricsSnapshot } from '../observe/snapshot.ts'

/** What the traffic plane has counted and learnt, as the page and its API want it. */
export function trafficFigures(snapshot: MetricsSnapshot): TrafficFigures {
  const { bounds, counts, live } = snapshot
  const services = figuresByService(snapshot)
  const refused = Object.values(snapshot.refused).reduce((sum, count) => sum + count, 0)
  return {
    bounds,
    services: [...services].map(([service, { requests, errors, buckets }]) => ({
      service,
      requests,
      errors,
      buckets,
    })),
    targets: snapshot.targets,
    states: live.flatMap(({ origin, inFlight, failures, ejectedUntil, rise, isDraining: draining }) => {
      const address = addressOf(origin)
      return address === null ? [] : [{ address, inFlight, failures, ejectedUntil, rise, draining }]
    }),
    unplaced: counts.noRoute + refused,
    connectionsAccepted: counts.connectionsAccepted,
    connectionsOpen: counts.connectionsOpen,
  }
}

/** `host:port`. Null: a redirect, which has no instance that could be asked. */
function addressOf(url: string): string | null {
  if (!URL.canParse(url)) return null
  const { host, protocol } = new URL(url)
  return /:\d+$/.test(host) ? host : `${host}:${protocol === 'https:' ? 443 : 80}`
}
