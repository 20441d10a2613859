import { type Evidence, routeViews } from './admin/table-view.ts'
import type { TableView } from './admin/view.ts'
import type { Log } from './base/log.ts'
import type { World } from './base/world.ts'
import type { Matcher } from './match/matcher.ts'
import type { CommandDocument, Registry, ServiceInstances } from './registry/registry.ts'
import { parseCommands, printDefinition } from './route/command.ts'
import { isServed, type Problem, type RouteDefinition, type ServiceRoutes } from './route/definition.ts'
import { Overrides } from './route/overrides.ts'
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
  /** `proxy.matcher` */
  readonly matcher: Matcher
}

export interface ControlParts {
  readonly registry: Registry
  /** Takes the changes of one or more services, each replacing what the service had. */
  readonly publish: (changes: readonly ServiceRoutes[]) => void
  /** Takes the page for requests without a route; empty: none. */
  readonly publishNoRoutePage: (html: string) => void
  /** Takes the names that `register=` options ask for. */
  readonly publishAliases: (names: readonly string[]) => void
  /** Contact with the registry was lost or came back. */
  readonly statusChanged: () => void
  readonly world: World
  readonly log: Log
}

/** What is known of one service beside its routes. */
interface KnownService {
  readonly problems: readonly Problem[]
  /** By instance. */
  readonly evidence: ReadonlyMap<string, Evidence>
}

/** Who states a route by a command has no check that could fail. */
const ofCommand: Evidence = { health: 'passing', reason: '' }

export function createControl(options: ControlOptions, parts: ControlParts): Control {
  const { registry, publish, publishNoRoutePage, publishAliases, world, log } = parts
  const overrides = new Overrides(options.matcher)
  const services = new Map<string, KnownService>()
  /** What was published last, by service. */
  const published = new Map<string, readonly RouteDefinition[]>()
  const subscribers = new Set<() => void>()
  let commandProblems: readonly Problem[] = []
  let overrideProblems: readonly Problem[] = []
  let aliases = ''
  let version = 0
  let changedAt: number | null = null
  /** Built when somebody looks, and kept until the next change. */
  let routes: Pick<TableView, 'routes' | 'problems'> | null = null

  function servicesChanged(changes: readonly ServiceInstances[]): void {
    const affected = new Set<string>()
    for (const change of changes) {
      const { definitions, ...known } = read(change)
      reportProblems(services.get(change.service)?.problems ?? [], known.problems)
      if (change.instances.length === 0) services.delete(change.service)
      else services.set(change.service, known)
      for (const service of overrides.setService(change.service, definitions)) affected.add(service)
    }
    routesChanged(affected)
  }

  function read({ instances }: ServiceInstances): KnownService & { definitions: RouteDefinition[] } {
    const rules = { prefix: options.tagPrefix, variables: { DC: registry.datacenter } }
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

  /** All commands at once: their order counts, over all documents. */
  function commandsChanged(documents: readonly CommandDocument[]): void {
    const read = documents.map(({ name, text }) => parseCommands(text, name))
    const problems = read.flatMap(({ mistakes }) =>
      mistakes.map(({ text, reason }): Problem => ({ service: '', instance: '', text, reason })),
    )
    reportProblems(commandProblems, problems)
    commandProblems = problems
    routesChanged(new Set(overrides.setCommands(read.flatMap(({ commands }) => commands))))
  }

  function routesChanged(affected: ReadonlySet<string>): void {
    const { problems } = overrides
    reportProblems(overrideProblems, problems)
    overrideProblems = problems
    const changes: ServiceRoutes[] = []
    for (const service of affected) {
      const definitions = overrides.definitionsOf(service)
      const before = published.get(service) ?? []
      // A check that only prints something else changes what operators see and nothing for the traffic.
      if (JSON.stringify(before) === JSON.stringify(definitions)) continue
      if (definitions.length === 0) published.delete(service)
      else published.set(service, definitions)
      changes.push({ service, definitions })
      logDelta(before, definitions)
    }
    if (changes.length > 0) {
      publish(changes)
      version++
      changedAt = world.clock.now()
      findAliases()
    }
    viewChanged()
  }

  function findAliases(): void {
    const names = new Set<string>()
    for (const definitions of published.values()) {
      for (const { options: own } of definitions) if (own.register !== undefined) names.add(own.register)
    }
    const sorted = [...names].sort()
    if (sorted.join('\n') === aliases) return
    aliases = sorted.join('\n')
    publishAliases(sorted)
  }

  /** Each is logged when it appears, once. */
  function reportProblems(before: readonly Problem[], after: readonly Problem[]): void {
    if (after.length === 0) return
    const known = new Set(before.map(problemText))
    for (const problem of after) {
      const text = problemText(problem)
      if (!known.has(text))
        log.warn('routes', problem.instance === '' ? 'command-rejected' : 'tag-rejected', text)
    }
  }

  function logDelta(before: readonly RouteDefinition[], after: readonly RouteDefinition[]): void {
    const old = new Set(before.filter(isServed).map(printDefinition))
    const fresh = new Set(after.filter(isServed).map(printDefinition))
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
        [...published.values()].flat(),
        ({ instance }) => evidence.get(instance) ?? ofCommand,
      ),
      problems: [...all.flatMap((service) => service.problems), ...commandProblems, ...overrideProblems],
    }
  }

  function registryView(): TableView['registry'] {
    const { connected, lastContactAt, error } = registry.status()
    const { kind, address } = registry
    return { kind, address, connected, lastContactAt: isoTime(lastContactAt), error }
  }

  return {
    start: () =>
      registry.start({
        changed: servicesChanged,
        commandsChanged,
        noRoutePageChanged(html) {
          log.info(
            'routes',
            'no-route-page',
            html === ''
              ? 'unset the page for requests without a route'
              : `set the page for requests without a route (${html.length} characters)`,
          )
          publishNoRoutePage(html)
        },
        statusChanged() {
          parts.statusChanged()
          viewChanged()
        },
      }),
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

function problemText({ service, instance, text, reason }: Problem): string {
  if (instance === '') return `${JSON.stringify(text)}: ${reason}`
  return `service ${service}, instance ${instance}, tag ${JSON.stringify(text)}: ${reason}`
}
