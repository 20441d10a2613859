import { messageOf, StartError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { sleep, type World } from '../../base/world.ts'
import type { Instance, Registry, RegistryListener, RegistryStatus, ServiceInstances } from '../registry.ts'
import { ConsulClient, type ConsulClientOptions, ConsulError } from './client.ts'
import { Contact } from './contact.ts'
import { type HealthEntry, type HealthRules, instanceOf, isRoutable } from './health.ts'
import { watch } from './watch.ts'

export interface ConsulRegistryOptions {
  readonly client: ConsulClientOptions
  readonly health: HealthRules
  /** Services with a tag that begins so are watched, and no other. */
  readonly tagPrefix: string
  /** `registry.timeout`: milliseconds within which Consul must have answered at the start. */
  readonly timeout: number
  /** `registry.retry`: milliseconds between two tries at the start. */
  readonly retry: number
}

/**
 * Watches Consul on two levels: one blocking query on the names of all services with their tags, and one on the
 * instances of each service that has a tag of ours. Nothing else is asked, so the cost follows the changes of the
 * services that are routed and not those of the datacenter.
 */
export class ConsulRegistry implements Registry {
  readonly kind = 'consul'
  readonly address: string
  datacenter = ''
  readonly #options: ConsulRegistryOptions
  readonly #client: ConsulClient
  readonly #world: World
  readonly #log: Log
  readonly #closing = new AbortController()
  readonly #contact: Contact
  readonly #services = new Map<string, ServiceWatch>()
  #listener: RegistryListener | null = null
  /** What changed and is not told yet; newest wins. */
  readonly #pending = new Map<string, ServiceInstances>()
  #lastToldAt = Number.NEGATIVE_INFINITY
  #cancelTelling: (() => void) | null = null
  #namesAreKnown = false
  #resolveLoaded: () => void = () => {}

  constructor(options: ConsulRegistryOptions, world: World, log: Log) {
    this.#options = options
    this.#client = new ConsulClient(options.client)
    this.address = this.#client.url
    this.#world = world
    this.#log = log
    this.#contact = new Contact({
      probe: async (signal) => {
        const { body } = await this.#client.read('/v1/status/leader', signal)
        if (body === '') throw new ConsulError(500, `${this.address}: no cluster leader`)
      },
      world,
      changed: () => this.#contactChanged(),
      signal: this.#closing.signal,
    })
  }

  status(): RegistryStatus {
    return this.#contact.status()
  }

  async start(listener: RegistryListener): Promise<void> {
    this.#listener = listener
    await this.#connect()
    const loaded = new Promise<void>((resolve) => {
      this.#resolveLoaded = resolve
    })
    this.#run('/v1/catalog/services', this.#closing.signal, (body) => this.#namesChanged(body))
    await loaded
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancelTelling?.()
    await this.#client.close()
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

  #run(
    path: string,
    signal: AbortSignal,
    onAnswer: (body: unknown) => boolean,
    onRefused: () => void = () => {},
  ): void {
    let lastError = ''
    const contact = this.#contact
    watch({
      ask: (index, waitMs, askSignal) => this.#client.block(path, index, waitMs, askSignal),
      onAnswer: (body) => {
        contact.heard()
        if (lastError !== '') this.#log.info('consul', 'watch-recovered', `${path}: answered again`)
        lastError = ''
        try {
          return onAnswer(body)
        } catch (error) {
          // An answer that is JSON and yet not what Consul documents: the last good state stays.
          this.#log.error('consul', 'bad-answer', `${path}: ${messageOf(error)}`)
          return false
        }
      },
      onError: (error) => {
        contact.heard()
        // Said once for each state: an agent that keeps refusing must not fill the log.
        if (error.message !== lastError)
          this.#log.warn('consul', 'watch-failed', `${error.message}; keeping the routes`)
        lastError = error.message
        onRefused()
      },
      waitForReturn: (error) => contact.waitForReturn(error),
      world: this.#world,
      signal,
    }).catch((error: unknown) => this.#log.error('consul', 'watch-ended', `${path}: ${messageOf(error)}`))
  }

  #contactChanged(): void {
    const { connected, error } = this.#contact.status()
    if (connected) this.#log.info('consul', 'contact-back', `${this.address} answers again`)
    else this.#log.warn('consul', 'contact-lost', `${error}; keeping the routes`)
    this.#listener?.statusChanged()
  }

  /** `GET /v1/catalog/services`: names to the tags of all their instances. */
  #namesChanged(body: unknown): boolean {
    const names = body as Readonly<Record<string, readonly string[]>>
    const kept = new Set(
      Object.keys(names).filter((name) =>
        names[name]!.some((tag) => tag.trim().startsWith(this.#options.tagPrefix)),
      ),
    )
    let isChanged = false
    for (const name of kept) {
      if (this.#services.has(name)) continue
      this.#watchService(name)
      isChanged = true
    }
    for (const [name, service] of this.#services) {
      if (kept.has(name)) continue
      service.closing.abort()
      this.#services.delete(name)
      this.#tell({ service: name, instances: [] }, false)
      isChanged = true
    }
    this.#namesAreKnown = true
    this.#checkLoaded()
    return isChanged
  }

  #watchService(name: string): void {
    const closing = new AbortController()
    const service: ServiceWatch = { closing, known: null, routed: 0, wasAsked: false }
    this.#services.set(name, service)
    const signal = AbortSignal.any([this.#closing.signal, closing.signal])
    const answered = (body: unknown): boolean => {
      const instances = (body as readonly HealthEntry[])
        .filter(isRoutable)
        .map((entry) => instanceOf(entry, this.#options.health))
        .sort(byNodeAndId)
      const text = JSON.stringify(instances)
      const isChanged = text !== service.known
      if (isChanged) {
        const routed = instances.filter((instance) => instance.state.routed).length
        const isLoss = routed < service.routed
        service.known = text
        service.routed = routed
        this.#tell({ service: name, instances }, isLoss)
      }
      wasAsked()
      return isChanged
    }
    const wasAsked = (): void => {
      service.wasAsked = true
      this.#checkLoaded()
    }
    this.#run(`/v1/health/service/${encodeURIComponent(name)}`, signal, answered, wasAsked)
  }

  /** Everything was read once, or refused: one service that cannot be read must not keep the others waiting. */
  #checkLoaded(): void {
    if (!this.#namesAreKnown) return
    for (const service of this.#services.values()) if (!service.wasAsked) return
    this.#flush()
    this.#resolveLoaded()
  }

  /**
   * Passes a change on: the first at once, those of the next moment together, a loss of health at once in any case,
   * because requests are failing until it is known.
   */
  #tell(change: ServiceInstances, isLoss: boolean): void {
    this.#pending.set(change.service, change)
    const wait = this.#lastToldAt + gatherMs - this.#world.clock.monotonic()
    if (isLoss || wait <= 0) this.#flush()
    else this.#cancelTelling ??= this.#world.clock.after(wait, () => this.#flush())
  }

  #flush(): void {
    this.#cancelTelling?.()
    this.#cancelTelling = null
    if (this.#pending.size === 0) return
    const changes = [...this.#pending.values()]
    this.#pending.clear()
    this.#lastToldAt = this.#world.clock.monotonic()
    this.#listener?.changed(changes)
  }
}

interface ServiceWatch {
  readonly closing: AbortController
  /** The instances that were told last, as text; null before the first good answer. */
  known: string | null
  /** How many of them may get requests. */
  routed: number
  /** True after the first answer, also if that was an error. */
  wasAsked: boolean
}

const gatherMs = 100

function byNodeAndId(a: Instance, b: Instance): number {
  if (a.node !== b.node) return a.node < b.node ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

function datacenterOf(body: unknown): string {
  const datacenter = (body as { Config?: { Datacenter?: unknown } } | null)?.Config?.Datacenter
  if (typeof datacenter !== 'string') throw new Error('/v1/agent/self: expected Config.Datacenter, got none')
  return datacenter
}
