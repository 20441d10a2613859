import type { Matcher } from '../match/matcher.ts'

/**
 * What the admin API says of the route table: `GET /api/table` answers a `TableView`, and `GET /api/events` sends one
 * at first. The UI reads these types, runs `route-name.ts` and `table-changes.ts`, and knows nothing else of the gateway.
 */
export interface TableView {
  /** Counts up with every change of the table. */
  readonly version: number
  /** When the table last changed, ISO 8601 in UTC; null before the first one. */
  readonly changedAt: string | null
  /** Hosts ascending, the empty host (any host) last; within a host the longer path first. */
  readonly routes: readonly RouteView[]
  readonly problems: readonly ProblemView[]
  readonly registry: RegistryView
}

export interface RouteView {
  /** Lower-case; empty: any host. */
  readonly host: string
  /** Prefix of the path, `/` for all; empty: a TCP port route. */
  readonly path: string
  /** Absent: `proxy.matcher`. The same host and path with another one is another route. */
  readonly matcher?: Matcher
  readonly targets: readonly TargetView[]
}

/** What became another since the table of which `after` is the sequence: the event `changes` of `GET /api/events`. */
export interface TableChanges extends Pick<TableView, 'version' | 'changedAt' | 'registry'> {
  readonly after: number
  /** Of the table with these changes. */
  readonly sequence: number
  /** Routes that came or are not what they were, whole. */
  readonly routes: readonly RouteView[]
  /** Routes that went, as `routeName` names them. */
  readonly gone: readonly string[]
  /** Absent: they are what they were. */
  readonly problems?: readonly ProblemView[]
}

/** The event `table`: the whole of it, and where the changes that follow begin. */
export interface SequencedTable extends TableView {
  readonly sequence: number
}

export interface TargetView {
  readonly service: string
  /** `node/service-id` of the instance. */
  readonly instance: string
  /** `host:port`, IPv6 in brackets. */
  readonly address: string
  /** The destination as fabio writes it, e.g. `http://10.0.0.1:8080/`. */
  readonly url: string
  /** Part of the route's requests that this instance is to get, 0 to 1. An unhealthy one gets 0. */
  readonly share: number
  /** The weight that its tag asked for; 0: an equal part of what is left. */
  readonly weight: number
  readonly tags: readonly string[]
  /** `strip=/foo host=dst`, empty for none. */
  readonly options: string
  /** Whether it may get requests at all: its checks satisfy `registry.consul.service.status`. */
  readonly routed: boolean
  readonly health: HealthView
  /** Why it is not passing: the check and what it printed. Empty when passing. */
  readonly reason: string
  /** Where it comes from: `tag` of the instance, or the place of the command, `fabio/config/team-a: line 3`. */
  readonly origin: string
  /** Requests that it has now, over all its routes. Absent, as those below: there is nothing to say. */
  readonly inFlight?: number
  /** Requests in a row that have failed at it. */
  readonly failures?: number
  /** Until when it gets none because of what they did, ISO 8601 in UTC: past, the next request decides. */
  readonly ejectedUntil?: string
  /** In how many processes that serve it is so, and how many there are. */
  readonly ejectedIn?: number
  readonly processes?: number
  /** How much of its share it gets while it starts slowly, 0 to 1. */
  readonly rise?: number
}

export type HealthView = 'passing' | 'warning' | 'critical' | 'maintenance'

/** Something that somebody wrote and that is not served. It costs only itself. */
export interface ProblemView {
  readonly service: string
  readonly instance: string
  /** The tag or line as it was written. */
  readonly text: string
  readonly reason: string
}

export interface RegistryView {
  /** `consul` */
  readonly kind: string
  /** `http://localhost:8500` */
  readonly address: string
  readonly connected: boolean
  /** When it last answered, ISO 8601 in UTC; null before the first answer. */
  readonly lastContactAt: string | null
  /**
   * Since when some of the table may be no longer so although the registry answers, ISO 8601 in UTC: its servers have
   * lost their leader, or it refuses a question. Null: it is not so.
   */
  readonly oldSince: string | null
  /** Why there is no contact, or why something may be old. Empty: nothing is wrong. */
  readonly error: string
}

/** `GET /api/services` */
export interface ServicesView {
  /** Of the table. */
  readonly version: number
  /** By name; those that commands alone state too. */
  readonly services: readonly ServiceView[]
}

export interface ServiceView {
  readonly service: string
  readonly instances: readonly InstanceView[]
  /** What it has after the manual overrides. */
  readonly routes: readonly ServiceRouteView[]
  readonly problems: readonly ProblemView[]
}

export interface InstanceView {
  /** `node/service-id` */
  readonly instance: string
  /** `host:port`, IPv6 in brackets. */
  readonly address: string
  /** All of its tags as they were registered. */
  readonly tags: readonly string[]
  /** Whether its checks let it have requests. */
  readonly routed: boolean
  readonly health: HealthView
  /** The check and what it printed. Empty when passing. */
  readonly reason: string
}

export interface ServiceRouteView {
  /** `foo.com/bar` */
  readonly source: string
  /** Empty: a command states it. */
  readonly instance: string
  readonly url: string
  readonly weight: number
  readonly options: string
  readonly routed: boolean
  /** Why it gets no requests; empty: it does. */
  readonly reason: string
}

/** `GET /api/problems` */
export interface ProblemsView {
  /** Tags and lines that are not served, or not in full. */
  readonly rejected: readonly ProblemView[]
  /** Instances with a tag for a route that get no request at all. */
  readonly unrouted: readonly UnroutedView[]
}

export interface UnroutedView {
  readonly service: string
  readonly instance: string
  /** Those that ask for routes. */
  readonly tags: readonly string[]
  readonly health: HealthView
  readonly reason: string
}

/** `GET /api/history` */
export interface HistoryView {
  /** The most changes that are kept. */
  readonly capacity: number
  /** The newest first. */
  readonly changes: readonly ChangeView[]
}

/** What came together, and what it changed. */
export interface ChangeView {
  /** Of the table after it. */
  readonly version: number
  /** ISO 8601 in UTC. */
  readonly at: string
  /** The causes: instances that came, went, or have another health or other tags. */
  readonly instances: readonly InstanceChangeView[]
  /** The causes: overrides that were written. */
  readonly overrides: readonly OverrideChangeView[]
  /** Commands that the table has now and did not have, and the other way round. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** How many there were of each: of a large change the lists have the first ones only. */
  readonly total: { readonly instances: number; readonly added: number; readonly removed: number }
}

export interface InstanceChangeView {
  readonly service: string
  readonly instance: string
  /** Null: it was not there. */
  readonly before: HealthView | null
  /** Null: it is gone. */
  readonly after: HealthView | null
  /** Of its health now, or of what it last had. */
  readonly reason: string
  readonly tagsAdded: readonly string[]
  readonly tagsRemoved: readonly string[]
}

export interface OverrideChangeView {
  /** The name of the document: `fabio/config/team-a`. */
  readonly name: string
  readonly change: 'added' | 'changed' | 'removed'
}

/** What saving an override would do: `POST /api/manual/check`. */
export interface DryRunView {
  readonly mistakes: readonly MistakeView[]
  /** Commands that the table would have and has not, and the other way round. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export interface MistakeView {
  /** From 1. */
  readonly line: number
  readonly text: string
  readonly reason: string
  /** The line makes no command at all; else it is a command that is not served, or not in full. */
  readonly refused: boolean
}

/** `GET /api/settings`: by key. */
export type ConfigView = Readonly<Record<string, ConfigValueView>>

export interface ConfigValueView {
  /** Durations in ms. Secrets are shown as `(secret)`. */
  readonly value: unknown
  /** `default`, `file F:LINE`, `env NAME` or `flag`; `follows from KEY` where another option decides. */
  readonly source: string
  readonly default: unknown
  /** `duration`, `one of rr, rnd` */
  readonly type: string
}

/** `GET /api/ui`: how the operator named and coloured this gateway, and what the page may do. */
export interface PageInfo {
  /** `ui.title`, may be empty. */
  readonly title: string
  /** `ui.color`, a colour of Materialize. */
  readonly color: string
  readonly version: string
  /** `ui.access` */
  readonly access: 'rw' | 'ro'
}

/** `GET /api/explain` */
export interface ExplanationView {
  readonly method: string
  /** As it was asked for. */
  readonly url: string
  readonly tableVersion: number
  /** The host and the path that routing looks at. */
  readonly host: string
  readonly path: string
  /** In the order in which they are asked. */
  readonly hosts: readonly ExplainedHostView[]
  readonly route: { readonly host: string; readonly path: string; readonly matcher: string } | null
  /** Why this route. */
  readonly why: string
  /** What the client gets from the gateway itself; null: an instance answers. */
  readonly answer: ExplainedAnswerView | null
  readonly targets: readonly ExplainedTargetView[]
}

export interface ExplainedHostView {
  /** Empty: any host. */
  readonly host: string
  readonly matched: boolean
  readonly routes: readonly ExplainedRouteView[]
  /** Paths of the host that do not match, those most like the request's. */
  readonly otherPaths: readonly string[]
}

export interface ExplainedRouteView {
  readonly path: string
  readonly matcher: string
  readonly chosen: boolean
  readonly why: string
}

export interface ExplainedTargetView extends TargetView {
  /** Why it gets its part of the requests, or none. */
  readonly why: string
  /** What it would be sent; null: nothing, or it is one of too many. */
  readonly request: ExplainedRequestView | null
  /** What a real request would have to pass before, and was not asked: `auth staff`. */
  readonly asked: readonly string[]
}

export interface ExplainedRequestView {
  readonly method: string
  /** Path and query after `strip` and `prepend`. */
  readonly target: string
  readonly fields: readonly FieldView[]
}

export interface ExplainedAnswerView {
  readonly status: number
  readonly fields: readonly FieldView[]
  readonly body: string
}

export interface FieldView {
  readonly name: string
  readonly value: string
}
