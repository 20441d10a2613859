import { setMaxListeners } from 'node:events'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { sleep, type World } from '../../base/world.ts'
import type { ScannedCheck } from './check-scan.ts'
import type { Answer, ConsulClient } from './client.ts'
import type { Contact } from './contact.ts'
import type { Follower, FollowerListener } from './follower.ts'
import type { HealthEntry } from './health.ts'
import { servicePath } from './own-watches.ts'
import { ReadQueue } from './read-queue.ts'
import type { Scanner } from './scanner.ts'
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
 * - Where that explains nothing (an address changed and no check did), every service is read, at most once in a while.
 */
export class Triggers implements Follower {
  readonly #options: TriggersOptions
  readonly #closing = new AbortController()
  readonly #queue: ReadQueue
  readonly #scanner: Scanner
  readonly #followed = new Set<string>()
  readonly #reads = new Map<string, ServiceRead>()
  /** The checks of each state that were in the last answer, by node, id and service; null before the first. */
  readonly #unwell = new Map<string, ReadonlyMap<string, ScannedCheck> | null>()
  readonly #scanRate: TokenBucket
  #isScanning = false
  #hasLooked = false
  /** Of the last look. */
  #seenIndex = 0n
  #mustScan = false
  #isUnexplained = false
  #lastScanError = ''
  #lastSweepAt = Number.NEGATIVE_INFINITY
  #cancelSweep: (() => void) | null = null

  constructor(options: TriggersOptions) {
    this.#options = options
    setMaxListeners(0, this.#closing.signal)
    const { client, contact, listener, world, log } = options
    this.#scanRate = new TokenBucket(2, () => world.clock.monotonic())
    this.#queue = new ReadQueue({
      width: readWidth,
      read: (service, signal) => client.read(servicePath(service), signal),
      onAnswer: (service, answer) => {
        contact.heard()
        if (!this.#followed.has(service)) return
        this.#wasRead(service, answer)
        listener.answered(service, answer)
      },
      onError: (service, error) => {
        contact.heard()
        log.warn('consul', 'read-failed', `${error.message}; keeping the routes of ${service}`)
        listener.refused(service)
      },
      waitForReturn: (error) => contact.waitForReturn(error),
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
        onAnswer: ({ body }) => this.#checksChanged(state, body as readonly UnwellCheck[]),
        // Without this trigger the scan still finds what changes, only later.
        onRefused: () => this.#begin(state, new Map()),
        // A contact that was lost may have hidden anything, and a restart everything.
        onReturn: () => {
          this.#seenIndex = 0n
          this.#readAll()
        },
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
    this.#reads.delete(service)
    this.#queue.remove(service)
  }

  registrationsChanged(services: readonly string[], index: bigint): void {
    for (const service of services) this.#queue.add(service)
    // An address may have changed and no check with it, and the look may find something else: only a read of every
    // service is sure, later.
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
    for (const checks of this.#unwell.values()) if (checks === null) return false
    return true
  }

  #begin(state: string, checks: ReadonlyMap<string, ScannedCheck>): void {
    if (this.#unwell.get(state) !== null) return
    this.#unwell.set(state, checks)
    if (this.#hasBegun) this.#readAll()
  }

  #readAll(): void {
    for (const service of this.#followed) this.#queue.add(service)
  }

  #wasRead(service: string, { index, body }: Answer): void {
    const unwell = new Map<string, string>()
    for (const entry of Array.isArray(body) ? (body as readonly HealthEntry[]) : []) {
      for (const check of entry?.Checks ?? []) {
        const { CheckID: id, Status: status, ServiceID: own } = check ?? {}
        if (own && status !== 'passing') unwell.set(`${entry.Node?.Node}\n${id}\n${own}`, status)
      }
    }
    const wanted = this.#reads.get(service)?.wanted ?? 0n
    this.#reads.set(service, { index, unwell, wanted: index < wanted ? wanted : 0n })
    // A server that lags behind the one that woke us: it will know in a moment.
    if (index < wanted) {
      this.#options.world.clock.after(lagMs, () => {
        if (this.#followed.has(service) && !this.#closing.signal.aborted) this.#queue.add(service)
      })
    }
  }

  /**
   * What a list of unwell checks says is held against what was read of each service, and not against the list before:
   * a check may have changed twice between two lists, and the service been read in between for another reason.
   */
  #checksChanged(state: string, checks: readonly UnwellCheck[]): boolean {
    const now = new Map(checks.map((check) => [`${check.Node}\n${check.CheckID}\n${check.ServiceID}`, check]))
    const before = this.#unwell.get(state) ?? null
    if (before === null) {
      this.#begin(state, now)
      return true
    }
    this.#unwell.set(state, now)
    const concerned = new Map<string, bigint>()
    for (const [key, check] of now) {
      const modified = BigInt(check.ModifyIndex ?? 0)
      if (check.ServiceName === '') {
        if (!before.has(key)) this.#addNode(check.Node, concerned)
      } else if (modified > (this.#reads.get(check.ServiceName)?.index ?? 0n)) {
        concerned.set(check.ServiceName, modified)
      }
    }
    for (const [key, check] of before) {
      if (check.ServiceName === '' && !now.has(key)) this.#addNode(check.Node, concerned)
    }
    for (const [service, { index, unwell }] of this.#reads) {
      for (const [key, status] of unwell) {
        if (status === state && !now.has(key)) concerned.set(service, index + 1n)
      }
    }
    let isNews = false
    for (const [service, wanted] of concerned) {
      if (!this.#followed.has(service)) continue
      const read = this.#reads.get(service)
      if (read !== undefined && wanted > read.wanted) this.#reads.set(service, { ...read, wanted })
      this.#queue.add(service)
      isNews = true
    }
    return isNews
  }

  #addNode(node: string, concerned: Map<string, bigint>): void {
    for (const service of this.#options.listener.servicesOn(node)) concerned.set(service, 0n)
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
    const { world, log } = this.#options
    const { signal } = this.#closing
    await sleep(world.clock, this.#scanRate.take(scanEveryMs), signal)
    if (signal.aborted) return
    const isUnexplained = this.#isUnexplained
    this.#mustScan = false
    this.#isUnexplained = false
    try {
      const { changed, index } = await this.#scanner.look()
      this.#seenIndex = index
      this.#lastScanError = ''
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
    }
  }

  /** Reads every service, if that was not done lately; else soon. */
  #sweep(): void {
    const { clock } = this.#options.world
    if (clock.monotonic() < this.#lastSweepAt + this.#sweepEveryMs) {
      this.#sweepLater()
      return
    }
    this.#lastSweepAt = clock.monotonic()
    this.#readAll()
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#options.world.clock.after(this.#sweepEveryMs, () => {
      this.#cancelSweep = null
      this.#lastSweepAt = this.#options.world.clock.monotonic()
      this.#readAll()
    })
  }

  get #sweepEveryMs(): number {
    return Math.max(minSweepMs, this.#followed.size * sweepMsPerService)
  }
}

/** A check of `GET /v1/health/state/:state`. */
interface UnwellCheck extends ScannedCheck {
  readonly ModifyIndex?: number
}

/** What the last read of a service showed. */
interface ServiceRead {
  readonly index: bigint
  /** Checks of its instances that do not pass, by node, id and service, with their status. */
  readonly unwell: ReadonlyMap<string, string>
  /** A read must have at least this index to show what woke us. */
  readonly wanted: bigint
}

/** How long a server that lags behind is given. */
const lagMs = 100
/** Reads of services that may be under way at once. */
const readWidth = 16
/** Two looks in a row are free, then one in this time. */
const scanEveryMs = 1_000
/** Between two sweeps: the more there is to read, the more rarely. 2,000 services are read twice a minute at most. */
const sweepMsPerService = 15
const minSweepMs = 1_000
