import { setMaxListeners } from 'node:events'
import { Backoff } from '../../base/backoff.ts'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { sleep, type World } from '../../base/world.ts'
import type { Answer, ConsulClient } from './client.ts'
import type { Contact } from './contact.ts'
import { digestOf } from './digest.ts'
import type { Follower, FollowerListener } from './follower.ts'
import { servicePath } from './own-watches.ts'
import { ReadQueue } from './read-queue.ts'
import type { Scanner } from './scanner.ts'
import { ServiceReads } from './service-reads.ts'
import { type UnwellList, unwellList } from './unwell-list.ts'
import type { StartWatch } from './watch.ts'

export interface TriggersOptions {
  readonly client: ConsulClient
  readonly contact: Contact
  readonly startWatch: StartWatch
  readonly startScanner: () => Scanner
  readonly listener: FollowerListener
  readonly world: World
  readonly log: Log
}

/**
 * A few queries for any number of services. Consul has no query for "any of these", and an agent allows 200
 * connections, each of which holds one blocking query. So:
 *
 * - One blocking query on the checks that are critical and one on those that are warning. Both answers are small, and
 *   what differs in them names the services to read.
 * - An instance that joins or leaves while its checks pass is in neither. The query on the names of services wakes for
 *   it without saying whose it is, so all checks of the datacenter are looked at, in a thread of their own.
 * - Where that explains nothing (an address changed and no check did), the same thread reads every service, at most
 *   once in a while, and says which are not as they were read last.
 */
export class Triggers implements Follower {
  readonly #options: TriggersOptions
  readonly #closing = new AbortController()
  readonly #queue: ReadQueue
  readonly #scanner: Scanner
  readonly #followed = new Set<string>()
  readonly #reads = new ServiceReads()
  /** Of what was read last of each service. */
  readonly #digests = new Map<string, number>()
  /** The last answer of each state; null before the first. */
  readonly #unwell = new Map<string, UnwellList | null>()
  readonly #scanRate: TokenBucket
  /** Of the contact, up to the last time that everything was read because of it. */
  #timesLost = 0
  #isScanning = false
  #hasLooked = false
  /** Of the last look. */
  #seenIndex = 0n
  #mustScan = false
  #isUnexplained = false
  #lastScanError = ''
  readonly #scanBackoff: Backoff
  #isSweeping = false
  #lastSweepAt = Number.NEGATIVE_INFINITY
  #cancelSweep: (() => void) | null = null
  /** When the names of services last woke. */
  #registeredAt = Number.NEGATIVE_INFINITY

  constructor(options: TriggersOptions) {
    this.#options = options
    setMaxListeners(0, this.#closing.signal)
    const { client, contact, listener, world } = options
    this.#scanRate = new TokenBucket(2, () => world.clock.monotonic())
    this.#scanBackoff = new Backoff({ firstMs: 1_000, maxMs: 30_000, random: world.random })
    this.#queue = new ReadQueue({
      width: readWidth,
      read: async (service, signal) => {
        await contact.whenThere()
        return client.read(servicePath(service), signal)
      },
      onAnswer: (service, answer) => {
        contact.heard()
        if (this.#followed.has(service)) this.#take(service, answer)
      },
      onError: (service, error) => {
        contact.heard()
        if (this.#followed.has(service)) listener.refused(service, error)
      },
      waitForReturn: (error) => contact.waitForReturn(error),
      isLost: () => contact.isLost(),
      world,
      signal: this.#closing.signal,
    })
    this.#scanner = options.startScanner()
    this.#scan()
    const states = ['critical', 'warning']
    for (const state of states) this.#unwell.set(state, null)
    for (const state of states) {
      options.startWatch({
        path: `/v1/health/state/${state}`,
        onAnswer: (answer) => this.#checksChanged(state, unwellList(answer)),
        // Without this trigger the scan still finds what changes, only later.
        onRefused: () => this.#begin(state, { index: 0n, checks: new Map() }),
        onReturn: () => this.#contactWasBack(),
        // One query wakes for the changes of all services: its pace is that of all of them.
        // Both wake for every check of the datacenter, so most answers bring nothing, and that must not make them slow.
        paceMs: 20,
        idlePaceMs: 80,
        signal: this.#closing.signal,
      })
    }
  }

  follow(service: string): void {
    this.#followed.add(service)
    if (this.#hasBegun) this.#queue.add(service)
  }

  unfollow(service: string): void {
    this.#followed.delete(service)
    this.#reads.forget(service)
    this.#digests.delete(service)
    this.#queue.remove(service)
  }

  registrationsChanged(services: readonly string[], index: bigint): void {
    for (const service of services) this.#queue.add(service)
    // An address may have changed and no check with it, and the look may find something else: only a read of every
    // service is sure, later.
    this.#registeredAt = this.#options.world.clock.monotonic()
    this.#sweepLater()
    // A look that was taken later has seen it already. Consul counts all changes by one index.
    if (index <= this.#seenIndex) return
    // Even so: an instance of another service may have come with the same wake.
    this.#mustScan = true
    this.#isUnexplained ||= services.length === 0
    this.#scan()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancelSweep?.()
    await this.#scanner.close()
  }

  /** Reads begin after the first answer of each trigger: what changes from then on is in their next one. */
  get #hasBegun(): boolean {
    for (const list of this.#unwell.values()) if (list === null) return false
    return true
  }

  #begin(state: string, list: UnwellList): void {
    if (this.#unwell.get(state) !== null) return
    this.#unwell.set(state, list)
    if (this.#hasBegun) this.#readAll()
  }

  /** A contact that was lost may have hidden anything, and a restart everything. Both triggers tell of it. */
  #contactWasBack(): void {
    const { timesLost } = this.#options.contact
    if (timesLost === this.#timesLost) return
    this.#timesLost = timesLost
    this.#seenIndex = 0n
    this.#reads.forgetAll()
    this.#digests.clear()
    this.#readAll()
  }

  #readAll(): void {
    for (const service of this.#followed) this.#queue.add(service)
  }

  #take(service: string, answer: Answer): void {
    if (this.#reads.isOlder(service, answer)) {
      this.#readLater(service)
      return
    }
    this.#options.listener.answered(service, answer)
    this.#digests.set(service, digestOf(answer.body))
    const isBehind = this.#reads.take(service, answer, (state) => this.#unwell.get(state) ?? null)
    if (isBehind) this.#readLater(service)
  }

  /** A server that lags behind will know in a moment. */
  #readLater(service: string): void {
    this.#options.world.clock.after(lagMs, () => {
      if (this.#followed.has(service) && !this.#closing.signal.aborted) this.#queue.add(service)
    })
  }

  /**
   * What a list of unwell checks says is held against what was read of each service, and not against the list before:
   * a check may have changed twice between two lists, and the service been read in between for another reason.
   */
  #checksChanged(state: string, list: UnwellList): boolean {
    const before = this.#unwell.get(state) ?? null
    if (before === null) {
      this.#begin(state, list)
      return true
    }
    this.#unwell.set(state, list)
    /** By service, the index that a read must have to show what is in the list. */
    const concerned = new Map<string, bigint>()
    const concern = (service: string, index: bigint): void => {
      if (index > (concerned.get(service) ?? 0n)) concerned.set(service, index)
    }
    for (const [key, check] of list.checks) {
      const modified = BigInt(check.ModifyIndex)
      const isOfNode = check.ServiceName === ''
      if (isOfNode && before.checks.get(key)?.ModifyIndex === check.ModifyIndex) continue
      const services = isOfNode ? this.#options.listener.servicesOn(check.Node) : [check.ServiceName]
      for (const service of services) if (modified > this.#reads.indexOf(service)) concern(service, modified)
    }
    for (const service of this.#reads.withoutCheckIn(state, list)) {
      concern(service, this.#reads.indexOf(service) + 1n)
    }
    let isNews = false
    for (const [service, wanted] of concerned) {
      if (!this.#followed.has(service)) continue
      this.#reads.want(service, wanted)
      this.#queue.add(service)
      isNews = true
    }
    return isNews
  }

  /** One look at a time; a wish that comes meanwhile is granted after it. */
  #scan(): void {
    if (this.#isScanning || this.#closing.signal.aborted) return
    this.#isScanning = true
    void this.#look().finally(() => {
      this.#isScanning = false
      if (this.#mustScan) this.#scan()
    })
  }

  async #look(): Promise<void> {
    const { contact, world, log } = this.#options
    const { signal } = this.#closing
    await sleep(world.clock, this.#scanRate.take(scanEveryMs), signal)
    await contact.whenThere()
    if (signal.aborted) return
    const isUnexplained = this.#isUnexplained
    this.#mustScan = false
    this.#isUnexplained = false
    try {
      const { changed, index } = await this.#scanner.look()
      this.#seenIndex = index
      this.#lastScanError = ''
      this.#scanBackoff.succeeded()
      if (changed === null) {
        // The first look is only there to be compared with. Later, the thread has lost its memory.
        if (this.#hasLooked) this.#sweep()
        this.#hasLooked = true
        return
      }
      for (const service of changed) if (this.#followed.has(service)) this.#queue.add(service)
      if (isUnexplained && changed.length === 0) this.#sweep()
    } catch (error) {
      if (signal.aborted) return
      const words = messageOf(error)
      if (words !== this.#lastScanError)
        log.warn('consul', 'scan-failed', `looking at all checks: ${words}; trying again`)
      this.#lastScanError = words
      this.#mustScan = true
      this.#isUnexplained ||= isUnexplained
      // The answer is large, and a Consul that cannot give it must not be asked for it every second.
      await sleep(world.clock, this.#scanBackoff.next(), signal)
    }
  }

  /** Looks at every service, if that was not done lately; else soon. */
  #sweep(): void {
    const { clock } = this.#options.world
    if (this.#isSweeping || clock.monotonic() < this.#lastSweepAt + this.#sweepEveryMs) {
      this.#sweepLater()
      return
    }
    this.#lastSweepAt = clock.monotonic()
    this.#isSweeping = true
    void this.#compareAll().finally(() => {
      this.#isSweeping = false
    })
  }

  /** What the thread finds other than it was read last is read here, too: it alone must not decide what is true. */
  async #compareAll(): Promise<void> {
    const services = [...this.#followed]
    for (let at = 0; at < services.length; at += sweepAtOnce) {
      await this.#options.contact.whenThere()
      if (this.#closing.signal.aborted) return
      const some = services.slice(at, at + sweepAtOnce)
      const digests = await this.#scanner.digests(some).catch(() => [])
      if (this.#closing.signal.aborted) return
      for (const [i, service] of some.entries()) {
        const isSame = digests[i] !== undefined && digests[i] === this.#digests.get(service)
        if (!isSame && this.#followed.has(service)) this.#queue.add(service)
      }
    }
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#options.world.clock.after(this.#sweepEveryMs, () => {
      this.#cancelSweep = null
      const now = this.#options.world.clock.monotonic()
      this.#sweep()
      // What was registered only now may not have reached the servers that are read from.
      if (now < this.#registeredAt + settledMs) this.#sweepLater()
    })
  }

  get #sweepEveryMs(): number {
    return Math.max(minSweepMs, this.#followed.size * sweepMsPerService)
  }
}

/** How long a server that lags behind is given. */
const lagMs = 100
/** By then every server has a registration. */
const settledMs = 1_000
/** Reads of services that may be under way at once. */
const readWidth = 16
/** Two looks in a row are free, then one in this time. */
const scanEveryMs = 1_000
/** Services that the thread is asked for in one message. */
const sweepAtOnce = 32
/** Between two sweeps: the more there is to read, the more rarely. 2,000 services are read twice a minute at most. */
const sweepMsPerService = 15
const minSweepMs = 1_000
