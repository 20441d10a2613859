import type { FabioRoute } from './fabio-routes.ts'
import {
  anything,
  list,
  moment,
  number,
  object,
  oneOf,
  orNull,
  type Schema,
  text,
  truth,
  whole,
} from './schema.ts'
import type { SeriesView, ServiceTrafficView, TrafficView } from './traffic-view.ts'
import type {
  ChangeView,
  ConfigValueView,
  DryRunView,
  ExplainedAnswerView,
  ExplainedHostView,
  ExplainedRequestView,
  ExplainedRouteView,
  ExplainedTargetView,
  ExplanationView,
  FieldView,
  HistoryView,
  InstanceChangeView,
  InstanceView,
  MistakeView,
  OverrideChangeView,
  ProblemsView,
  ProblemView,
  RegistryView,
  RouteView,
  ServiceRouteView,
  ServicesView,
  ServiceView,
  TableView,
  TargetView,
  UnroutedView,
} from './view.ts'

const health = oneOf('passing', 'warning', 'critical', 'maintenance')
const instance = text('node/service-id')
const share = number("part of the route's requests, 0 to 1")
const texts = list(text())

export const fabioRoutesSchema: Schema = orNull(
  list(
    object<FabioRoute>(
      {
        service: text(),
        host: text(),
        path: text(),
        src: text(),
        dst: text(),
        opts: text(),
        weight: share,
        tags: texts,
        cmd: oneOf('route add'),
        rate1: number('always 0'),
        pct99: number('always 0'),
      },
      'tags',
    ),
  ),
)

const targetProperties = {
  service: text(),
  instance,
  address: text('host:port'),
  url: text(),
  share,
  weight: number('as it was asked for; 0: an equal part of what is left'),
  tags: texts,
  options: text(),
  routed: truth('whether it may get requests'),
  health,
  reason: text('why it is not passing: the check and what it printed'),
  origin: text('tag, or the place of the command'),
  inFlight: whole('requests that it has now, over all its routes'),
  failures: whole('requests in a row that have failed at it'),
  ejectedUntil: {
    ...moment,
    description: 'until when it gets none because of that; past: the next request decides',
  },
  ejectedIn: whole('in how many processes that serve it is so'),
  processes: whole('how many there are'),
  rise: number('how much of its share it gets while it starts slowly, 0 to 1'),
}

/** There while there is something to say. */
const liveFields = ['inFlight', 'failures', 'ejectedUntil', 'ejectedIn', 'processes', 'rise'] as const

const target = object<TargetView>(targetProperties, ...liveFields)

const problem = object<ProblemView>({
  service: text(),
  instance: text('empty where a command is at fault'),
  text: text('the tag or the line as it was written'),
  reason: text(),
})

export const tableSchema: Schema = object<TableView>({
  version: whole('counts up with every change'),
  changedAt: orNull(moment),
  routes: list(
    object<RouteView>(
      {
        host: text('empty: any host'),
        path: text(),
        matcher: text('absent: proxy.matcher'),
        targets: list(target),
      },
      'matcher',
    ),
  ),
  problems: list(problem),
  registry: object<RegistryView>({
    kind: text(),
    address: text(),
    connected: truth(),
    lastContactAt: orNull(moment),
    oldSince: orNull(moment),
    error: text('what went wrong last, empty while connected'),
  }),
})

export const servicesSchema: Schema = object<ServicesView>({
  version: whole('of the table'),
  services: list(
    object<ServiceView>({
      service: text(),
      instances: list(
        object<InstanceView>({
          instance,
          address: text('host:port'),
          tags: texts,
          routed: truth('whether its checks let it have requests'),
          health,
          reason: text('the check and what it printed'),
        }),
      ),
      routes: list(
        object<ServiceRouteView>({
          source: text('host and path'),
          instance: text('empty: a command states it'),
          url: text(),
          weight: number(),
          options: text(),
          routed: truth(),
          reason: text('why it gets no requests'),
        }),
      ),
      problems: list(problem),
    }),
  ),
})

export const problemsSchema: Schema = object<ProblemsView>({
  rejected: list(problem, 'tags and lines that are not served, or not in full'),
  unrouted: list(
    object<UnroutedView>({ service: text(), instance, tags: texts, health, reason: text() }),
    'instances that ask for routes and get no request at all',
  ),
})

export const historySchema: Schema = object<HistoryView>({
  capacity: whole('the most changes that are kept'),
  changes: list(
    object<ChangeView>({
      version: whole('of the table after it'),
      at: moment,
      instances: list(
        object<InstanceChangeView>({
          service: text(),
          instance,
          before: orNull(health),
          after: orNull(health),
          reason: text(),
          tagsAdded: texts,
          tagsRemoved: texts,
        }),
      ),
      overrides: list(
        object<OverrideChangeView>({ name: text(), change: oneOf('added', 'changed', 'removed') }),
      ),
      added: texts,
      removed: texts,
      total: object<ChangeView['total']>({ instances: whole(), added: whole(), removed: whole() }),
    }),
    'the newest first',
  ),
})

const points = (description: string): Schema => list(orNull(number()), description)

export const trafficSchema: Schema = object<TrafficView>({
  at: orNull(moment),
  everySeconds: number('between two points; at is the end of the newest'),
  service: orNull(text('what the series are of; null: everything')),
  series: object<SeriesView>({
    requests: points('a second; the oldest point first, null: nothing is known of it'),
    errors: points('a second, with a status of 500 or above'),
    p50: points('milliseconds'),
    p99: points('milliseconds'),
    connectionsOpen: points('none for one service'),
    connectionsAccepted: points('a second; none for one service'),
  }),
  services: list(
    object<ServiceTrafficView>({
      service: text('empty: routes without an instance to ask'),
      requests: whole('within the time of the series'),
      errors: whole(),
    }),
    'those with the most requests first',
  ),
  omitted: whole('services without a series of their own, because too many others have one'),
})

const mistake = object<MistakeView>({
  line: whole('from 1'),
  text: text(),
  reason: text(),
  refused: truth('the line makes no command at all'),
})

export const mistakesSchema: Schema = object<{ error: string; mistakes: MistakeView[] }>(
  { error: text(), mistakes: list(mistake) },
  'mistakes',
)

export const dryRunSchema: Schema = object<DryRunView>({
  mistakes: list(mistake),
  added: list(text(), 'commands that the table would have and has not'),
  removed: list(text(), 'commands that the table has and would not have'),
})

export const configSchema: Schema = {
  type: 'object',
  additionalProperties: object<ConfigValueView>({
    value: anything,
    source: text('default, file F:LINE, env NAME or flag'),
    default: anything,
    type: text(),
  }),
}

const field = object<FieldView>({ name: text(), value: text() })

export const explanationSchema: Schema = object<ExplanationView>({
  method: text(),
  url: text('as it was asked for'),
  tableVersion: whole(),
  host: text('as routing compares it'),
  path: text('with escapes and dot segments resolved'),
  hosts: list(
    object<ExplainedHostView>({
      host: text('empty: any host'),
      matched: truth(),
      routes: list(
        object<ExplainedRouteView>({ path: text(), matcher: text(), chosen: truth(), why: text() }),
      ),
      otherPaths: list(text(), "those that do not match, the most like the request's first"),
    }),
    'in the order in which they are asked',
  ),
  route: orNull(
    object<NonNullable<ExplanationView['route']>>({ host: text(), path: text(), matcher: text() }),
  ),
  why: text(),
  answer: orNull(object<ExplainedAnswerView>({ status: whole(), fields: list(field), body: text() })),
  targets: list(
    object<ExplainedTargetView>(
      {
        ...targetProperties,
        why: text('why it gets its part of the requests, and why not one at this moment'),
        request: orNull(
          object<ExplainedRequestView>({ method: text(), target: text(), fields: list(field) }),
        ),
        asked: list(text(), 'what a real request would have to pass before, and was not asked'),
      },
      ...liveFields,
    ),
  ),
})

export const errorSchema: Schema = object<{ error: string }>({ error: text() })
