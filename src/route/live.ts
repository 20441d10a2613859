import type { ServiceRoutes } from './definition.ts'
import { emptyTable, type RouteTable, type TableBuilder } from './table.ts'

/** The one cell that changes: readers take `current` once per request. */
export class LiveTable {
  readonly #builder: TableBuilder
  #current: RouteTable = emptyTable

  constructor(builder: TableBuilder) {
    this.#builder = builder
  }

  get current(): RouteTable {
    return this.#current
  }

  /** Requests that wait for an instance with room for them. */
  get waiting(): number {
    return this.#builder.waiting
  }

  /** Builds the next table whole, publishes it in one assignment, then lets go of what the old one alone named. */
  apply(changes: readonly ServiceRoutes[]): RouteTable {
    const { table, replaced } = this.#builder.apply(changes)
    this.#current = table
    this.#builder.letGo(replaced)
    return table
  }
}
