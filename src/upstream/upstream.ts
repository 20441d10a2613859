import type { UpstreamClient } from './client.ts'

/** Where an upstream is and how it is spoken to: two targets with the same key share connections. */
export interface UpstreamAddress {
  /** `http://10.0.0.1:8080`, `https://[::1]:8443` */
  readonly origin: string
  /** The name that is asked for and verified in TLS; null: the address itself. */
  readonly serverName: string | null
  readonly tlsSkipVerify: boolean
}

/**
 * Live state of one address. Outlives every table that names it: what the route says and what traffic taught are two
 * objects.
 */
export class Upstream {
  readonly key: string
  readonly client: UpstreamClient
  inFlight = 0
  /** How many targets of the live table name it. */
  namedBy = 0

  constructor(key: string, client: UpstreamClient) {
    this.key = key
    this.client = client
  }
}

const keyOf = ({ origin, serverName, tlsSkipVerify }: UpstreamAddress): string =>
  `${origin} ${serverName ?? ''} ${tlsSkipVerify ? 'skip-verify' : ''}`.trimEnd()

/** All upstreams by address. A table takes what it names and lets go of it when it is replaced. */
export class Upstreams {
  readonly #connect: (address: UpstreamAddress) => UpstreamClient
  readonly #byKey = new Map<string, Upstream>()

  constructor(connect: (address: UpstreamAddress) => UpstreamClient) {
    this.#connect = connect
  }

  get size(): number {
    return this.#byKey.size
  }

  take(address: UpstreamAddress): Upstream {
    const key = keyOf(address)
    let upstream = this.#byKey.get(key)
    if (upstream === undefined) {
      upstream = new Upstream(key, this.#connect(address))
      this.#byKey.set(key, upstream)
    }
    upstream.namedBy++
    return upstream
  }

  /** The last to let go closes the connections, once running exchanges have ended. */
  letGo(upstream: Upstream): void {
    if (--upstream.namedBy > 0) return
    this.#byKey.delete(upstream.key)
    // Destroyed meanwhile, it has nothing left to close.
    upstream.client.close().catch(() => {})
  }

  /** Ends every exchange and connection. */
  async destroy(): Promise<void> {
    const clients = [...this.#byKey.values()].map((upstream) => upstream.client)
    this.#byKey.clear()
    await Promise.all(clients.map((client) => client.destroy()))
  }
}
