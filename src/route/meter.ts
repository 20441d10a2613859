/**
 * What one target is counted by. Belongs to the target's labels and not to a table: as long as one table names them, all
 * count in the same place. The room `observe` says what else is in it; here it is only carried.
 */
export interface Meter {
  /** Requests that are with it now. */
  inFlight: number
}

/** What tells the series of one target from those of others (fabio reference 11.2, `route`). */
export interface MeterLabels {
  readonly service: string
  /** Of the route: empty for any host. */
  readonly host: string
  readonly path: string
  /** The destination as fabio writes it. */
  readonly url: string
}

/** Where targets get their meters from. A table takes those it names and lets go of them when it is replaced. */
export interface Meters {
  take(labels: MeterLabels): Meter
  /** The last to let go ends the series. */
  letGo(meter: Meter): void
}

/** For tables that serve nobody. */
export const noMeters: Meters = { take: () => ({ inFlight: 0 }), letGo() {} }
