import type { ProblemsView, ProblemView, TableView, UnroutedView } from '../../../src/admin/view.ts'

/** What is wrong, each thing once and under the name by which somebody would mend it. */
export interface ProblemGroups {
  /** Whether the registry can be believed: it is not heard, or its servers may say what is no longer so. */
  readonly registry: 'fine' | 'lost' | 'old'
  /** Tags and lines; `isOut`: the instance gets no request at all because of it. */
  readonly rejected: readonly (ProblemView & { readonly isOut: boolean })[]
  /** Services that ask for routes and have no instance that gets a request. */
  readonly down: readonly ServiceGroup[]
  /** Services of which some instances get none. */
  readonly partly: readonly ServiceGroup[]
}

export interface ServiceGroup {
  readonly service: string
  readonly instances: readonly UnroutedView[]
}

export function groupsOf({ rejected, unrouted }: ProblemsView, table: TableView): ProblemGroups {
  const out = new Set(unrouted.map(({ service, instance }) => keyOf(service, instance)))
  const reasons = new Map<string, string[]>()
  for (const { service, instance, reason } of rejected) {
    const key = keyOf(service, instance)
    reasons.set(key, [...(reasons.get(key) ?? []), reason])
  }
  const served = new Set<string>()
  for (const { targets } of table.routes) {
    for (const { service, routed } of targets) if (routed) served.add(service)
  }
  const groups = new Map<string, UnroutedView[]>()
  for (const each of unrouted) {
    // Said already where its tag is rejected.
    if (reasons.get(keyOf(each.service, each.instance))?.join('; ') === each.reason) continue
    const group = groups.get(each.service)
    if (group === undefined) groups.set(each.service, [each])
    else group.push(each)
  }
  const all = [...groups].map(([service, instances]): ServiceGroup => ({ service, instances }))
  const { connected, oldSince } = table.registry
  return {
    registry: !connected ? 'lost' : oldSince !== null ? 'old' : 'fine',
    rejected: rejected.map((each) => ({ ...each, isOut: out.has(keyOf(each.service, each.instance)) })),
    down: all.filter(({ service }) => !served.has(service)),
    partly: all.filter(({ service }) => served.has(service)),
  }
}

/** How many things there are to mend: a service counts once, however many of its instances are out. */
export function countOf(problems: ProblemsView | null, table: TableView | null): number | null {
  if (problems === null || table === null) return null
  const { registry, rejected, down, partly } = groupsOf(problems, table)
  return (registry === 'fine' ? 0 : 1) + rejected.length + down.length + partly.length
}

const keyOf = (service: string, instance: string): string => `${service}\n${instance}`
