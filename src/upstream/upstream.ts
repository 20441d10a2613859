import { advanceInOrder, type Queue } from '../balance/queue.ts'
import type { GatewayError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { SmallSet } from '../base/small-set.ts'
import { type TimerWheel, WheelTimer } from '../base/timer-wheel.ts'
import type { Clock } from '../base/world.ts'
import type { TunnelEnd } from '../http1/messages.ts'
import { type UpstreamAddress, upstreamKey } from './address.ts'
import type { ConnectionCounts, UpstreamClient } from './client.ts'
import { Ejection, type EjectionOptions, type EjectionState, probeTimeout } from './ejection.ts'
import type { UpstreamGroup } from './group.ts'
import type { LiveUpstream } from './live-upstream.ts'
import { isUpstreamsFault } from './outcome.ts'

/** What is done for and against upstreams. Durations in milliseconds. */
export interface CareOptions {
  /** Null: nobody is ejected. */
  readonly ejection: EjectionOptions | null
  /** `proxy.slowstart`: after which an upstream that is new or back gets its whole share; 0: at once. */
  readonly slowStart: number
  /** `proxy.draintimeout`: what a request has to end in once its upstream has left the table; 0: no limit. */
  readonly drainTimeout: number
}

export interface Care {
  readonly options: CareOptions
  readonly wheel: TimerWheel
  readonly clock: Clock
  readonly log: Log
  /** An upstream was ejected or came back. */
  changed(upstream: Upstream): void
}

/** Makes what speaks to an address. */
export type Connect = (address: UpstreamAddress) => UpstreamClient

/** In how many steps a slow start rises. */
const slowSteps = 10

/**
 * Live state of one address. Outlives every table that names it: what the route says and what traffic taught are two
 * objects. Timers change it, so that whoever picks an upstream compares a field and asks no clock.
 *
 * A table may name tens of thousands, most of which never get a request or never fail: what only those need that do is
 * made when they do.
 */
export class Upstream {
  readonly key: string
  readonly address: UpstreamAddress
  inFlight = 0
  /** How many targets of the live table name it. */
  namedBy = 0
  /** HOT. False: it may have its whole share of requests. */
  isHeldBack = false
  /** HOT. True: that it answered is news. */
  isSuspect = false
  /** HOT. True: somebody wants to hear that a request is over. */
  isAwaited = false
  /** How much of its share it may have, 0 to 1. */
  part = 1
  /** Those of the routes that share requests among it and others. */
  readonly groups = new SmallSet<UpstreamGroup>()
  readonly tunnels = new SmallSet<TunnelEnd>()
  readonly #connect: Connect
  readonly #care: Care | null
  #client: UpstreamClient | null = null
  /** Null: it has never failed, or nobody is ejected. */
  #ejection: Ejection | null = null
  #timer: WheelTimer | null = null
  #slowTimer: WheelTimer | null = null
  /** Monotonic milliseconds. */
  #ejectedUntil = 0
  /** It ought to be ejected and is not; said once. */
  #isSpared = false
  #slowStep = slowSteps
  #emptied: (() => void) | null = null
  #saidFarewell = false

  /** @param care null: what traffic teaches is not looked at */
  constructor(address: UpstreamAddress, connect: Connect, care: Care | null = null) {
    this.key = upstreamKey(address)
    this.address = address
    this.#connect = connect
    this.#care = care
  }

  /** HOT: once for each attempt. */
  get client(): UpstreamClient {
    return this.#client ?? this.#speak()
  }

  #speak(): UpstreamClient {
    const client = this.#connect(this.address)
    this.#client = client
    // For who comes too late it is as closed as one that others have used.
    if (this.#emptied !== null) client.close().catch(() => {})
    return client
  }

  /** How many connections there are; null: nobody has asked for one, or the client keeps none. */
  connections(): ConnectionCounts | null {
    return this.#client?.connections?.() ?? null
  }

  /** Lets running exchanges finish, then closes the connections. */
  async close(): Promise<void> {
    await this.#client?.close()
  }

  /** Ends running exchanges and closes the connections now. */
  async destroy(why?: GatewayError): Promise<void> {
    await this.#client?.destroy(why)
  }

  /** HOT: once for each attempt. True: the request is the probe, and its outcome has to be told. */
  begin(): boolean {
    this.inFlight++
    if (!this.isHeldBack || this.#ejection === null || !this.#ejection.startProbe()) return false
    this.#elapseIn(probeTimeout)
    this.#settle()
    return true
  }

  /** HOT: once for each attempt. */
  end(): void {
    this.inFlight--
    if (this.isAwaited) this.#ended()
  }

  get state(): EjectionState {
    return this.#ejection === null ? 'closed' : this.#ejection.state
  }

  get isEjected(): boolean {
    return this.state !== 'closed'
  }

  get failuresInARow(): number {
    return this.#ejection === null ? 0 : this.#ejection.failuresInARow
  }

  /** For how long it gets nothing yet; milliseconds, 0: its probe is awaited, or it is not ejected. */
  get ejectedFor(): number {
    return this.state === 'open' ? Math.max(0, this.#ejectedUntil - this.#care!.clock.monotonic()) : 0
  }

  /** @param now milliseconds since the epoch */
  live(now: number): LiveUpstream {
    const { inFlight, failuresInARow: failures, isEjected } = this
    return {
      origin: this.key.split(' ', 1)[0]!,
      inFlight,
      ejectedIn: isEjected ? 1 : 0,
      ejectedUntil: isEjected ? now + this.ejectedFor : null,
      failures,
      rise: this.#slowStep / slowSteps,
      isDraining: false,
    }
  }

  /** An attempt has come to its answer. @param isTrouble 502, 503 or 504 */
  answered(status: number, isTrouble: boolean, isProbe: boolean): void {
    if (this.#emptied !== null) return
    if (isTrouble) this.#failed(`answered ${status}`, isProbe)
    else if (isProbe) this.#back()
    else if (this.state === 'closed') {
      this.#ejection?.succeeded()
      this.#isSpared = false
      this.isSuspect = false
    }
  }

  /** An attempt has failed before its answer. */
  failed(error: GatewayError, isProbe: boolean): void {
    if (this.#emptied !== null) return
    if (isUpstreamsFault(error)) this.#failed(error.message, isProbe)
    else if (isProbe) this.probeLeft()
  }

  /** The request that was the probe is gone without an outcome. */
  probeLeft(): void {
    if (this.state !== 'probing') return
    this.#ejection!.probeLeft()
    this.#cancel(this.#timer)
    this.#settle()
  }

  #failed(why: string, isProbe: boolean): void {
    const options = this.#care === null ? null : this.#care.options.ejection
    if (options === null) return
    this.#ejection ??= new Ejection(options)
    const ejection = this.#ejection
    if (!isProbe) {
      this.isSuspect = true
      if (!ejection.failed()) return
      if (![...this.groups].some((group) => group.mayEject)) {
        this.#spare(why)
        return
      }
    }
    const { clock, log } = this.#care!
    const now = clock.monotonic()
    const ms = ejection.eject(now)
    this.#ejectedUntil = now + ms
    this.#cancel(this.#slowTimer)
    this.#slowStep = slowSteps
    this.#elapseIn(ms)
    const cause = isProbe ? 'its probe failed' : `${ejection.failuresInARow} failures in a row`
    log.warn('upstream', 'ejected', `${this.key} gets nothing for ${ms / 1000} s: ${cause}: ${why}`)
    this.#settle()
    this.#care!.changed(this)
  }

  #spare(why: string): void {
    if (this.#isSpared) return
    this.#isSpared = true
    const failures = this.failuresInARow
    this.#care!.log.warn(
      'upstream',
      'not-ejected',
      `${this.key} is left in after ${failures} failures in a row, too few others are left: ${why}`,
    )
  }

  #back(): void {
    const { clock, log } = this.#care!
    this.#ejection!.probeSucceeded(clock.monotonic())
    this.#isSpared = false
    this.#cancel(this.#timer)
    log.info('upstream', 'returned', `${this.key} gets requests again: its probe was answered`)
    this.startSlowly()
    this.#care!.changed(this)
  }

  #elapseIn(ms: number): void {
    this.#timer ??= new WheelTimer(() => this.#elapsed())
    this.#care!.wheel.arm(this.#timer, ms)
  }

  #riseSoon(care: Care): void {
    this.#slowTimer ??= new WheelTimer(() => this.#rise())
    care.wheel.arm(this.#slowTimer, care.options.slowStart / slowSteps)
  }

  #cancel(timer: WheelTimer | null): void {
    if (timer !== null) this.#care?.wheel.cancel(timer)
  }

  #elapsed(): void {
    this.#ejection?.elapsed()
    this.#settle()
  }

  /** It is new, or back: its share comes little by little. */
  startSlowly(): void {
    const care = this.#care
    if (care !== null && care.options.slowStart > 0) {
      this.#slowStep = 1
      this.#riseSoon(care)
    }
    this.#settle()
  }

  #rise(): void {
    if (++this.#slowStep < slowSteps) this.#riseSoon(this.#care!)
    this.#settle()
  }

  /** No table names it any more. @param emptied called once when its last request is over */
  forget(emptied: () => void): void {
    this.#emptied = emptied
    this.isAwaited = true
    this.#cancel(this.#timer)
    this.#cancel(this.#slowTimer)
  }

  /** Tells its tunnels that they end. False: they have been told. */
  farewell(): boolean {
    if (this.#saidFarewell) return false
    this.#saidFarewell = true
    for (const tunnel of this.tunnels) tunnel.farewell?.()
    return true
  }

  /** Brings the fields that are compared for each request up to what is known. */
  #settle(): void {
    const { state, failuresInARow } = this
    const rise = this.#slowStep / slowSteps
    this.part = state === 'closed' ? rise : state === 'half-open' ? 1 : 0
    this.isHeldBack = state !== 'closed' || rise < 1
    this.isSuspect = state !== 'closed' || failuresInARow > 0
    for (const group of this.groups) group.refresh(this)
    if (this.isAwaited) this.#advance()
  }

  #ended(): void {
    if (this.#emptied === null) this.#advance()
    else if (this.inFlight === 0) this.#emptied()
  }

  #advance(): void {
    const queues: Queue[] = []
    for (const { queue } of this.groups) if (queue !== null && queue.size > 0) queues.push(queue)
    if (queues.length > 0) advanceInOrder(queues)
  }
}
