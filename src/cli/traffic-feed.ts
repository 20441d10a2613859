import type { InstanceFigures, TrafficFigures } from '../admin/traffic-figures.ts'
import type { TableView } from '../admin/view.ts'
import {
  figuresByService,
  figuresByTarget,
  type LiveUpstream,
  type MetricsSnapshot,
} from '../observe/snapshot.ts'

/**
 * What the traffic plane has counted, as the page and its API want it.
 *
 * @param table knows whose instances those are that get no request any more
 */
export function trafficFigures(snapshot: MetricsSnapshot, table: () => TableView): TrafficFigures {
  const { bounds, counts, live } = snapshot
  const services = [...figuresByService(snapshot)].map(([service, { requests, errors, buckets }]) => ({
    service,
    requests,
    errors,
    buckets,
  }))
  const instances = figuresByTarget(snapshot, ({ service, url }) => JSON.stringify([service, url]))
  const states = new Map<string, LiveUpstream>()
  for (const each of live) {
    const address = addressOf(each.origin)
    if (address !== null) states.set(address, each)
  }
  const refused = Object.values(snapshot.refused).reduce((sum, count) => sum + count, 0)
  return {
    bounds,
    services,
    instances: [
      ...[...instances].flatMap(([key, { requests, errors, buckets, inFlight }]): InstanceFigures[] => {
        const [service, url] = JSON.parse(key) as [string, string]
        const address = addressOf(url)
        if (address === null) return []
        const { ejectedUntil = null, isDraining: draining = false } = states.get(address) ?? {}
        return [{ service, address, requests, errors, buckets, inFlight, ejectedUntil, draining }]
      }),
      ...drainingInstances(live, table),
    ],
    unplaced: counts.noRoute + refused,
    connectionsAccepted: counts.connectionsAccepted,
    connectionsOpen: counts.connectionsOpen,
  }
}

/** Those that are in no route any more, and so have no figures of their own, and still have requests. */
function drainingInstances(live: readonly LiveUpstream[], table: () => TableView): InstanceFigures[] {
  const left = new Map<string, number>()
  for (const { origin, inFlight, isDraining } of live) {
    const address = isDraining ? addressOf(origin) : null
    if (address !== null) left.set(address, inFlight)
  }
  if (left.size === 0) return []
  const found = new Map<string, InstanceFigures>()
  for (const { targets } of table().routes) {
    for (const { service, address, routed } of targets) {
      const inFlight = routed ? undefined : left.get(address)
      if (inFlight === undefined) continue
      const counts = { requests: 0, errors: 0, buckets: [], ejectedUntil: null }
      found.set(`${service} ${address}`, { service, address, ...counts, inFlight, draining: true })
    }
  }
  return [...found.values()]
}

/** `host:port`. Null: a redirect, which has no instance that could be asked. */
function addressOf(url: string): string | null {
  if (!URL.canParse(url)) return null
  const { host, protocol } = new URL(url)
  return /:\d+$/.test(host) ? host : `${host}:${protocol === 'https:' ? 443 : 80}`
}
