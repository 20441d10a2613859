/** What traffic has taught one process about an upstream at this moment. Plain data. */
export interface LiveUpstream {
  /** `http://10.0.0.1:8080` */
  readonly origin: string
  /** Requests that are with it. */
  readonly inFlight: number
  /** How many processes have ejected it. */
  readonly ejectedIn: number
  /** Until when, milliseconds since the epoch: past, its probe is awaited. Null: it is not ejected. */
  readonly ejectedUntil: number | null
  /** In a row. */
  readonly failures: number
  /** How much of its share it gets while it starts slowly, 0 to 1; 1: all of it. */
  readonly rise: number
  /** No table names it any more, and what runs may end. */
  readonly isDraining: boolean
}

/** One for each origin: those that differ in TLS alone, or in the process, are one instance to people. */
export function addUpstreams(all: Iterable<LiveUpstream>): LiveUpstream[] {
  const byOrigin = new Map<string, LiveUpstream>()
  for (const each of all) {
    const known = byOrigin.get(each.origin)
    byOrigin.set(each.origin, known === undefined ? each : add(known, each))
  }
  return [...byOrigin.values()]
}

const add = (one: LiveUpstream, other: LiveUpstream): LiveUpstream => ({
  origin: one.origin,
  inFlight: one.inFlight + other.inFlight,
  ejectedIn: one.ejectedIn + other.ejectedIn,
  ejectedUntil:
    one.ejectedUntil === null
      ? other.ejectedUntil
      : Math.max(one.ejectedUntil, other.ejectedUntil ?? Number.NEGATIVE_INFINITY),
  failures: Math.max(one.failures, other.failures),
  rise: Math.min(one.rise, other.rise),
  // One that has come back under its old address is there.
  isDraining: one.isDraining && other.isDraining,
})
