import { quantileOf } from '../observe/push/durations.ts'

import type { LabelledRows } from '../observe/rows.ts'
import type { MeterLabels } from '../route/meter.ts'

/**
 * What the traffic plane has counted, as the page and its API want it: cumulative, so that any two readings give what
 * happened between them. This room states what it needs; the commands fill it from what the traffic plane has.
 */
export interface TrafficFigures {
  /** Upper bounds of the latency buckets, ascending, in milliseconds. */
  readonly bounds: readonly number[]
  readonly services: readonly ServiceFigures[]
  /** Of each target of each route, as the traffic plane has them. */
  readonly targets: LabelledRows<MeterLabels>
  /** Of the addresses of which there is something to say, whether anything was ever counted for them or not. */
  readonly states: readonly AddressState[]
  /** Requests that no service was asked for: no route, or refused before one was looked for. */
  readonly unplaced: number
  readonly connectionsAccepted: number
  readonly connectionsOpen: number
}

/** Counts that only grow, but for a restart of whoever counts. */
export interface Counts {
  readonly requests: number
  /** Of these, the ones that ended in a status of 500 or above. */
  readonly errors: number
  /** Of their durations: as many as took up to each bound and no less than the one before; the last: longer. */
  readonly buckets: readonly number[]
}

export interface ServiceFigures extends Counts {
  /** Empty: routes that had no instance to ask. */
  readonly service: string
}

/** What traffic has taught about an address, over all services that are there. */
export interface AddressState {
  /** `host:port`, IPv6 in brackets. */
  readonly address: string
  /** Requests that are with it now. */
  readonly inFlight: number
  /** Requests in a row that have failed at it. */
  readonly failures: number
  /** Until when it gets none because of that, milliseconds since the epoch; null: it is not ejected. */
  readonly ejectedUntil: number | null
  /** How much of its share it gets while it starts slowly, 0 to 1; 1: all of it. */
  readonly rise: number
  /** It gets none any more, and those that run may end. */
  readonly draining: boolean
}

export type ReadTrafficFigures = () => Promise<TrafficFigures>

/** What happened between two readings. */
export function growth(before: Counts | undefined, after: Counts): Counts {
  // Who counts began anew: what is there now came since.
  if (before === undefined || before.requests > after.requests) return after
  return {
    requests: after.requests - before.requests,
    errors: Math.max(0, after.errors - before.errors),
    buckets: after.buckets.map((count, i) => Math.max(0, count - (before.buckets[i] ?? 0))),
  }
}

/**
 * The duration that a part `q` (0 to 1) of the requests did not exceed, in milliseconds: within its bucket they are
 * taken as evenly spread. Null: there was none. Longer than all bounds: the last of them.
 */
export const quantile = (q: number, buckets: readonly number[], bounds: readonly number[]): number | null =>
  buckets.some((count) => count > 0) ? quantileOf(q, buckets, bounds) : null

/** The sum of what several have counted. */
export function sumOf(counts: Iterable<Counts>): Counts {
  let requests = 0
  let errors = 0
  const buckets: number[] = []
  for (const each of counts) {
    requests += each.requests
    errors += each.errors
    for (const [i, count] of each.buckets.entries()) buckets[i] = (buckets[i] ?? 0) + count
  }
  return { requests, errors, buckets }
}
