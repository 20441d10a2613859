import type { World } from '../../base/world.ts'
import type { Instance, ServiceInstances } from '../registry.ts'
import { type HealthEntry, type HealthRules, instanceOf, isRoutable } from './health.ts'
import { LossGuard } from './loss-guard.ts'

export interface ServiceStatesOptions {
  readonly health: HealthRules
  /** `registry.consul.kinds`: kinds of service that are routed beside ordinary ones. */
  readonly kinds: readonly string[]
  readonly world: World
  /** Takes what changed. */
  readonly told: (changes: readonly ServiceInstances[]) => void
  /** Asks to read these services again from the leader, because their loss is hard to believe. */
  readonly confirm: (services: readonly string[]) => void
}

/**
 * What is known of each service, and what was told of it: reduces answers to instances, finds out whether anything
 * changed, gathers changes, and holds losses that are too large to be believed at once.
 */
export class ServiceStates {
  readonly #options: ServiceStatesOptions
  readonly #guard: LossGuard
  readonly #known = new Map<string, KnownService>()
  /** What changed and is not told yet; newest wins. */
  readonly #pending = new Map<string, ServiceInstances>()
  /** Losses that wait for their confirmation; newest wins. */
  readonly #held = new Map<string, ServiceInstances>()
  #lastToldAt = Number.NEGATIVE_INFINITY
  #cancelTelling: (() => void) | null = null
  #cancelJudging: (() => void) | null = null
  #isTooMuch = false

  constructor(options: ServiceStatesOptions) {
    this.#options = options
    this.#guard = new LossGuard(options.world.clock)
  }

  /** Services that wait for their loss to be confirmed. */
  get held(): ReadonlyMap<string, ServiceInstances> {
    return this.#held
  }

  /** True while what Consul says may be that of a Consul that has just restarted. */
  get isDistrustful(): boolean {
    return this.#guard.isDistrustful
  }

  contactWasBack(): void {
    this.#guard.contactWasBack()
  }

  /** Instances of a node, as they were told last: which services a check of the node is about. */
  servicesOn(node: string): string[] {
    const names: string[] = []
    for (const [name, { instances }] of this.#known) {
      if (instances.some((instance) => instance.node === node)) names.push(name)
    }
    return names
  }

  /**
   * Takes an answer of `GET /v1/health/service/:name`. Returns whether it brought anything new. Throws where it is not
   * what Consul documents.
   *
   * @param isConfirmed true: the leader was asked, so a loss is believed now
   */
  read(service: string, body: unknown, isConfirmed = false): boolean {
    if (!Array.isArray(body))
      throw new Error(`expected a list of instances of ${service}, got ${typeof body}`)
    const { health, kinds } = this.#options
    const instances = (body as readonly HealthEntry[])
      .filter((entry) => isRoutable(entry, kinds))
      .map((entry) => instanceOf(entry, health))
      .sort(byNodeAndId)
    return this.#update({ service, instances }, isConfirmed)
  }

  /** The registry does not name the service any more. */
  vanished(service: string): void {
    this.#update({ service, instances: [] }, false)
  }

  close(): void {
    this.#cancelTelling?.()
    this.#cancelJudging?.()
  }

  #update(change: ServiceInstances, isConfirmed: boolean): boolean {
    const { service, instances } = change
    const isRouted = instances.some((instance) => instance.state.routed)
    const isLost = !isRouted && this.#guard.isRouted(service)
    if (isLost) this.#guard.lost(service)
    else this.#guard.found(service)
    if (areSame(this.#known.get(service)?.instances ?? none, instances)) {
      this.#held.delete(service)
      return false
    }
    const isDistrusted = this.#guard.isDistrustful
    // Instances that are listed as critical come with their check's own words and are believed at once, unless those
    // may be the words of an agent that has just started.
    const isDoubtful = isLost && (instances.length === 0 || isDistrusted) && (!isConfirmed || isDistrusted)
    if (isDoubtful) this.#hold(change)
    else this.#accept(change)
    return true
  }

  #accept(change: ServiceInstances): void {
    const { service, instances } = change
    this.#held.delete(service)
    const routed = instances.filter((instance) => instance.state.routed).length
    const isLoss = routed < (this.#known.get(service)?.routed ?? 0)
    this.#guard.told(service, routed > 0)
    if (instances.length === 0) this.#known.delete(service)
    else this.#known.set(service, { routed, instances })
    this.#tell(change, isLoss)
  }

  /** Waits a moment for what else is lost: only together they show whether it is too much. */
  #hold(change: ServiceInstances): void {
    if (this.#held.size === 0) this.#isTooMuch = false
    this.#held.set(change.service, change)
    // Once it was too much it stays so until all of it is settled: of services that come back one after the other the
    // last is not lost because the others are there again.
    this.#isTooMuch ||= this.#guard.isTooMuch
    const wait = this.#guard.isDistrustful ? cautiousJudgeMs : judgeMs
    this.#cancelJudging ??= this.#options.world.clock.after(wait, () => this.#judge())
  }

  #judge(): void {
    this.#cancelJudging = null
    if (this.#held.size === 0) this.#isTooMuch = false
    else if (this.#isTooMuch) {
      this.#cancelJudging = this.#options.world.clock.after(confirmMs, () => {
        if (this.#held.size > 0) this.#options.confirm([...this.#held.keys()])
        this.#judge()
      })
    } else for (const change of [...this.#held.values()]) this.#accept(change)
  }

  /**
   * Passes a change on: the first at once, those of the next moment together, a loss of health at once in any case,
   * because requests are failing until it is known.
   */
  #tell(change: ServiceInstances, isLoss: boolean): void {
    this.#pending.set(change.service, change)
    const wait = this.#lastToldAt + gatherMs - this.#options.world.clock.monotonic()
    if (isLoss || wait <= 0) this.flush()
    else this.#cancelTelling ??= this.#options.world.clock.after(wait, () => this.flush())
  }

  /** Tells what is pending now. */
  flush(): void {
    this.#cancelTelling?.()
    this.#cancelTelling = null
    if (this.#pending.size === 0) return
    const changes = [...this.#pending.values()]
    this.#pending.clear()
    this.#lastToldAt = this.#options.world.clock.monotonic()
    this.#options.told(changes)
  }
}

interface KnownService {
  readonly routed: number
  readonly instances: readonly Instance[]
}

const none: readonly Instance[] = []

const areSame = (before: readonly Instance[], after: readonly Instance[]): boolean =>
  before.length === after.length && before.every((instance, i) => isSame(instance, after[i]!))

/** Who adds a field says here how it is compared: one that is left out would never be news. */
const same: { readonly [Field in keyof Instance]: (a: Instance[Field], b: Instance[Field]) => boolean } = {
  service: Object.is,
  id: Object.is,
  node: Object.is,
  address: Object.is,
  port: Object.is,
  tags: (a, b) => a.length === b.length && a.every((tag, i) => tag === b[i]),
  state: (a, b) => a.routed === b.routed && a.health === b.health && a.reason === b.reason,
}

const isSame = (a: Instance, b: Instance): boolean =>
  same.state(a.state, b.state) &&
  same.tags(a.tags, b.tags) &&
  same.address(a.address, b.address) &&
  same.port(a.port, b.port) &&
  same.id(a.id, b.id) &&
  same.node(a.node, b.node) &&
  same.service(a.service, b.service)

const gatherMs = 50
/** How long a service that is gone waits for others that are gone with it. */
const judgeMs = 150
/** The same while Consul may have just restarted: the watches come back one after the other, the last a second later. */
const cautiousJudgeMs = 3_000
/** Between two questions to the leader about losses that are hard to believe. */
const confirmMs = 2_000

function byNodeAndId(a: Instance, b: Instance): number {
  if (a.node !== b.node) return a.node < b.node ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
