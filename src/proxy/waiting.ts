import type { Queue, Waiter } from '../balance/queue.ts'
import type { WheelTimer } from '../base/timer-wheel.ts'
import type { Exchange } from './exchange.ts'

/** One exchange in the queue of its route. */
export class Waiting implements Waiter {
  readonly since: number
  readonly queue: Queue
  /** Ends the wait. */
  readonly timer: WheelTimer
  readonly #exchange: Exchange
  readonly #goOn: () => void

  /** @param goOn looks for a target again; throws nothing */
  constructor(exchange: Exchange, queue: Queue, timer: WheelTimer, goOn: () => void) {
    this.since = exchange.startedAt
    this.queue = queue
    this.timer = timer
    this.#exchange = exchange
    this.#goOn = goOn
  }

  tryAgain(): boolean {
    this.#goOn()
    return this.#exchange.waiting !== this
  }
}
