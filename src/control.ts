import type { Evidence } from './admin/table-view.ts'
import { routeViews } from './admin/table-view.ts'
import type { TableView } from './admin/view.ts'
import type { Log } from './base/log.ts'
import type { World } from './base/world.ts'
import type { Registry, ServiceInstances } from './registry/registry.ts'
import type { Problem, RouteDefinition, ServiceRoutes } from './route/definition.ts'
import { definitionsOf } from './route/tag.ts'

/** The control plane: turns what the registry says into route changes, and tells operators about them. */
export interface Control {
  /** Resolves once the first whole table was published. */
  start(): Promise<void>
  table(): TableView
  subscribe(changed: () => void): () => void
  close(): Promise<void>
}

export interface ControlOptions {
  readonly tagPrefix: string
}

export interface ControlParts {
  readonly registry: Registry
  /** Takes the changes of one or more services, each replacing what the service had. */
  readonly publish: (changes: readonly ServiceRoutes[]) => void
  readonly world: World
  readonly log: Log
}

/** What is known of one service. */
interface KnownService {
  readonly definitions: readonly RouteDefinition[]
  readonly problems: readonly Problem[]
  /** By instance. */
  readonly evidence: ReadonlyMap<string, Evidence>
}

export function createControl(
  { tagPrefix }: ControlOptions,
  { registry, publish, world, log }: ControlParts,
): Control {
  const services = new Map<string, KnownService>()
  const subscribers = new Set<() => void>()
  let version = 0
  let changedAt: number | null = null
  /** Built when somebody looks, and kept until the next change. */
  let routes: Pick<TableView, 'routes' | 'problems'> | null = null

  function changed(changes: readonly ServiceInstances[]): void {
    const routed: ServiceRoutes[] = []
    for (const change of changes) {
      const before = services.get(change.service)
      const after = read(change)
      reportProblems(before?.problems ?? [], after.problems)
      if (change.instances.length === 0) services.delete(change.service)
      else services.set(change.service, after)
      const { definitions } = after
      // A check that only prints something else changes what operators see and nothing for the traffic.
      if (JSON.stringify(before?.definitions ?? []) === JSON.stringify(definitions)) continue
      routed.push({ service: change.service, definitions })
      logDelta(before?.definitions ?? [], definitions)
    }
    if (routed.length > 0) {
      publish(routed)
      version++
      changedAt = world.clock.now()
    }
    viewChanged()
  }

  function read({ instances }: ServiceInstances): KnownService {
    const rules = { prefix: tagPrefix, variables: { DC: registry.datacenter } }
    const definitions: RouteDefinition[] = []
    const problems: Problem[] = []
    const evidence = new Map<string, Evidence>()
    for (const { service, node, id, address, port, tags, state } of instances) {
      const instance = `${node}/${id}`
      evidence.set(instance, state)
      const found = definitionsOf({ service, instance, address, port, tags, healthy: state.routed }, rules)
      definitions.push(...found.definitions)
      problems.push(...found.problems)
    }
    return { definitions, problems, evidence }
  }

  /** Each is logged when it appears, once. */
  function reportProblems(before: readonly Problem[], after: readonly Problem[]): void {
    const known = new Set(before.map(problemText))
    for (const problem of after) {
      const text = problemText(problem)
      if (!known.has(text)) log.warn('routes', 'tag-rejected', text)
    }
  }

  function logDelta(before: readonly RouteDefinition[], after: readonly RouteDefinition[]): void {
    const old = new Set(before.filter((d) => d.healthy).map(definitionText))
    const fresh = new Set(after.filter((d) => d.healthy).map(definitionText))
    for (const line of old) if (!fresh.has(line)) log.info('routes', 'removed', `- ${line}`)
    for (const line of fresh) if (!old.has(line)) log.info('routes', 'added', `+ ${line}`)
  }

  function viewChanged(): void {
    routes = null
    for (const told of subscribers) told()
  }

  function buildRoutes(): Pick<TableView, 'routes' | 'problems'> {
    const all = [...services.values()]
    const evidence = new Map(all.flatMap((service) => [...service.evidence]))
    return {
      routes: routeViews(
        all.flatMap((service) => service.definitions),
        ({ instance }) => evidence.get(instance)!,
      ),
      problems: all.flatMap((service) => service.problems),
    }
  }

  function registryView(): TableView['registry'] {
    const { connected, lastContactAt, error } = registry.status()
    const { kind, address } = registry
    return { kind, address, connected, lastContactAt: isoTime(lastContactAt), error }
  }

  return {
    start: () => registry.start({ changed, statusChanged: viewChanged }),
    table() {
      routes ??= buildRoutes()
      return { version, changedAt: isoTime(changedAt), ...routes, registry: registryView() }
    },
    subscribe(told) {
      subscribers.add(told)
      return () => subscribers.delete(told)
    },
    close: () => registry.close(),
  }
}

const isoTime = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

const problemText = ({ service, instance, text, reason }: Problem): string =>
  `service ${service}, instance ${instance}, tag ${JSON.stringify(text)}: ${reason}`

/** A definition as the command that would make it (fabio reference 2.2). */
function definitionText({ service, source, url, weight, tags, optionText }: RouteDefinition): string {
  const parts = [`route add ${service} ${source.host}${source.path} ${url}`]
  if (weight > 0) parts.push(`weight ${weight}`)
  if (tags.length > 0) parts.push(`tags "${tags.join(',')}"`)
  if (optionText !== '') parts.push(`opts "${optionText}"`)
  return parts.join(' ')
}
