/** What passes through now: the event `figures` of `GET /api/events`. */
export interface FiguresView {
  /** How many seconds, up to the moment it is sent, the rates are of. */
  readonly seconds: number
  readonly total: RateView & {
    /** Client connections that are open. */
    readonly connectionsOpen: number
  }
  /** By name; one without a request in that time is not among them. The empty name: routes without an instance. */
  readonly services: Readonly<Record<string, RateView>>
  readonly instances: InstancesView
  /** What traffic has taught, by address; one of which there is nothing to say is not among them. */
  readonly states: Readonly<Record<string, AddressStateView>>
}

/** By service and address; idle ones are not among them. */
export type InstancesView = Readonly<Record<string, Readonly<Record<string, InstanceRatesView>>>>

export interface InstanceRatesView {
  /** Over all its routes; absent: one alone has something to say, and says it. */
  readonly all?: RowRatesView
  /**
   * By route: host and path in one word, and with a blank and the destination behind it where that says more than the
   * address. Idle ones are not among them.
   */
  readonly rows: Readonly<Record<string, RowRatesView>>
}

/** A RateView, and what is in flight now, without names: there may be 20,000 of them. */
export type RowRatesView = readonly [
  requests: number,
  errors: number,
  p50: number | null,
  p99: number | null,
  inFlight: number,
]

export interface RateView {
  /** A second. */
  readonly requests: number
  /** The part of them that ended in a status of 500 or above, 0 to 1. */
  readonly errors: number
  /** Milliseconds that half of the requests, and 99 of 100, took at most; null: there was none. */
  readonly p50: number | null
  readonly p99: number | null
}

export interface AddressStateView {
  /** Requests that are with it now. */
  readonly inFlight: number
  /** Requests in a row that have failed at it. */
  readonly failures: number
  /** Until when it gets none because of that, ISO 8601 in UTC: past, the next request decides. Null: it is not so. */
  readonly ejectedUntil: string | null
  /** How much of its share it gets while it starts slowly, 0 to 1; 1: all of it. */
  readonly rise: number
  /** It gets none any more, and those that run may end. */
  readonly draining: boolean
}

/** `GET /api/traffic` */
export interface TrafficView {
  /** End of the newest point, ISO 8601 in UTC; null: there is none yet. */
  readonly at: string | null
  /** Between two points. */
  readonly everySeconds: number
  /** What the series are of; null: of everything. */
  readonly service: string | null
  readonly series: SeriesView
  /** Of those that had a request within the time of the series, those with the most first. */
  readonly services: readonly ServiceTrafficView[]
  /** How many services have no series because too many others have one. */
  readonly omitted: number
}

/** The oldest point first; null: nothing is known of that time, or nothing passed of which it could be said. */
export interface SeriesView {
  /** A second. */
  readonly requests: readonly (number | null)[]
  /** Requests that ended in a status of 500 or above, a second. */
  readonly errors: readonly (number | null)[]
  /** Milliseconds that half of the requests, and 99 of 100, took at most. */
  readonly p50: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  /** Client connections that were open; empty for one service. */
  readonly connectionsOpen: readonly (number | null)[]
  /** Client connections that were accepted, a second; empty for one service. */
  readonly connectionsAccepted: readonly (number | null)[]
}

export interface ServiceTrafficView {
  /** Empty: routes that had no instance to ask. */
  readonly service: string
  /** Within the time of the series. */
  readonly requests: number
  readonly errors: number
}
