import type { LiveUpstream } from '../observe/snapshot.ts'
import type { TableView, TargetView } from './view.ts'

/** What all processes of the traffic plane know of their upstreams now. */
export interface LiveReading {
  /** How many processes serve. */
  readonly processes: number
  readonly upstreams: readonly LiveUpstream[]
}

/** What the views of targets say of this moment; it is in none of them while there is nothing to say. */
type LiveFields = Pick<
  TargetView,
  'inFlight' | 'failures' | 'ejectedUntil' | 'ejectedIn' | 'processes' | 'rise'
>

/** Puts what traffic has taught beside what the table says. */
export class LiveStates {
  readonly #read: () => Promise<LiveReading>
  #fields: ReadonlyMap<string, LiveFields> = new Map()

  constructor(read: () => Promise<LiveReading>) {
    this.#read = read
  }

  /** Asks the traffic plane. What it said last stays where it does not answer. */
  async refresh(): Promise<void> {
    try {
      this.take(await this.#read())
    } catch {
      // Whoever counts is being replaced: the next reading has it.
    }
  }

  take({ processes, upstreams }: LiveReading): void {
    const fields = new Map<string, LiveFields>()
    for (const upstream of upstreams) fields.set(upstream.origin, fieldsOf(upstream, processes))
    this.#fields = fields
  }

  table(table: TableView): TableView {
    if (this.#fields.size === 0) return table
    return {
      ...table,
      routes: table.routes.map((route) => {
        const targets = route.targets.map((target) => this.target(target))
        return targets.some((target, i) => target !== route.targets[i]) ? { ...route, targets } : route
      }),
    }
  }

  target(target: TargetView): TargetView {
    const fields = this.#fields.get(target.url.replace(/^(\w+:\/\/[^/]*).*$/s, '$1'))
    return fields === undefined ? target : { ...target, ...fields }
  }
}

function fieldsOf(upstream: LiveUpstream, processes: number): LiveFields {
  const { inFlight, failures, ejectedIn, ejectedUntil, rise } = upstream
  return {
    ...(inFlight > 0 ? { inFlight } : {}),
    ...(failures > 0 ? { failures } : {}),
    ...(ejectedUntil === null
      ? {}
      : { ejectedUntil: new Date(ejectedUntil).toISOString(), ejectedIn, processes }),
    ...(rise < 1 ? { rise } : {}),
  }
}

/** Why a target that may have requests would not get one at this moment, or only some; null: nothing speaks against it. */
export function whyNotNow(target: TargetView, now: number): string | null {
  const { ejectedUntil, ejectedIn = 0, processes = 1, failures = 0, rise } = target
  if (ejectedUntil !== undefined) {
    const where = ejectedIn < processes ? `, in ${ejectedIn} of ${processes} processes` : ''
    const why = `ejected after ${failures} failures in a row${where}`
    return Date.parse(ejectedUntil) > now
      ? `${why}: it gets none before ${ejectedUntil}, unless too few others are left`
      : `${why}: the next request decides whether it is back`
  }
  if (rise !== undefined) return `it starts slowly and gets ${Math.round(rise * 100)} % of that for now`
  return failures > 0 ? `${failures} failures in a row so far` : null
}
