import type { Follower, FollowerListener } from './follower.ts'
import type { StartWatch } from './watch.ts'

/** A blocking query for each service: the quickest way, as long as there are connections for it. */
export class OwnWatches implements Follower {
  readonly #start: StartWatch
  readonly #listener: FollowerListener
  readonly #watches = new Map<string, AbortController>()

  constructor(start: StartWatch, listener: FollowerListener) {
    this.#start = start
    this.#listener = listener
  }

  follow(service: string): void {
    if (this.#watches.has(service)) return
    const closing = new AbortController()
    this.#watches.set(service, closing)
    this.#start({
      path: servicePath(service),
      onAnswer: (answer) => this.#listener.answered(service, answer),
      onRefused: (error) => this.#listener.refused(service, error),
      signal: closing.signal,
    })
  }

  unfollow(service: string): void {
    this.#watches.get(service)?.abort()
    this.#watches.delete(service)
  }

  /** Each service's own query wakes by itself. */
  registrationsChanged(): void {}

  async close(): Promise<void> {
    for (const closing of this.#watches.values()) closing.abort()
    this.#watches.clear()
  }
}

export const servicePath = (service: string): string => `/v1/health/service/${encodeURIComponent(service)}`
