import type { Clock } from '../../base/world.ts'

/** Consul's Raft index: it counts every write, whatever the write is to and whether it changes anything. */
export class RaftIndex {
  #last: number

  constructor(first: number) {
    this.#last = first - 1
  }

  next(): number {
    this.#last++
    return this.#last
  }

  get last(): number {
    return this.#last
  }
}

/** What a read found. */
export interface Result<T> {
  readonly value: T
  /** When what it looked at last changed; `X-Consul-Index`. */
  readonly index: number
  /** A write to one of these may change the result. */
  readonly topics: readonly string[]
}

/** Who waits for what. A topic is any text that writers and readers agree on. */
export class Topics {
  readonly #waiting = new Map<string, Set<() => void>>()

  touch(topic: string): void {
    for (const wake of [...(this.#waiting.get(topic) ?? [])]) wake()
  }

  /** Resolves with true once one of the topics was touched, with false when the signal ended first. */
  wait(topics: readonly string[], signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const settle = (touched: boolean): void => {
        for (const topic of topics) this.#leave(topic, wake)
        signal.removeEventListener('abort', giveUp)
        resolve(touched)
      }
      const wake = (): void => settle(true)
      const giveUp = (): void => settle(false)
      for (const topic of topics) this.#enter(topic, wake)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  /** How many waits there are: 0 when no query is blocked. */
  get waiting(): number {
    return new Set([...this.#waiting.values()].flatMap((wakes) => [...wakes])).size
  }

  #enter(topic: string, wake: () => void): void {
    const wakes = this.#waiting.get(topic) ?? new Set()
    wakes.add(wake)
    this.#waiting.set(topic, wakes)
  }

  #leave(topic: string, wake: () => void): void {
    const wakes = this.#waiting.get(topic)
    wakes?.delete(wake)
    if (wakes?.size === 0) this.#waiting.delete(topic)
  }
}

export interface BlockOptions {
  /** The index that the client has; 0 does not block. */
  readonly index: number
  readonly waitMs: number
  readonly topics: Topics
  readonly clock: Clock
  /** Ends the wait early, e.g. because the client went away. */
  readonly signal: AbortSignal
}

/**
 * A blocking query (Consul's docs, "Blocking Queries"): answers once its index is above the client's, which a client
 * that is ahead of us waits for, too. When the time is over it gives what it read last; it does not read again.
 */
export async function block<T>(run: () => Result<T>, options: BlockOptions): Promise<Result<T>> {
  let result = run()
  if (options.index === 0 || result.index > options.index) return result
  const end = new AbortController()
  const finish = (): void => end.abort()
  const cancel = options.clock.after(options.waitMs, finish)
  options.signal.addEventListener('abort', finish, { once: true })
  if (options.signal.aborted) finish()
  try {
    while (result.index <= options.index) {
      if (!(await options.topics.wait(result.topics, end.signal))) break
      result = run()
    }
    return result
  } finally {
    cancel()
    options.signal.removeEventListener('abort', finish)
  }
}
