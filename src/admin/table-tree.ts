import { buildRing } from '../balance/ring.ts'
import type { RouteView, TargetView } from './view.ts'

/** The table as a tree (fabio reference 3.8): hosts ascending, paths and targets below them, with their slots. */
export function tableTree(routes: readonly RouteView[]): string {
  const byHost = new Map<string, RouteView[]>()
  for (const route of routes) {
    const served = route.targets.filter((target) => target.routed)
    if (served.length === 0) continue
    byHost.set(route.host, [...(byHost.get(route.host) ?? []), { ...route, targets: served }])
  }
  const hosts = [...byHost.keys()].sort()
  return hosts
    .flatMap((host, h) => {
      const isLastHost = h === hosts.length - 1
      const all = byHost.get(host)!
      return [
        `+-- host=${host}`,
        ...all.flatMap((route, r) => pathLines(route, isLastHost ? '    ' : '|   ', r === all.length - 1)),
      ]
    })
    .join('\n')
}

function pathLines({ path, targets }: RouteView, indent: string, isLast: boolean): string[] {
  const ring = buildRing(targets.map(({ share }) => share))
  const slots = new Uint32Array(targets.length)
  for (const index of ring) slots[index]!++
  return [
    `${indent}${isLast ? '+-- ' : '|-- '}path=${path}`,
    ...targets.map((target, t) => {
      const branch = `${isLast ? '    ' : '|    '}${t === targets.length - 1 ? '+-- ' : '|-- '}`
      return `${indent}${branch}${targetText(target, slots[t]!, ring.length)}`
    }),
  ]
}

const targetText = ({ url, share }: TargetView, slots: number, all: number): string =>
  `addr=${hostOf(url)} weight ${share.toFixed(2)} slots ${slots}/${all}`

/** As the destination was written: without a port where it names none. */
const hostOf = (url: string): string => /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? url
