import { sharesOf } from '../balance/shares.ts'
import { distinctTargets, isServed, type RouteDefinition } from '../route/definition.ts'
import { parseDestination } from '../route/destination.ts'
import { inTableOrder, routeName } from './route-name.ts'
import type { HealthView, RouteView, TargetView } from './view.ts'

/** What the table is told about an instance besides its definitions. */
export interface Evidence {
  readonly health: HealthView
  readonly reason: string
  /** Who states it, as `Origins` says. */
  readonly origin: string
}

/** What the view of a route is known by. The same source with another matcher is another route. */
export const viewName = ({ options, source }: RouteDefinition): string =>
  routeName({ ...source, matcher: options.matcher })

/** Groups definitions into the routes that they make, with each target's share as the traffic plane computes it. */
export function routeViews(
  definitions: Iterable<RouteDefinition>,
  evidenceOf: (definition: RouteDefinition) => Evidence,
): RouteView[] {
  const byName = new Map<string, RouteDefinition[]>()
  for (const definition of definitions) {
    const name = viewName(definition)
    const list = byName.get(name)
    if (list === undefined) byName.set(name, [definition])
    else list.push(definition)
  }
  return [...byName.values()]
    .map((list): RouteView => {
      const { source, options } = list[0]!
      const { host, path } = source
      const targets = targetViews(list, evidenceOf)
      return options.matcher === undefined
        ? { host, path, targets }
        : { host, path, matcher: options.matcher, targets }
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

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
