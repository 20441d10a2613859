import type { Clock } from '../base/world.ts'
import type { Registry, RegistryListener, RegistryStatus } from './registry.ts'

export interface StaticRegistryOptions {
  /** `registry.static.routes`: route commands (fabio reference 2). */
  readonly routes: string
  /** `registry.static.noroutehtml`; empty: none. */
  readonly noRouteHtml: string
}

/** Routes that stand in the configuration and never change (fabio reference 5). */
export class StaticRegistry implements Registry {
  readonly kind = 'static'
  readonly address = 'registry.static.routes'
  readonly datacenter = ''
  readonly #options: StaticRegistryOptions
  readonly #clock: Clock
  #readAt: number | null = null

  constructor(options: StaticRegistryOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  async start(listener: RegistryListener): Promise<void> {
    const { routes, noRouteHtml } = this.#options
    this.#readAt = this.#clock.now()
    listener.noRoutePageChanged(noRouteHtml)
    listener.commandsChanged([{ name: this.address, text: routes }])
    listener.statusChanged()
  }

  status(): RegistryStatus {
    return { connected: this.#readAt !== null, lastContactAt: this.#readAt, error: '' }
  }

  async close(): Promise<void> {}
}
