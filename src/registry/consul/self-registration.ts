import { isIPv6 } from 'node:net'
import { messageOf, StartError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { type Clock, sleep } from '../../base/world.ts'
import type { AgentApi, RegisteredService } from './agent-api.ts'
import { ConsulError } from './client.ts'

export interface SelfRegistrationOptions {
  /** `registry.consul.register.name` */
  readonly name: string
  readonly hostname: string
  /**
   * Host of `registry.consul.register.addr`, else of `ui.addr`; IPv6 without brackets. Empty, or an address that
   * stands for all (`0.0.0.0`, `::`): `localAddress`. A name is registered as it is, for whoever asks to resolve;
   * fabio silently registers the local address in its place (quirk 15).
   */
  readonly host: string
  readonly port: number
  /** The first global unicast address of this machine; null: it has none. */
  readonly localAddress: string | null
  /** `registry.consul.register.tags` */
  readonly tags: readonly string[]
  /** Milliseconds without a sign of life after which Consul takes the registration away; at least a minute. */
  readonly deregisterAfter: number
  /** The check of `/health`. */
  readonly check: {
    readonly scheme: 'http' | 'https'
    /** `registry.consul.register.checkInterval`: milliseconds. */
    readonly interval: number
    /** `registry.consul.register.checkTimeout`: milliseconds. */
    readonly timeout: number
    /** `registry.consul.register.checkTLSSkipVerify` */
    readonly skipVerify: boolean
  }
}

/** A name under which the gateway is or is to be registered. */
interface Registration {
  readonly service: RegisteredService
  /** Consul has it, as far as we know. */
  isRegistered: boolean
  /** Consul may have it: an attempt was made whose answer may have been lost. */
  mayExist: boolean
  /** Why the last attempt failed; empty when it did not. */
  error: string
}

/**
 * Registers the gateway itself in Consul, under its own name and under those that routes give it, and keeps it there
 * (fabio reference 4.7).
 *
 * A TTL check is passed every 10 s. An agent that refuses that has forgotten us, for it takes a check away together
 * with its service; so an update that is accepted is proof of both, and the list of all services of the agent, which
 * fabio reads each time, is not asked for.
 */
export class SelfRegistration {
  readonly #options: SelfRegistrationOptions
  readonly #address: string
  readonly #api: AgentApi
  readonly #clock: Clock
  readonly #log: Log
  readonly #known = new Map<string, Registration>()
  #aliases: ReadonlySet<string> = new Set()
  #isStarted = false
  #isLeaving = false
  #working: Promise<void> | null = null
  #mustWorkAgain = false
  #cancelNext: () => void = () => {}
  #left: Promise<void> | null = null

  /** Throws a StartError where there is no address to register. */
  constructor(options: SelfRegistrationOptions, api: AgentApi, clock: Clock, log: Log) {
    this.#options = options
    this.#address = addressOf(options)
    this.#api = api
    this.#clock = clock
    this.#log = log
  }

  /** Registers. Resolves after the first attempt, whatever came of it: it is repeated until it succeeds. */
  start(): Promise<void> {
    this.#isStarted = true
    return this.#work()
  }

  /** Replaces the other names (`register=` of routes): new ones are registered, the others withdrawn. */
  setAliases(names: readonly string[]): void {
    this.#aliases = new Set(names.filter((name) => name !== '' && name !== this.#options.name))
    const wanted = this.#wanted()
    const isSame = wanted.size === this.#known.size && [...wanted].every((name) => this.#known.has(name))
    if (!isSame) this.#wake()
  }

  /** Consul was away and answers again: it may have forgotten us. */
  contactBack(): void {
    this.#wake()
  }

  /** Withdraws every name and ends the work, within 3 s. Never rejects; safe to call twice. */
  deregister(): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  #wanted(): ReadonlySet<string> {
    return new Set([this.#options.name, ...this.#aliases])
  }

  #wake(): void {
    if (this.#isStarted) void this.#work()
  }

  /** One round at a time; what comes up meanwhile gets a round after it. */
  #work(): Promise<void> {
    this.#mustWorkAgain = true
    this.#working ??= this.#workUntilDone()
    return this.#working
  }

  async #workUntilDone(): Promise<void> {
    while (this.#mustWorkAgain && !this.#isLeaving) {
      this.#mustWorkAgain = false
      this.#cancelNext()
      const startedAt = this.#clock.monotonic()
      const isWell = await this.#round()
      if (this.#isLeaving) return
      const pause = isWell ? intervalMs : retryMs
      const wait = Math.max(0, startedAt + pause - this.#clock.monotonic())
      this.#cancelNext = this.#clock.after(wait, () => this.#wake())
    }
    // In the same step as the last look at what is to be done, or something could come up between.
    this.#working = null
  }

  /** Resolves with whether Consul has what it should have, and nothing more. */
  async #round(): Promise<boolean> {
    const wanted = this.#wanted()
    for (const name of wanted) {
      if (this.#known.has(name)) continue
      const service = this.#serviceOf(name)
      this.#known.set(name, { service, isRegistered: false, mayExist: false, error: '' })
    }
    const all = [...this.#known.values()].map((registration) =>
      wanted.has(registration.service.name) ? this.#keep(registration) : this.#withdraw(registration),
    )
    return (await Promise.all(all)).every((isWell) => isWell)
  }

  #serviceOf(name: string): RegisteredService {
    const { hostname, port, tags, deregisterAfter, check } = this.#options
    const host = isIPv6(this.#address) ? `[${this.#address}]` : this.#address
    const id = `${name}-${hostname}-${port}`
    return {
      name,
      id,
      address: this.#address,
      port,
      tags,
      ttl: { checkId: `${id}-ttl`, ttl: ttlMs, deregisterAfter },
      http: {
        url: `${check.scheme}://${host}:${port}/health`,
        interval: check.interval,
        timeout: check.timeout,
        skipVerify: check.skipVerify,
      },
    }
  }

  async #keep(registration: Registration): Promise<boolean> {
    const { service, isRegistered } = registration
    try {
      if (!isRegistered || !(await this.#isRemembered(service))) await this.#register(registration)
      else if (registration.error !== '') {
        this.#log.info('consul', 'register-recovered', `kept ${inLog(service)} again`)
      }
      registration.error = ''
      return true
    } catch (error) {
      this.#failed(registration, 'register-failed', `cannot register gatehouse ${inLog(service)}`, error)
      return false
    }
  }

  /** Passes the TTL check. False: the agent does not know it. */
  async #isRemembered({ ttl }: RegisteredService): Promise<boolean> {
    try {
      await this.#api.pass(ttl.checkId)
      return true
    } catch (error) {
      // Of a check that it does not know, an older Consul says 500 and a newer one 404.
      if (error instanceof ConsulError && (error.status === 404 || error.status === 500)) return false
      throw error
    }
  }

  async #register(registration: Registration): Promise<void> {
    const { service, isRegistered, mayExist } = registration
    registration.mayExist = true
    try {
      await this.#api.register(service)
    } catch (error) {
      // Refused for a lack of rights: what there was before is all that there is.
      if (error instanceof ConsulError && error.status === 403) registration.mayExist = mayExist
      throw error
    }
    registration.isRegistered = true
    await this.#api.pass(service.ttl.checkId)
    const why = isRegistered ? ', which had forgotten it' : ''
    const { id, address, port } = service
    this.#log.info(
      'consul',
      'registered',
      `registered ${inLog(service)}${why}: ${id} at ${address}, port ${port}`,
    )
  }

  async #withdraw(registration: Registration): Promise<boolean> {
    const { service } = registration
    try {
      if (registration.mayExist) {
        await this.#deregister(service)
        this.#log.info('consul', 'deregistered', `deregistered ${inLog(service)}`)
      }
      this.#known.delete(service.name)
      return true
    } catch (error) {
      this.#failed(registration, 'deregister-failed', `cannot deregister gatehouse ${inLog(service)}`, error)
      return false
    }
  }

  async #deregister({ id }: RegisteredService): Promise<void> {
    try {
      await this.#api.deregister(id)
    } catch (error) {
      if (!(error instanceof ConsulError && isUnknownService(error))) throw error
    }
  }

  /** Logged once for each state: a Consul that keeps refusing must not fill the log. */
  #failed(registration: Registration, code: string, what: string, error: unknown): void {
    const words = messageOf(error)
    if (words === registration.error || this.#isLeaving) return
    registration.error = words
    this.#log.error('consul', code, `${what}. ${words}`)
  }

  async #leave(): Promise<void> {
    this.#isLeaving = true
    this.#cancelNext()
    const late = new AbortController()
    const cancel = this.#clock.after(leaveMs, () => late.abort())
    const failures = this.#withdrawAll(late.signal)
    const outcome = await Promise.race([failures, ended(late.signal)])
    cancel()
    this.#api.close()
    const problems = outcome ?? [`expected Consul to answer within ${leaveMs / 1000} s, got no answer`]
    for (const problem of problems) {
      this.#log.warn('consul', 'deregister-failed', `cannot deregister gatehouse in Consul. ${problem}`)
    }
  }

  /** Resolves with what went wrong. */
  async #withdrawAll(late: AbortSignal): Promise<readonly string[]> {
    // A registration that is under way would come after the withdrawal. It has half of the time: where it hangs, a
    // withdrawal may still get through.
    if (this.#working !== null) {
      await Promise.race([this.#working, sleep(this.#clock, leaveMs / 2, late)])
    }
    const all = [...this.#known.values()].filter(({ mayExist }) => mayExist)
    const outcomes = await Promise.allSettled(all.map(({ service }) => this.#deregister(service)))
    if (all.length > 0 && outcomes.every(({ status }) => status === 'fulfilled') && !late.aborted) {
      this.#log.info(
        'consul',
        'deregistered',
        `deregistered ${all.map(({ service }) => service.id).join(', ')}`,
      )
    }
    return outcomes.flatMap((each) => (each.status === 'rejected' ? [messageOf(each.reason)] : []))
  }
}

/** It is gone already, or a registration that was refused never came to be: a newer Consul says 404, an older one 500. */
const isUnknownService = ({ status, message }: ConsulError): boolean =>
  status === 404 || (status === 500 && /unknown service/i.test(message))

/** As fabio has it, so that people and their alarms find it. */
const inLog = ({ name }: RegisteredService): string => `[name:${JSON.stringify(name)}] in Consul`

function addressOf({ host, localAddress }: SelfRegistrationOptions): string {
  if (host !== '' && host !== '0.0.0.0' && host !== '::') return host
  if (localAddress !== null) return localAddress
  throw new StartError(
    'registry.consul.register.addr: expected a host, or a machine with an address that others can reach, got neither',
  )
}

/** Resolves with null when the signal ends. */
const ended = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true })
  })

/** fabio's, and fixed there too. */
const ttlMs = 15_000
const intervalMs = 10_000
/** After a failure: one call that is lost must not use up the TTL. */
const retryMs = 2_000
const leaveMs = 3_000
