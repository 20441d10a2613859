import { GatewayError } from '../base/errors.ts'
import { WheelTimer } from '../base/timer-wheel.ts'
import type { Care, Upstream } from './upstream.ts'

/** What tunnels have to close in once both of their sides have been told; milliseconds. */
const farewellMs = 1_000

/** Upstreams that no table names any more and that still have requests. */
export class Leaving {
  readonly #care: Care | null
  readonly #upstreams = new Map<Upstream, WheelTimer>()

  constructor(care: Care | null) {
    this.#care = care
  }

  /** It gets no new request: connections without one close now, those that run may end, within a bound. */
  add(upstream: Upstream): void {
    const care = this.#care
    const timer = new WheelTimer(() => this.#timeIsUp(upstream, timer))
    upstream.forget(() => this.#ended(upstream, timer))
    // Destroyed meanwhile, it has nothing left to close.
    upstream.close().catch(() => {})
    if (upstream.inFlight === 0) return
    this.#upstreams.set(upstream, timer)
    const ms = care === null ? 0 : care.options.drainTimeout
    if (ms > 0) care!.wheel.arm(timer, ms)
  }

  *[Symbol.iterator](): Generator<Upstream> {
    yield* this.#upstreams.keys()
  }

  #ended(upstream: Upstream, timer: WheelTimer): void {
    this.#upstreams.delete(upstream)
    this.#care?.wheel.cancel(timer)
  }

  #timeIsUp(upstream: Upstream, timer: WheelTimer): void {
    const { log, wheel, options } = this.#care!
    const isFirst = upstream.farewell()
    if (isFirst) {
      const { inFlight, key } = upstream
      const what = inFlight === 1 ? '1 request is' : `${inFlight} requests are`
      log.warn(
        'upstream',
        'drain-cut',
        `${what} cut ${options.drainTimeout / 1000} s after ${key} left the table`,
      )
      if (upstream.tunnels.size > 0) {
        wheel.arm(timer, farewellMs)
        return
      }
    }
    const seconds = options.drainTimeout / 1000
    void this.#cut(
      upstream,
      new GatewayError('GW_INSTANCE_LEFT', `no answer within ${seconds} s after it left`),
    )
  }

  async #cut(upstream: Upstream, why?: GatewayError): Promise<void> {
    for (const { transport } of upstream.tunnels) transport.destroy()
    await upstream.destroy(why).catch(() => {})
  }

  /** Ends what runs. */
  async destroy(): Promise<void> {
    for (const timer of this.#upstreams.values()) this.#care?.wheel.cancel(timer)
    await Promise.all([...this.#upstreams.keys()].map((upstream) => this.#cut(upstream)))
  }
}
