import { printRoute } from '../route/command.ts'
import type { RouteView, TableView } from './view.ts'

/** One element of fabio's `GET /api/routes` (reference 9.1). */
export interface FabioRoute {
  readonly service: string
  readonly host: string
  readonly path: string
  readonly src: string
  readonly dst: string
  readonly opts: string
  readonly weight: number
  readonly tags?: readonly string[]
  readonly cmd: 'route add'
  readonly rate1: 0
  readonly pct99: 0
}

/** The table as fabio's API gives it: healthy targets only, hosts ascending; null when it is empty. */
export function fabioRoutes(table: TableView): FabioRoute[] | null {
  const routes: FabioRoute[] = []
  for (const { host, path, targets } of [...table.routes].sort(hostsAscending)) {
    for (const target of targets.filter(isHealthy)) {
      const { service, url: dst, options: opts, share: weight, tags } = target
      routes.push({
        service,
        host,
        path,
        src: host + path,
        dst,
        opts,
        weight,
        ...(tags.length === 0 ? {} : { tags }),
        cmd: 'route add',
        rate1: 0,
        pct99: 0,
      })
    }
  }
  return routes.length === 0 ? null : routes
}

/** The table as commands (reference 3.8): hosts in descending order, any host last; targets without a share left out. */
export function fabioRouteText(table: Pick<TableView, 'routes'>): string {
  const lines: string[] = []
  for (const { host, path, targets } of [...table.routes].sort((a, b) => hostsAscending(b, a))) {
    for (const target of targets.filter((candidate) => isHealthy(candidate) && candidate.share > 0)) {
      const { service, url, tags, options } = target
      const weight = target.weight > 0 ? target.weight.toFixed(4) : ''
      const optionText = options.split(' ').sort().join(' ')
      lines.push(printRoute({ service, source: host + path, url, weight, tags, optionText }))
    }
  }
  return `${lines.join('\n')}\n`
}

const isHealthy = (target: RouteView['targets'][number]): boolean => target.routed

/** Stable, so the paths of a host stay in table order. */
const hostsAscending = (a: RouteView, b: RouteView): number =>
  a.host < b.host ? -1 : a.host > b.host ? 1 : 0
