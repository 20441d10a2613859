import type { InstanceFigures, TrafficFigures } from '../admin/traffic-figures.ts'
import { figuresByService, figuresByTarget, type MetricsSnapshot } from '../observe/snapshot.ts'

/** What the traffic plane has counted, as the page and its API want it. */
export function trafficFigures(snapshot: MetricsSnapshot): TrafficFigures {
  const { bounds, counts, ejected } = snapshot
  const services = [...figuresByService(snapshot)].map(([service, { requests, errors, buckets }]) => ({
    service,
    requests,
    errors,
    buckets,
  }))
  const instances = figuresByTarget(snapshot, ({ service, url }) => JSON.stringify([service, url]))
  // Each worker judges for itself: the page tells of the one that waits longest.
  const until = new Map<string, number>()
  for (const each of ejected) {
    const address = addressOf(each.origin)
    if (address !== null) until.set(address, Math.max(each.until, until.get(address) ?? 0))
  }
  const refused = Object.values(snapshot.refused).reduce((sum, count) => sum + count, 0)
  return {
    bounds,
    services,
    instances: [...instances].flatMap(([key, { requests, errors, buckets, inFlight }]): InstanceFigures[] => {
      const [service, url] = JSON.parse(key) as [string, string]
      const address = addressOf(url)
      if (address === null) return []
      const ejectedUntil = until.get(address) ?? null
      return [{ service, address, requests, errors, buckets, inFlight, ejectedUntil, draining: false }]
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
