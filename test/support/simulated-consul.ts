import { sleep, type World } from '../../src/base/world.ts'
import { CheckScan } from '../../src/registry/consul/check-scan.ts'
import type { Answer } from '../../src/registry/consul/client.ts'
import { digestOf } from '../../src/registry/consul/digest.ts'
import type { Look, Scanner } from '../../src/registry/consul/scanner.ts'

export type Status = 'passing' | 'warning' | 'critical'

interface SimulatedInstance {
  readonly service: string
  readonly node: string
  readonly id: string
  readonly port: number
  readonly tags: readonly string[]
  readonly status: Status
  /** Of its check. */
  readonly modifyIndex: number
}

interface State {
  readonly index: number
  /** Of the last change of any check, of any registration, and of each service. */
  readonly checksIndex: number
  readonly servicesIndex: number
  readonly serviceIndex: ReadonlyMap<string, number>
  readonly instances: ReadonlyMap<string, SimulatedInstance>
  readonly nodesInMaintenance: ReadonlyMap<string, number>
}

/**
 * As much of Consul as the following of many services asks, in the time that a test holds in its hands: answers take
 * their time, and a read may come from a server that is a little behind.
 */
export class SimulatedConsul {
  readonly #world: World
  readonly #signal: AbortSignal
  /** Old ones too: a server may lag. */
  readonly #states: { readonly at: number; readonly state: State }[]
  #wake: (() => void)[] = []

  constructor(world: World, signal: AbortSignal) {
    this.#world = world
    this.#signal = signal
    const nothing: State = {
      index: 1,
      checksIndex: 1,
      servicesIndex: 1,
      serviceIndex: new Map(),
      instances: new Map(),
      nodesInMaintenance: new Map(),
    }
    this.#states = [{ at: world.clock.now(), state: nothing }]
  }

  get #state(): State {
    return this.#states.at(-1)!.state
  }

  register(instance: Pick<SimulatedInstance, 'service' | 'node' | 'id' | 'port' | 'tags'>): void {
    const before = this.#state.instances.get(instance.id)
    const index = this.#state.index + 1
    // A check that is registered anew with the instance keeps its status, and changes only where it is new.
    const check = before ?? { status: 'passing' as const, modifyIndex: index }
    const { status, modifyIndex } = check
    const instances = new Map(this.#state.instances).set(instance.id, { ...instance, status, modifyIndex })
    this.#change({ instances, servicesIndex: index, ...(before ? {} : { checksIndex: index }) }, [
      instance.service,
    ])
  }

  deregister(id: string): void {
    const instances = new Map(this.#state.instances)
    const { service } = instances.get(id)!
    instances.delete(id)
    const index = this.#state.index + 1
    this.#change({ instances, servicesIndex: index, checksIndex: index }, [service])
  }

  setStatus(id: string, status: Status): void {
    const before = this.#state.instances.get(id)!
    if (before.status === status) return
    const index = this.#state.index + 1
    const instances = new Map(this.#state.instances).set(id, { ...before, status, modifyIndex: index })
    this.#change({ instances, checksIndex: index }, [before.service])
  }

  setMaintenance(node: string, isOn: boolean): void {
    if (this.#state.nodesInMaintenance.has(node) === isOn) return
    const index = this.#state.index + 1
    const nodesInMaintenance = new Map(this.#state.nodesInMaintenance)
    if (isOn) nodesInMaintenance.set(node, index)
    else nodesInMaintenance.delete(node)
    const services = [...this.#state.instances.values()].filter((each) => each.node === node)
    this.#change({ nodesInMaintenance, checksIndex: index }, [
      ...new Set(services.map((each) => each.service)),
    ])
  }

  ids(): string[] {
    return [...this.#state.instances.keys()]
  }

  /** What `GET /v1/health/service/:name` says now. */
  entriesOf(service: string): unknown[] {
    return entriesIn(this.#state, service)
  }

  names(): string[] {
    return [...new Set([...this.#state.instances.values()].map((each) => each.service))]
  }

  async read(path: string, signal: AbortSignal): Promise<Answer> {
    await this.#delay(signal)
    const answer = answerOf(this.#laggingState(), path)
    await this.#delay(signal)
    return answer
  }

  async block(path: string, index: bigint, waitMs: number, signal: AbortSignal): Promise<Answer> {
    await this.#delay(signal)
    const until = this.#world.clock.monotonic() + waitMs
    for (;;) {
      const answer = answerOf(this.#state, path)
      const left = until - this.#world.clock.monotonic()
      if (answer.index > index || left <= 0 || signal.aborted) {
        await this.#delay(signal)
        return answer
      }
      await new Promise<void>((resolve) => {
        const cancel = this.#world.clock.after(left, resolve)
        this.#wake.push(() => {
          cancel()
          resolve()
        })
      })
    }
  }

  scanner(): Scanner {
    const scan = new CheckScan()
    return {
      look: async (): Promise<Look> => {
        const { body, index } = await this.read('/v1/health/state/any', this.#signal)
        scan.take(JSON.stringify(body))
        return { changed: scan.end(), index }
      },
      digests: (services) =>
        Promise.all(
          services.map(async (service) => {
            // Now and then it gets no answer.
            if (this.#world.random() < 0.1) return null
            const { body } = await this.read(`/v1/health/service/${service}`, this.#signal)
            return digestOf(body)
          }),
        ),
      close: async () => {},
    }
  }

  /** Up to 40 ms. */
  #delay(signal: AbortSignal): Promise<void> {
    return sleep(this.#world.clock, this.#world.random() * 40, signal)
  }

  /** Mostly the newest one, sometimes that of a server which is up to 60 ms behind. */
  #laggingState(): State {
    const lag = Math.max(0, this.#world.random() - 0.7) * 200
    const at = this.#world.clock.now() - lag
    return (this.#states.findLast((each) => each.at <= at) ?? this.#states[0]!).state
  }

  #change(change: Partial<State>, services: readonly string[]): void {
    const index = this.#state.index + 1
    const serviceIndex = new Map(this.#state.serviceIndex)
    for (const service of services) serviceIndex.set(service, index)
    const state = { ...this.#state, index, serviceIndex, ...change }
    this.#states.push({ at: this.#world.clock.now(), state })
    for (const wake of this.#wake.splice(0)) wake()
  }
}

function answerOf(state: State, path: string): Answer {
  const answer = (index: number, body: unknown): Answer => ({
    index: BigInt(index),
    body,
    lastContactMs: 0,
    knownLeader: true,
  })
  const [, , kind, what, name] = path.split('/')
  if (kind === 'catalog') return answer(state.servicesIndex, namesIn(state))
  if (what === 'service') return answer(state.serviceIndex.get(name!) ?? 1, entriesIn(state, name!))
  const checks = checksIn(state)
  return answer(state.checksIndex, name === 'any' ? checks : checks.filter(({ Status }) => Status === name))
}

function namesIn(state: State): Record<string, string[]> {
  const names: Record<string, string[]> = {}
  for (const { service, tags } of state.instances.values()) {
    names[service] = [...new Set([...(names[service] ?? []), ...tags])]
  }
  return names
}

const checkOf = ({ node, id, service, status, tags, modifyIndex }: SimulatedInstance) => ({
  Node: node,
  CheckID: `service:${id}`,
  Status: status,
  ServiceID: id,
  ServiceName: service,
  ServiceTags: tags,
  ModifyIndex: modifyIndex,
})

const maintenanceOf = (node: string, modifyIndex: number) => ({
  Node: node,
  CheckID: '_node_maintenance',
  Status: 'critical',
  ServiceID: '',
  ServiceName: '',
  ServiceTags: [],
  ModifyIndex: modifyIndex,
})

const checksIn = (state: State) => [
  ...[...state.instances.values()].map(checkOf),
  ...[...state.nodesInMaintenance].map(([node, index]) => maintenanceOf(node, index)),
]

function entriesIn(state: State, service: string): unknown[] {
  return [...state.instances.values()]
    .filter((each) => each.service === service)
    .map((each) => {
      const maintenance = state.nodesInMaintenance.get(each.node)
      return {
        Node: { Node: each.node, Address: '10.0.0.1' },
        Service: { ID: each.id, Service: service, Address: '10.0.0.1', Port: each.port, Tags: each.tags },
        Checks: [
          checkOf(each),
          ...(maintenance === undefined ? [] : [maintenanceOf(each.node, maintenance)]),
        ].map(({ ModifyIndex: _when, ...check }) => check),
      }
    })
}
