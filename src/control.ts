import { dryRun } from './admin/dry-run.ts'
import { fabioRouteText } from './admin/fabio-routes.ts'
import { type Change, History, instanceChanges, overrideChanges } from './admin/history.ts'
import { type LineDiff, lineDiff } from './admin/line-diff.ts'
import { Origins } from './admin/origins.ts'
import { serviceView, unroutedOf } from './admin/service-view.ts'
import { tableTree } from './admin/table-tree.ts'
import { type Evidence, routeViews, viewName } from './admin/table-view.ts'
import type {
  DryRunView,
  HistoryView,
  InstanceView,
  ProblemsView,
  RouteView,
  ServiceView,
  TableView,
  TargetView,
} from './admin/view.ts'
import { messageOf } from './base/errors.ts'
import { flat } from './base/flat.ts'
import type { Log } from './base/log.ts'
import type { World } from './base/world.ts'
import type { Matcher } from './match/matcher.ts'
import type { CommandDocument, Instance, Registry, ServiceInstances } from './registry/registry.ts'
import { parseCommands } from './route/command.ts'
import {
  matcherOf,
  type Problem,
  type RouteDefinition,
  routeKey,
  type ServiceRoutes,
  type Source,
} from './route/definition.ts'
import { Overrides } from './route/overrides.ts'
import { definitionsOf, isRouteTag, tagReader } from './route/tag.ts'

/** The control plane: turns what the registry says into route changes, and tells operators about them. */
export interface Control {
  /** Resolves once the first whole table was published. */
  start(): Promise<void>
  table(): TableView
  /** The table without its routes. */
  head(): Omit<TableView, 'routes'>
  /** Calls back after every change of the view, with the names (`viewName`) of the routes that may be others now. */
  subscribe(changed: (routes: ReadonlySet<string>) => void): () => void
  /** Of the routes of these names, those that are there. */
  routes(names: ReadonlySet<string>): readonly RouteView[]
  /** By name; those that commands alone state too. `only`: this one, or none where nobody knows it. */
  services(only?: string): readonly ServiceView[]
  problems(): ProblemsView
  /** What changed in the table, with its causes. */
  history(): HistoryView
  /** Everything at one source, whether it gets requests or not. */
  targets(source: Source, matcher: Matcher): readonly TargetView[]
  /** What saving this text under the name of an override would do. */
  dryRun(document: CommandDocument): DryRunView
  close(): Promise<void>
}

export interface ControlOptions {
  readonly tagPrefix: string
  /** `proxy.matcher` */
  readonly matcher: Matcher
  /** Names of the schemes of `proxy.auth`. */
  readonly authSchemes: readonly string[]
  /** `log.routes.format`: what is logged of a change of the table (fabio reference 10.2). */
  readonly logRoutes: 'delta' | 'all' | 'detail'
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
  readonly instances: readonly Instance[]
  readonly problems: readonly Problem[]
  /** What its tags make. */
  readonly definitions: readonly RouteDefinition[]
}

/** Who states a route by a command has no check that could fail. */
const ofCommand: Omit<Evidence, 'origin'> = { health: 'passing', reason: '' }

export function createControl(options: ControlOptions, parts: ControlParts): Control {
  const { registry, publish, publishNoRoutePage, publishAliases, world, log } = parts
  const overrides = new Overrides(options.matcher, options.authSchemes)
  const services = new Map<string, KnownService>()
  /** What was published last, by service. */
  const published = new Map<string, readonly RouteDefinition[]>()
  const subscribers = new Set<(routes: ReadonlySet<string>) => void>()
  const history = new History()
  let documents: readonly CommandDocument[] = []
  let origins = new Origins([])
  let commandProblems: readonly Problem[] = []
  let overrideProblems: readonly Problem[] = []
  let aliases = ''
  let hasNoRoutePage = false
  let version = 0
  let changedAt: number | null = null
  /** Built when somebody looks, and kept until the next change. */
  let routes: Pick<TableView, 'routes' | 'problems'> | null = null

  function servicesChanged(changes: readonly ServiceInstances[]): void {
    const affected = new Set<string>()
    const causes = changes.flatMap((change) => {
      const { service } = change
      const before = services.get(service)
      const known = tryToRead(change)
      if (known === null) return []
      reportProblems(before?.problems ?? [], known.problems)
      if (change.instances.length === 0) services.delete(service)
      else services.set(service, known)
      for (const name of overrides.setService(service, known.definitions)) affected.add(name)
      return instanceChanges(
        service,
        before?.instances.map(instanceView) ?? [],
        known.instances.map(instanceView),
      )
    })
    // Where only the words of a check are others, so is what is shown of the service.
    const told = changes.map(({ service }) => service)
    routesChanged(affected, { instances: causes, overrides: [] }, namesOf(told))
  }

  /** Null: it cannot be read, and keeps what it had. Whatever that is, it must not cost the others of this change. */
  function tryToRead(change: ServiceInstances): KnownService | null {
    try {
      return read(change)
    } catch (error) {
      log.error(
        'routes',
        'service-failed',
        `service ${change.service}: ${messageOf(error)}; keeping its routes`,
      )
      return null
    }
  }

  function read({ instances }: ServiceInstances): KnownService {
    const rules = { prefix: options.tagPrefix, variables: { DC: registry.datacenter } }
    const readTag = tagReader(rules)
    const definitions: RouteDefinition[] = []
    const problems: Problem[] = []
    for (const { service, node, id, address, port, tags, state } of instances) {
      const instance = flat(node, '/', id)
      const healthy = state.routed
      const found = definitionsOf({ service, instance, address, port, tags, healthy }, rules, readTag)
      definitions.push(...found.definitions)
      problems.push(...found.problems)
    }
    return { instances, definitions, problems }
  }

  /** All commands at once: their order counts, over all documents. */
  function commandsChanged(fresh: readonly CommandDocument[]): void {
    const causes = overrideChanges(documents, fresh)
    documents = fresh
    const read = documents.map(({ name, text }) => parseCommands(text, name))
    const problems = read.flatMap(({ mistakes }) =>
      mistakes.map(({ text, reason }): Problem => ({ service: '', instance: '', text, reason })),
    )
    reportProblems(commandProblems, problems)
    commandProblems = problems
    const commands = read.flatMap((document) => document.commands)
    const before = origins
    origins = new Origins(commands)
    const moved = [...published.values()].flat().filter((each) => before.of(each) !== origins.of(each))
    const affected = new Set(overrides.setCommands(commands))
    routesChanged(affected, { instances: [], overrides: causes }, new Set(moved.map(viewName)))
  }

  const namesOf = (services: Iterable<string>): Set<string> =>
    new Set([...services].flatMap((service) => published.get(service)?.map(viewName) ?? []))

  /** @param shown names of the routes of which something else is to be shown, whether they are others or not */
  function routesChanged(
    affected: ReadonlySet<string>,
    causes: Omit<Change, keyof LineDiff>,
    shown: Set<string>,
  ): void {
    const { problems } = overrides
    reportProblems(overrideProblems, problems)
    overrideProblems = problems
    const changes: ServiceRoutes[] = []
    let hasAlias = false
    const diffs: LineDiff[] = []
    for (const service of affected) {
      const definitions = overrides.definitionsOf(service)
      const before = published.get(service) ?? []
      // A check that only prints something else changes what operators see and nothing for the traffic.
      if (JSON.stringify(before) === JSON.stringify(definitions)) continue
      if (definitions.length === 0) published.delete(service)
      else published.set(service, definitions)
      for (const definition of [...before, ...definitions]) {
        shown.add(viewName(definition))
        hasAlias ||= definition.options.register !== undefined
      }
      changes.push({ service, definitions })
      diffs.push(lineDiff(before, definitions))
    }
    const now = world.clock.now()
    if (changes.length > 0) {
      publish(changes)
      version++
      changedAt = now
      // All definitions are gone through for it.
      if (hasAlias) findAliases()
    }
    const added = diffs.flatMap((diff) => diff.added)
    const removed = diffs.flatMap((diff) => diff.removed)
    history.record({ ...causes, added, removed }, version, now)
    viewChanged(shown)
    logRoutes({ added, removed })
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

  function logRoutes({ added, removed }: LineDiff): void {
    if (added.length + removed.length === 0) return
    if (options.logRoutes === 'delta') {
      for (const line of removed) log.info('routes', 'removed', `- ${line}`)
      for (const line of added) log.info('routes', 'added', `+ ${line}`)
      return
    }
    routes ??= buildRoutes()
    const text = options.logRoutes === 'all' ? fabioRouteText(routes).trimEnd() : tableTree(routes.routes)
    log.info('routes', 'table', `the table is now\n${text}`)
  }

  function viewChanged(names: ReadonlySet<string>): void {
    routes = null
    for (const told of subscribers) told(names)
  }

  function buildRoutes(): Pick<TableView, 'routes' | 'problems'> {
    return { routes: routeViews([...published.values()].flat(), evidence(services)), problems: allProblems() }
  }

  /**
   * What is known of the instance of a definition.
   *
   * @param known the services that they are of
   */
  function evidence(known: ReadonlyMap<string, KnownService>): (definition: RouteDefinition) => Evidence {
    const states = new Map<string, Omit<Evidence, 'origin'>>()
    for (const { instances } of known.values()) {
      for (const { node, id, state } of instances) states.set(`${node}/${id}`, state)
    }
    return (definition) => {
      const { health, reason } = states.get(definition.instance) ?? ofCommand
      return { health, reason, origin: origins.of(definition) }
    }
  }

  const allProblems = (): Problem[] => [
    ...[...services.values()].flatMap((service) => service.problems),
    ...commandProblems,
    ...overrideProblems,
  ]

  const factsOf = (service: string) => {
    const known = services.get(service)
    return {
      service,
      instances: known?.instances.map(instanceView) ?? [],
      problems: [
        ...(known?.problems ?? []),
        ...overrideProblems.filter((problem) => problem.service === service),
      ],
      definitions: published.get(service) ?? [],
    }
  }

  function registryView(): TableView['registry'] {
    const { connected, lastContactAt, oldSince = null, error } = registry.status()
    const { kind, address } = registry
    return {
      kind,
      address,
      connected,
      lastContactAt: isoTime(lastContactAt),
      oldSince: isoTime(oldSince),
      error,
    }
  }

  return {
    start: () =>
      registry.start({
        changed: servicesChanged,
        commandsChanged,
        noRoutePageChanged(html) {
          if (html === '' && !hasNoRoutePage) return
          hasNoRoutePage = html !== ''
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
          viewChanged(new Set())
        },
      }),
    table() {
      routes ??= buildRoutes()
      return { version, changedAt: isoTime(changedAt), ...routes, registry: registryView() }
    },
    head: () => ({
      version,
      changedAt: isoTime(changedAt),
      problems: routes?.problems ?? allProblems(),
      registry: registryView(),
    }),
    subscribe(told) {
      subscribers.add(told)
      return () => subscribers.delete(told)
    },
    routes(names) {
      const there =
        names.size === 0 ? [] : [...published.values()].flat().filter((each) => names.has(viewName(each)))
      const known = new Map<string, KnownService>()
      for (const { service } of there) {
        const own = services.get(service)
        if (own !== undefined) known.set(service, own)
      }
      return routeViews(there, evidence(known))
    },
    services(only) {
      const names = new Set([...services.keys(), ...published.keys()])
      const wanted = only === undefined ? [...names].sort() : [only].filter((name) => names.has(name))
      return wanted.map((service) => serviceView(factsOf(service)))
    },
    problems: () => ({
      rejected: allProblems(),
      unrouted: [...services.keys()]
        .sort()
        .flatMap((service) => unroutedOf(factsOf(service), (tag) => isRouteTag(tag, options.tagPrefix))),
    }),
    history: () => history.view(),
    targets(source, matcher) {
      const key = routeKey(source, matcher)
      const there = [...published.values()]
        .flat()
        .filter((definition) => routeKey(definition.source, matcherOf(definition, options.matcher)) === key)
      return routeViews(there, evidence(services)).flatMap(({ targets }) => targets)
    },
    dryRun: (document) =>
      dryRun(document, {
        matcher: options.matcher,
        authSchemes: options.authSchemes,
        given: [...services].map(([service, { definitions }]) => [service, definitions] as const),
        documents,
        published,
      }),
    close: () => registry.close(),
  }
}

const instanceView = ({ node, id, address, port, tags, state }: Instance): InstanceView => ({
  instance: `${node}/${id}`,
  address: `${address.includes(':') && !address.startsWith('[') ? `[${address}]` : address}:${port}`,
  tags,
  ...state,
})

const isoTime = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

function problemText({ service, instance, text, reason }: Problem): string {
  if (instance === '') return `${JSON.stringify(text)}: ${reason}`
  return `service ${service}, instance ${instance}, tag ${JSON.stringify(text)}: ${reason}`
}
