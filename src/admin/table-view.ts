import { sharesOf } from '../balance/shares.ts'
import { distinctTargets, isServed, type RouteDefinition, sourceText } from '../route/definition.ts'
import { parseDestination } from '../route/destination.ts'
import type { HealthView, RouteView, TargetView } from './view.ts'

/** What the table is told about an instance besides its definitions. */
export interface Evidence {
  readonly health: HealthView
  readonly reason: string
  /** Who states it, as `Origins` says. */
  readonly origin: string
}

/** Groups definitions into the routes that they make, with each target's share as the traffic plane computes it. */
export function routeViews(
  definitions: Iterable<RouteDefinition>,
  evidenceOf: (definition: RouteDefinition) => Evidence,
): RouteView[] {
  const bySource = new Map<string, RouteDefinition[]>()
  for (const definition of definitions) {
    // The same source with another matcher is another route.
    const text = `${definition.options.matcher ?? ''} ${sourceText(definition.source)}`
    const list = bySource.get(text)
    if (list === undefined) bySource.set(text, [definition])
    else list.push(definition)
  }
  return [...bySource.values()]
    .map((list): RouteView => {
      const { host, path } = list[0]!.source
      return { host, path, targets: targetViews(list, evidenceOf) }
    })
    .sort(inTableOrder)
}

function targetViews(
  definitions: readonly RouteDefinition[],
  evidenceOf: (definition: RouteDefinition) => Evidence,
): TargetView[] {
  const shares = new Map<RouteDefinition, number>()
  const served = distinctTargets(definitions.filter(isServed))
  const values = sharesOf(served.map((definition) => definition.weight))
  for (const [i, definition] of served.entries()) shares.set(definition, values[i]!)
  return definitions
    .map((definition): TargetView => {
      const { service, instance, url, weight, tags, optionText: options, unserved } = definition
      const { health, reason, origin } = evidenceOf(definition)
      const address = parseDestination(url)?.authority ?? ''
      return {
        service,
        instance,
        address,
        url,
        share: shares.get(definition) ?? 0,
        weight,
        tags,
        options,
        routed: isServed(definition),
        health,
        reason: unserved ?? reason,
        origin,
      }
    })
    .sort((a, b) => compare(a.service, b.service) || compare(a.url, b.url))
}

/** Hosts ascending, any host last; within a host paths in descending byte order, so a longer prefix comes first. */
function inTableOrder(a: RouteView, b: RouteView): number {
  if (a.host !== b.host) return a.host === '' ? 1 : b.host === '' ? -1 : compare(a.host, b.host)
  return compare(b.path, a.path)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
