import type { InstanceFigures, TrafficFigures } from '../admin/traffic-figures.ts'
import { figuresByService, figuresByTarget, type MetricsSnapshot } from '../observe/snapshot.ts'

/** What the traffic plane has counted, as the page and its API want it. */
export function trafficFigures(snapshot: MetricsSnapshot): TrafficFigures {
  const { bounds, counts } = snapshot
  const services = [...figuresByService(snapshot)].map(([service, { requests, errors, buckets }]) => ({
    service,
    requests,
    errors,
    buckets,
  }))
  const instances = figuresByTarget(snapshot, ({ service, url }) => JSON.stringify([service, url]))
  const refused = Object.values(snapshot.refused).reduce((sum, count) => sum + count, 0)
  return {
    bounds,
    services,
    instances: [...instances].flatMap(([key, { requests, errors, buckets, inFlight }]): InstanceFigures[] => {
      const [service, url] = JSON.parse(key) as [string, string]
      // A redirect has no instance that could be asked.
      if (!URL.canParse(url)) return []
      const { host, protocol } = new URL(url)
      const address = /:\d+$/.test(host) ? host : `${host}:${protocol === 'https:' ? 443 : 80}`
      return [{ service, address, requests, errors, buckets, inFlight, ejectedUntil: null, draining: false }]
    }),
    unplaced: counts.noRoute + refused,
    connectionsAccepted: counts.connectionsAccepted,
    connectionsOpen: counts.connectionsOpen,
  }
}
