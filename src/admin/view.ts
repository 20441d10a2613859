/**
 * What the admin API says of the route table: `GET /api/table` answers a `TableView`, and `GET /api/events` sends one
 * with every change. The UI reads these types and nothing else of the gateway.
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
  readonly targets: readonly TargetView[]
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
  /** What went wrong last, empty while connected. */
  readonly error: string
}
