/** A request that waits for a target to have room for it. */
export interface Waiter {
  /** When it came; monotonic milliseconds. */
  readonly since: number
  /**
   * A place may have become free. Takes it if it can, or gives up for a reason of its own: either way it has left the
   * queue when this returns true. Throws nothing.
   */
  tryAgain(): boolean
}

export interface QueueOptions {
  /** The most requests that wait; with more the queue is full. */
  readonly size: number
  /** How long a request waits at most; milliseconds. */
  readonly timeout: number
}

/** Requests for one route, whose targets all have as many as they may, in the order of their arrival. */
export class Queue {
  /** Those of the route as it is now. */
  options: QueueOptions
  /** Each waits for a target of its own: one that cannot go on does not keep those behind it from doing so. */
  isMixed = false
  readonly #waiters = new Set<Waiter>()
  #isAdvancing = false
  #isAskedAgain = false

  constructor(options: QueueOptions) {
    this.options = options
  }

  get size(): number {
    return this.#waiters.size
  }

  get isFull(): boolean {
    return this.#waiters.size >= this.options.size
  }

  /** When the first one came; Infinity: nobody waits. */
  get oldest(): number {
    for (const waiter of this.#waiters) return waiter.since
    return Number.POSITIVE_INFINITY
  }

  /** False: it is full. */
  enter(waiter: Waiter): boolean {
    if (this.isFull) return false
    this.#waiters.add(waiter)
    return true
  }

  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter)
  }

  /** A place may have become free, or the route is another now: lets those go on who can. */
  advance(): void {
    this.#isAskedAgain = true
    // What a waiter does may free a place at once, and that asks again from within.
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    try {
      while (this.#isAskedAgain) {
        this.#isAskedAgain = false
        for (const waiter of this.#waiters) {
          if (!waiter.tryAgain() && !this.isMixed) break
        }
      }
    } finally {
      this.#isAdvancing = false
    }
  }
}

/** Lets the queue go first whose first waiter has waited longest. */
export function advanceInOrder(queues: readonly Queue[]): void {
  if (queues.length === 1) {
    queues[0]!.advance()
    return
  }
  for (const queue of queues.toSorted((a, b) => a.oldest - b.oldest)) queue.advance()
}
