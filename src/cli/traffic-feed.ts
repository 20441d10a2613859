import type { TrafficFigures } from '../admin/traffic-figures.ts'
import { bounds, type MetricsSnapshot } from '../observe/metrics.ts'

/** What the traffic plane has counted, as the page and its API want it. */
export function trafficFigures(snapshot: MetricsSnapshot): TrafficFigures {
  const services = snapshot.services.map(({ service, statuses }) => {
    const buckets = new Array<number>(bounds.length + 1).fill(0)
    let requests = 0
    let errors = 0
    for (const figures of statuses) {
      requests += figures.requests
      if (figures.status >= 500) errors += figures.requests
      for (const [i, count] of figures.buckets.entries()) buckets[i]! += count
    }
    return { service, requests, errors, buckets }
  })
  const refused = snapshot.refused.reduce((sum, [, count]) => sum + count, 0)
  return {
    bounds,
    services,
    // BY INSTANCE: once the snapshot has figures for each instance they go in here, as `instances`, and the page
    // shows them in place of its dashes.
    unplaced: snapshot.noRoute + refused,
    connectionsAccepted: snapshot.connectionsAccepted,
    connectionsOpen: snapshot.connectionsOpen,
  }
}
