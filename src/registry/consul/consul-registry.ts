import { setMaxListeners } from 'node:events'
import { messageOf, StartError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { sleep, type World } from '../../base/world.ts'
import type {
  CommandDocument,
  Registry,
  RegistryFigure,
  RegistryListener,
  RegistryStatus,
} from '../registry.ts'
import { type Answer, ConsulClient, type ConsulClientOptions, ConsulError } from './client.ts'
import { Contact } from './contact.ts'
import type { Follower } from './follower.ts'
import { type HealthRules, textsIn } from './health.ts'
import { KvOverrides, kvTreePath } from './kv.ts'
import { KvTree } from './kv-tree.ts'
import { OwnWatches, servicePath } from './own-watches.ts'
import { ReadQueue } from './read-queue.ts'
import { Refusals } from './refusals.ts'
import { startScanner } from './scanner.ts'
import { ServiceStates } from './service-states.ts'
import { Triggers } from './triggers.ts'
import { type StartWatch, WatchFigures, watch } from './watch.ts'

export interface ConsulRegistryOptions {
  readonly client: ConsulClientOptions
  readonly health: HealthRules
  /** `registry.consul.kinds`: kinds of service that are routed beside ordinary ones. */
  readonly kinds: readonly string[]
  /** Services with a tag that begins so are watched, and no other. */
  readonly tagPrefix: string
  /** `registry.consul.kvpath`: manual overrides. */
  readonly overridesPath: string
  /** `registry.consul.noroutehtmlpath` */
  readonly noRoutePath: string
  /** `registry.consul.maxwatches`: up to so many services each have a query of their own. */
  readonly maxWatches: number
  /** `registry.timeout`: milliseconds within which Consul must have answered at the start. */
  readonly timeout: number
  /** `registry.retry`: milliseconds between two tries at the start. */
  readonly retry: number
}

/** A server that heard of its leader longer ago says what may be old; milliseconds. */
const oldestMs = 10_000

/**
 * Watches Consul on two levels: one blocking query on the names of all services with their tags, and on the second the
 * instances of each service that has a tag of ours, by a `Follower`. So the cost follows the changes of the services
 * that are routed and not those of the datacenter.
 */
export class ConsulRegistry implements Registry {
  readonly kind = 'consul'
  readonly address: string
  datacenter = ''
  readonly overrides: KvOverrides
  /** Of the overrides: people who edit must not wait for a watch, nor a watch for them. */
  readonly #overridesClient: ConsulClient
  readonly #options: ConsulRegistryOptions
  readonly #client: ConsulClient
  readonly #world: World
  readonly #log: Log
  readonly #closing = new AbortController()
  readonly #contact: Contact
  readonly #refusals: Refusals
  readonly #states: ServiceStates
  readonly #confirmations: ReadQueue
  /** Services that are named and of which the first read had no instance. */
  readonly #empty = new Set<string>()
  /** Names that are followed, and whether their first answer came, good or not. */
  readonly #followed = new Map<string, boolean>()
  #follower: Follower
  /** `own`: a query for each service. `triggers`: a few queries for all. */
  #mode: 'own' | 'triggers' = 'own'
  readonly #figures = new WatchFigures()
  #oldSince: number | null = null
  /** Of the time since then. */
  #whyOld = ''
  /** Each name with its tags. A map: a service may be called `constructor`. */
  #names: ReadonlyMap<string, readonly string[]> = new Map()
  #listener: RegistryListener | null = null
  #watches = 0
  #isLoaded = false
  #heldAndSaid = 0
  /** What has to have been read once before the first table is whole. */
  readonly #awaited = new Set<string>()
  #resolveLoaded: () => void = () => {}

  constructor(options: ConsulRegistryOptions, world: World, log: Log) {
    this.#options = options
    // Every read and every watch listens to it; that many are meant.
    setMaxListeners(0, this.#closing.signal)
    this.#client = new ConsulClient(options.client)
    this.address = this.#client.url
    this.#overridesClient = new ConsulClient({ ...options.client, maxConnections: 2 })
    this.overrides = new KvOverrides(this.#overridesClient, options.overridesPath, this.#closing.signal)
    this.#world = world
    this.#log = log
    this.#contact = new Contact({
      probe: (signal) => this.#probe(signal),
      world,
      changed: () => this.#contactChanged(),
      signal: this.#closing.signal,
    })
    this.#refusals = new Refusals(world.clock, () => this.#listener?.statusChanged())
    this.#states = new ServiceStates({
      health: options.health,
      kinds: options.kinds,
      world,
      told: (changes) => this.#safely(() => this.#listener?.changed(changes)),
      confirm: (services) => void this.#confirm(services),
    })
    this.#confirmations = new ReadQueue({
      width: 8,
      read: (service, signal) => this.#client.read(servicePath(service), signal, 'default'),
      onAnswer: (service, { body }) => {
        // The leader does not name it any more either, so whatever it lists is not ours.
        const confirmed = this.#followed.has(service) ? body : []
        this.#states.read(service, confirmed, true)
        this.#settled(servicePath(service))
      },
      onError: (service, error) => this.#refused(servicePath(service), error),
      waitForReturn: (error) => this.#contact.waitForReturn(error),
      isLost: () => this.#contact.isLost(),
      world,
      signal: this.#closing.signal,
    })
    this.#follower = this.#newFollower('own')
  }

  status(): RegistryStatus {
    const contact = this.#contact.status()
    const { since, words } = this.#refusals
    const [oldest = null] = [this.#oldSince, since].filter((at) => at !== null).sort((a, b) => a - b)
    const errors = [contact.error, words, this.#oldSince === null ? '' : this.#whyOld]
    return { ...contact, oldSince: oldest, error: errors.filter((error) => error !== '').join('; ') }
  }

  /**
   * A server that has not heard of its leader for long, or knows none, answers all the same (Consul, "Consistency
   * Modes"). What it says is used, and it is said that it may be old. Returns whether it may be.
   */
  #judgeAge({ lastContactMs, knownLeader }: Answer): boolean {
    const isOld = !knownLeader || lastContactMs > oldestMs
    if (isOld === (this.#oldSince !== null)) return isOld
    this.#oldSince = isOld ? this.#world.clock.now() : null
    if (isOld) {
      const why = knownLeader ? `heard of its leader ${lastContactMs} ms ago` : 'knows no leader'
      this.#whyOld = `the server that answers ${why}`
      this.#log.warn('consul', 'old-data', `${this.address}: ${this.#whyOld}; using what it says`)
    } else this.#log.info('consul', 'fresh-data', `${this.address}: the servers have their leader again`)
    this.#listener?.statusChanged()
    return isOld
  }

  figures(): RegistryFigure[] {
    const { answers, wakesWithoutNews, indexResets, refusals, losses, delays } = this.#figures
    const gauge = (name: string, help: string, value: number): RegistryFigure => ({
      name,
      help,
      kind: 'gauge',
      value,
    })
    const counter = (name: string, help: string, value: number): RegistryFigure => ({
      name,
      help,
      kind: 'counter',
      value,
    })
    return [
      gauge('services', 'services that the registry names', this.#names.size),
      gauge('services_followed', 'services with a tag of ours', this.#followed.size),
      gauge('services_held', 'services whose loss waits to be confirmed', this.#states.held.size),
      gauge('watches', 'blocking queries under way', this.#watches),
      gauge(
        'trigger_mode',
        '1 when a few queries watch all services, 0 when each has its own',
        +(this.#mode === 'triggers'),
      ),
      gauge(
        'old',
        '1 while the servers that answer may say what is no longer so',
        +(this.#oldSince !== null),
      ),
      counter('watch_answers', 'answers to blocking queries', answers),
      counter(
        'watch_wakes_without_news',
        'answers whose index moved and that brought nothing new',
        wakesWithoutNews,
      ),
      counter('watch_index_resets', 'answers whose index went back', indexResets),
      counter('watch_refusals', 'answers that were errors', refusals),
      counter('watch_losses', 'questions that got no answer', losses),
      counter('watch_delays', 'questions held back because many came before', delays),
    ]
  }

  async start(listener: RegistryListener): Promise<void> {
    this.#listener = listener
    await this.#connect()
    const loaded = new Promise<void>((resolve) => {
      this.#resolveLoaded = resolve
    })
    const { overridesPath, noRoutePath } = this.#options
    for (const part of ['names', overridesPath, noRoutePath]) this.#awaited.add(part)
    this.#watchTree(overridesPath, (documents) => listener.commandsChanged(documents))
    this.#watchTree(noRoutePath, (documents) =>
      listener.noRoutePageChanged(documents.map(({ text }) => text).join('\n\n')),
    )
    this.#watch({
      path: '/v1/catalog/services',
      onAnswer: (answer) => this.#namesChanged(answer),
      // The start goes on waiting: without the names there is nothing to serve.
      onRefused: () => {},
      signal: this.#closing.signal,
    })
    await loaded
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#states.close()
    await Promise.all([this.#follower.close(), this.#client.close(), this.#overridesClient.close()])
  }

  /** The first contact: who answers, and for which datacenter. */
  async #connect(): Promise<void> {
    const { clock } = this.#world
    const { timeout, retry } = this.#options
    const deadline = clock.monotonic() + timeout
    for (;;) {
      try {
        const { body } = await this.#client.read('/v1/agent/self', this.#closing.signal)
        this.datacenter = datacenterOf(body)
        this.#contact.heard()
        this.#listener?.statusChanged()
        this.#log.info(
          'consul',
          'connected',
          `connected to ${this.address} in datacenter "${this.datacenter}"`,
        )
        return
      } catch (error) {
        if (this.#closing.signal.aborted || clock.monotonic() + retry >= deadline) {
          throw new StartError(
            `registry.consul.addr: expected Consul to answer at ${this.address} within ${timeout / 1000} s, ` +
              `got: ${messageOf(error)}`,
            { cause: error },
          )
        }
        this.#log.warn('consul', 'no-contact', `${messageOf(error)}; trying again`)
        await sleep(clock, retry, this.#closing.signal)
      }
    }
  }

  /** Resolves when Consul answers and has a leader. */
  async #probe(signal: AbortSignal): Promise<void> {
    const { body } = await this.#client.read('/v1/status/leader', signal)
    if (body === '') throw new ConsulError(500, `${this.address}: no cluster leader`)
  }

  readonly #watch: StartWatch = ({
    path,
    onAnswer,
    onRefused,
    onReturn = () => {},
    signal: own,
    ...pace
  }) => {
    const signal = AbortSignal.any([this.#closing.signal, own])
    const contact = this.#contact
    // The leader itself is asked where a server's answer may be old, and not in a loop; where there is none it refuses.
    let asksLeader = false
    let askedLeaderAt = Number.NEGATIVE_INFINITY
    let times: number | null = null
    this.#watches++
    watch({
      whenThere: async () => {
        await contact.whenThere()
        const wasLost = times !== contact.timesLost
        times = contact.timesLost
        return wasLost
      },
      ask: async (index, waitMs, askSignal) => {
        const now = this.#world.clock.monotonic()
        const consistency = asksLeader && now >= askedLeaderAt + oldestMs ? 'default' : undefined
        if (consistency !== undefined) askedLeaderAt = now
        const from = consistency === undefined ? index : 0n
        const answer = await contact.whileThere(askSignal, (ends) =>
          this.#client.block(path, from, waitMs, ends, consistency),
        )
        // An answer without news is contact too.
        contact.heard()
        asksLeader = this.#judgeAge(answer)
        return answer
      },
      onAnswer: (answer) => {
        const isNews = onAnswer(answer)
        this.#settled(path)
        return isNews
      },
      onError: (error) => {
        contact.heard()
        this.#refused(path, error)
        onRefused(error)
      },
      isLost: () => contact.isLost(),
      waitForReturn: async (error) => {
        await contact.waitForReturn(error)
        if (!signal.aborted) onReturn()
      },
      ...pace,
      figures: this.#figures,
      world: this.#world,
      signal,
    })
      .catch((error: unknown) => this.#log.error('consul', 'watch-ended', `${path}: ${messageOf(error)}`))
      .finally(() => {
        this.#watches--
        this.#refusals.settled(path)
      })
  }

  /** Said once for all that are refused in the same way: an agent that keeps refusing must not fill the log. */
  #refused(path: string, error: ConsulError): void {
    const words = error.message.startsWith(this.address) ? error.message : `${path}: ${error.message}`
    const isWorthALine = this.#refusals.refused(path, new ConsulError(error.status, words))
    if (isWorthALine) this.#log.warn('consul', 'refused', `${words}; keeping the routes`)
  }

  #settled(path: string): void {
    if (this.#refusals.settled(path))
      this.#log.info('consul', 'answered-again', `${this.address} answers every question again`)
  }

  /** What others do with a change must not end the watch that brought it, nor have it asked for again and again. */
  #safely(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.#log.error('consul', 'listener-failed', messageOf(error))
    }
  }

  #watchTree(path: string, tell: (documents: readonly CommandDocument[]) => void): void {
    const { signal } = this.#closing
    const tree = new KvTree({
      path,
      tell: (documents) => this.#safely(() => tell(documents)),
      readAgain: async () => (await this.#client.read(kvTreePath(path), signal, 'default')).body,
      isDistrustful: () => this.#states.isDistrustful || !this.#contact.status().connected,
      world: this.#world,
      log: this.#log,
      signal,
    })
    this.#watch({
      path: kvTreePath(path),
      onAnswer: ({ body }) => {
        const isNews = tree.answered(body)
        this.#wasRead(path)
        return isNews
      },
      onRefused: () => this.#wasRead(path),
      signal,
    })
  }

  #contactChanged(): void {
    const { connected, error } = this.#contact.status()
    if (connected) {
      this.#states.contactWasBack()
      this.#log.info('consul', 'contact-back', `${this.address} answers again`)
    } else this.#log.warn('consul', 'contact-lost', `${error}; keeping the routes`)
    this.#listener?.statusChanged()
  }

  /** `GET /v1/catalog/services`: names to the tags of all their instances. */
  #namesChanged({ body, index }: Answer): boolean {
    const names = namesIn(body)
    const before = this.#names
    this.#names = names
    const kept = new Set([...names.keys()].filter((name) => this.#hasOurTag(names.get(name)!)))
    this.#chooseFollower(kept.size)
    const followed = this.#followed.size
    for (const name of kept) this.#follow(name)
    let isNews = this.#followed.size > followed
    for (const name of this.#followed.keys()) {
      if (kept.has(name)) continue
      isNews = true
      this.#followed.delete(name)
      this.#follower.unfollow(name)
      this.#refusals.settled(servicePath(name))
      this.#states.vanished(name)
    }
    const retagged = [...kept].filter(
      (name) => before.has(name) && !isSameSet(names.get(name), before.get(name)),
    )
    if (this.#isLoaded) this.#follower.registrationsChanged(retagged, index)
    if (this.#isLoaded && names.size === 0 && before.size > 0) this.#sayHidden(...nothingListed)
    this.#wasRead('names')
    return isNews || retagged.length > 0 || this.#mode === 'triggers'
  }

  #hasOurTag(tags: readonly string[]): boolean {
    return tags.some((tag) => tag.trim().startsWith(this.#options.tagPrefix))
  }

  #follow(name: string): void {
    if (this.#followed.has(name)) return
    this.#followed.set(name, false)
    this.#follower.follow(name)
  }

  #newFollower(mode: 'own' | 'triggers'): Follower {
    const listener = {
      answered: (service: string, { body }: Answer): boolean => {
        const isNews = this.#states.read(service, body)
        if (!this.#isLoaded && Array.isArray(body) && body.length === 0) this.#empty.add(service)
        this.#settled(servicePath(service))
        this.#serviceWasRead(service)
        return isNews
      },
      refused: (service: string, error: ConsulError) => {
        this.#refused(servicePath(service), error)
        this.#serviceWasRead(service)
      },
      servicesOn: (node: string) => this.#states.servicesOn(node),
    }
    if (mode === 'own') return new OwnWatches(this.#watch, listener)
    return new Triggers({
      client: this.#client,
      contact: this.#contact,
      startWatch: this.#watch,
      startScanner: () => startScanner(this.#options.client),
      listener,
      world: this.#world,
      log: this.#log,
    })
  }

  /** Changes over when there are too many services for a query each, and back when there are clearly fewer. */
  #chooseFollower(services: number): void {
    const { maxWatches } = this.#options
    const isTooMany = services > maxWatches
    const isFewAgain = services <= maxWatches * 0.75
    const mode = this.#mode === 'own' ? (isTooMany ? 'triggers' : 'own') : isFewAgain ? 'own' : 'triggers'
    if (mode === this.#mode) return
    const before = this.#follower
    this.#mode = mode
    this.#follower = this.#newFollower(mode)
    for (const name of this.#followed.keys()) this.#follower.follow(name)
    before.close().catch((error: unknown) => this.#log.error('consul', 'watch-ended', messageOf(error)))
    this.#log.info('consul', 'watch-mode', `${services} services with our tags: following them by ${mode}`)
  }

  #serviceWasRead(service: string): void {
    if (!this.#followed.has(service)) return
    this.#followed.set(service, true)
    this.#checkLoaded()
  }

  #wasRead(part: string): void {
    this.#awaited.delete(part)
    this.#checkLoaded()
  }

  /** Everything was read once, or refused: one service that cannot be read must not keep the others waiting. */
  #checkLoaded(): void {
    if (this.#isLoaded || this.#awaited.size > 0) return
    for (const wasRead of this.#followed.values()) if (!wasRead) return
    this.#isLoaded = true
    this.#states.flush()
    this.#sayWhatIsHidden()
    this.#resolveLoaded()
  }

  /**
   * A token that lacks a right gets lists that are short, and no error (Consul, "ACL Rules"): every Consul lists at
   * least itself, and a service that is named has instances.
   */
  #sayWhatIsHidden(): void {
    if (this.#names.size === 0) this.#sayHidden(...nothingListed)
    const [first, ...others] = this.#empty
    if (first === undefined) return
    const more = others.length === 0 ? '' : `, nor of ${others.length} others`
    this.#sayHidden(
      `names the service ${JSON.stringify(first)} and lists no instance of it${more}`,
      'node:read',
    )
  }

  #sayHidden(what: string, right: string): void {
    const words = `${this.address} ${what}; where it has ACLs, that is how a token without ${right} sees it`
    this.#log.warn('consul', 'hidden', `${words} (docs/consul.md)`)
  }

  /**
   * Losses that are too large to be believed at once: asks the leader, unless the agent that we talk to says itself
   * that it is about to go.
   */
  async #confirm(services: readonly string[]): Promise<void> {
    const { signal } = this.#closing
    try {
      const { body } = await this.#client.read('/v1/agent/self', signal)
      if (isLeaving(body)) {
        this.#log.warn(
          'consul',
          'agent-leaving',
          `the agent at ${this.address} is leaving; keeping the routes`,
        )
        return
      }
      // Asked every two seconds as long as they are held, and said when their number changes.
      if (services.length !== this.#heldAndSaid) {
        this.#heldAndSaid = services.length
        const words = `Consul lists ${services.length} services as gone at once; asking its leader`
        this.#log.warn('consul', 'loss-held', words)
      }
      const names = await this.#client.read('/v1/catalog/services', signal, 'default')
      this.#namesChanged(names)
      for (const service of services) this.#confirmations.add(service)
    } catch (error) {
      if (signal.aborted) return
      // Asked again as long as they are held: what cannot be confirmed stays.
      this.#log.warn('consul', 'loss-unconfirmed', `${messageOf(error)}; keeping the routes`)
    }
  }
}

const nothingListed = ['lists no service at all', 'service:read'] as const

function datacenterOf(body: unknown): string {
  const datacenter = (body as { Config?: { Datacenter?: unknown } } | null)?.Config?.Datacenter
  if (typeof datacenter !== 'string') throw new Error('/v1/agent/self: expected Config.Datacenter, got none')
  return datacenter
}

/** Throws where it is anything but names with their tags: a service that is not named here loses its routes. */
function namesIn(body: unknown): Map<string, readonly string[]> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Error(`expected names of services, got ${Array.isArray(body) ? 'a list' : typeof body}`)
  }
  for (const [name, tags] of Object.entries(body)) {
    if (tags !== null && !Array.isArray(tags)) {
      throw new Error(`service ${JSON.stringify(name)}: expected a list of tags, got ${typeof tags}`)
    }
  }
  return new Map(Object.entries(body).map(([name, tags]) => [name, textsIn(tags)]))
}

/** The tags of a service come in an order that differs from answer to answer. */
const isSameSet = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  JSON.stringify(a?.toSorted()) === JSON.stringify(b?.toSorted())

/** Serf's states of a member: 1 is alive, 2 leaving, 3 left. */
function isLeaving(body: unknown): boolean {
  const status = (body as { Member?: { Status?: unknown } } | null)?.Member?.Status
  return status === 2 || status === 3
}
