import { isServed, type Problem, type RouteDefinition, sourceText } from '../route/definition.ts'
import type { InstanceView, ServiceRouteView, ServiceView, UnroutedView } from './view.ts'

/** What is known of one service. */
export interface ServiceFacts {
  readonly service: string
  readonly instances: readonly InstanceView[]
  readonly problems: readonly Problem[]
  /** After the manual overrides. */
  readonly definitions: readonly RouteDefinition[]
}

export function serviceView({ service, instances, problems, definitions }: ServiceFacts): ServiceView {
  const reasons = new Map(instances.map(({ instance, reason }) => [instance, reason]))
  const routes = definitions.map((definition): ServiceRouteView => {
    const { source, instance, url, weight, optionText: options, unserved } = definition
    const isRouted = isServed(definition)
    const reason = isRouted ? '' : (unserved ?? reasons.get(instance) ?? '')
    return { source: sourceText(source), instance, url, weight, options, routed: isRouted, reason }
  })
  return { service, instances, routes, problems }
}

/** Instances that ask for routes and get no request, each with what is in its way. */
export function unroutedOf(facts: ServiceFacts, isRouteTag: (tag: string) => boolean): UnroutedView[] {
  const { service, instances, problems, definitions } = facts
  const served = new Set(definitions.filter(isServed).map(({ instance }) => instance))
  return instances.flatMap(({ instance, tags, routed, health, reason }): UnroutedView[] => {
    const asking = tags.filter(isRouteTag)
    if (asking.length === 0 || served.has(instance)) return []
    const own = problems.filter((problem) => problem.instance === instance).map((problem) => problem.reason)
    if (own.length === 0) own.push('manual overrides take its routes away')
    return [{ service, instance, tags: asking, health, reason: routed ? own.join('; ') : reason }]
  })
}
