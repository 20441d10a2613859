import { isDeepStrictEqual } from 'node:util'
import type { RaftIndex, Result, Topics } from './blocking.ts'
import type { HealthCheck, HealthEntry, Indices, Node, NodeService, Stored } from './objects.ts'

/** A write that Consul's catalog refuses, in its words. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError'
}

export interface Registration {
  /** Null: the node is there already and stays as it is. */
  readonly update: Node | null
  readonly node: string
  readonly service: NodeService | null
  readonly checks: readonly HealthCheck[]
}

export interface Deregistration {
  readonly node: string
  /** Empty for none. With neither this nor a check, the whole node goes. */
  readonly serviceId: string
  readonly checkId: string
}

interface ServiceState {
  readonly node: NodeState
  service: Stored<NodeService>
  readonly checks: Map<string, Stored<HealthCheck>>
}

interface NodeState {
  node: Stored<Node>
  readonly services: Map<string, ServiceState>
  /** Those of the node itself. */
  readonly checks: Map<string, Stored<HealthCheck>>
  /** Every check on the node → whose it is; null: the node's own. */
  readonly owners: Map<string, ServiceState | null>
}

/**
 * Nodes, services and checks as Consul's servers keep them, with indices per table and per service name: a change to
 * one service does not move another's index nor wake who waits for it. Names are found in any case, as in Consul.
 */
export class Catalog {
  readonly #raft: RaftIndex
  readonly #topics: Topics
  readonly #nodes = new Map<string, NodeState>()
  /** Service name → its instances. */
  readonly #instances = new Map<string, Set<ServiceState>>()
  /** When each table last changed. */
  readonly #tables = { nodes: 0, services: 0, checks: 0 }
  /** When an instance of the service, a check of one, or a node of one last changed. */
  readonly #serviceIndices = new Map<string, number>()
  /** When a service last lost its last instance. Absent services have this index, so that theirs does not go back. */
  #lastExtinction = 0

  constructor(raft: RaftIndex, topics: Topics) {
    this.#raft = raft
    this.#topics = topics
  }

  /** One write, all of it or nothing. Throws a CatalogError. */
  register({ update, node: name, service, checks }: Registration): void {
    const index = this.#raft.next()
    const existing = this.#nodes.get(key(name))
    if (update === null && existing === undefined && (service !== null || checks.length > 0)) {
      throw new CatalogError('failed inserting service: Missing node registration')
    }
    if (service !== null && service.ID === '') {
      throw new CatalogError(
        'failed inserting service: failed inserting service: object missing primary index',
      )
    }
    for (const { ServiceID } of checks) {
      const known = ServiceID === '' || ServiceID === service?.ID || existing?.services.has(key(ServiceID))
      if (!known) {
        throw new CatalogError(
          `failed inserting check: Missing service registration on node ${JSON.stringify(name)}`,
        )
      }
    }
    const state = update === null ? existing : this.#putNode(update, index)
    if (state === undefined) return
    if (service !== null) this.#putService(state, service, index)
    for (const check of checks) this.#putCheck(state, check, index)
  }

  deregister({ node: name, serviceId, checkId }: Deregistration): void {
    const index = this.#raft.next()
    const node = this.#nodes.get(key(name))
    if (node === undefined) return
    if (serviceId !== '') {
      const state = node.services.get(key(serviceId))
      if (state !== undefined) this.#removeService(state, index)
    } else if (checkId !== '') {
      this.#removeCheck(node, checkId, index)
    } else {
      for (const state of [...node.services.values()]) this.#removeService(state, index)
      for (const id of [...node.owners.keys()]) this.#removeCheck(node, id, index)
      this.#nodes.delete(key(name))
      this.#changedNodes(index)
    }
  }

  nodes(): Result<Stored<Node>[]> {
    const value = [...this.#nodes.values()].map((state) => state.node).sort(by((node) => node.Node))
    return { value, index: this.#tables.nodes, topics: ['nodes'] }
  }

  /** Service name → every tag of every instance, once each. */
  services(): Result<Record<string, string[]>> {
    const tags = new Map<string, Set<string>>()
    for (const { service } of [...this.#instances.values()].flatMap((states) => [...states])) {
      const known = tags.get(service.Service) ?? new Set()
      for (const tag of service.Tags) known.add(tag)
      tags.set(service.Service, known)
    }
    const sorted = [...tags].sort(by(([name]) => name))
    const value = Object.fromEntries(sorted.map(([name, set]) => [name, [...set]]))
    return { value, index: this.#tables.services, topics: ['services'] }
  }

  /** Instances that have all of the tags. */
  service(
    name: string,
    tags: readonly string[],
  ): Result<{ node: Stored<Node>; service: Stored<NodeService> }[]> {
    const states = this.#sortedInstances(name)
    const value = states
      .filter(({ service }) => hasTags(service, tags))
      .map(({ node, service }) => ({ node: node.node, service }))
    const { nodes, services } = this.#tables
    const index = this.#indexOf(name, Math.max(nodes, services))
    return { value, index, topics: [`instances:${key(name)}`] }
  }

  /** Instances that have all of the tags, with their checks. */
  health(name: string, tags: readonly string[]): Result<HealthEntry[]> {
    const states = this.#sortedInstances(name)
    const value = states
      .filter(({ service }) => hasTags(service, tags))
      .map((state) => ({
        Node: state.node.node,
        Service: state.service,
        Checks: [...sortedChecks(state.node.checks), ...sortedChecks(state.checks)],
      }))
    const { nodes, services, checks } = this.#tables
    const index = this.#indexOf(name, Math.max(nodes, services, checks))
    const topic = states.length > 0 ? 'health' : 'instances'
    return { value, index, topics: [`${topic}:${key(name)}`] }
  }

  /** Checks with that status, or all of them for `any`. */
  checksInState(status: string): Result<Stored<HealthCheck>[]> {
    const all = [...this.#nodes.values()].flatMap(allChecks)
    const value = status === 'any' ? all : all.filter((check) => check.Status === status)
    return this.#checkResult(value, status === 'any' ? 'checks' : `checks:status:${status}`)
  }

  checksOfService(name: string): Result<Stored<HealthCheck>[]> {
    const value = this.#sortedInstances(name).flatMap((state) => [...state.checks.values()])
    return this.#checkResult(value, `checks:service:${key(name)}`)
  }

  checksOfNode(name: string): Result<Stored<HealthCheck>[]> {
    const node = this.#nodes.get(key(name))
    return this.#checkResult(node === undefined ? [] : allChecks(node), `checks:node:${key(name)}`)
  }

  #checkResult(checks: Stored<HealthCheck>[], topic: string): Result<Stored<HealthCheck>[]> {
    const value = checks.sort(by((check) => `${check.Node}\0${check.CheckID}`))
    return { value, index: this.#tables.checks, topics: [topic] }
  }

  #sortedInstances(name: string): ServiceState[] {
    const states = [...(this.#instances.get(key(name)) ?? [])]
    return states.sort(by(({ node, service }) => `${node.node.Node}\0${service.ID}`))
  }

  #indexOf(name: string, ofTables: number): number {
    const index = this.#serviceIndices.get(key(name))
    return index ?? (this.#lastExtinction > 0 ? this.#lastExtinction : ofTables)
  }

  #putNode(node: Node, index: number): NodeState {
    const existing = this.#nodes.get(key(node.Node))
    if (existing === undefined) {
      const stored = { ...node, CreateIndex: index, ModifyIndex: index }
      const state: NodeState = {
        node: stored,
        services: new Map(),
        checks: new Map(),
        owners: new Map(),
      }
      this.#nodes.set(key(node.Node), state)
      this.#changedNodes(index)
      return state
    }
    const next = replacing(existing.node, node, index)
    if (next !== existing.node) {
      existing.node = next
      this.#changedNodes(index)
      for (const name of namesOn(existing)) {
        this.#changedHealth(name, index)
        this.#topics.touch(`instances:${key(name)}`)
      }
    }
    return existing
  }

  #putService(node: NodeState, service: NodeService, index: number): void {
    const existing = node.services.get(key(service.ID))
    if (existing === undefined) {
      const stored = { ...service, CreateIndex: index, ModifyIndex: index }
      const state: ServiceState = { node, service: stored, checks: new Map() }
      node.services.set(key(service.ID), state)
      this.#join(state)
      this.#changedServices(service.Service, index)
      return
    }
    const next = replacing(existing.service, service, index)
    if (next === existing.service) return
    const oldName = existing.service.Service
    if (key(oldName) !== key(service.Service)) this.#leave(existing, index)
    existing.service = next
    this.#join(existing)
    this.#changedServices(service.Service, index)
  }

  #putCheck(node: NodeState, check: HealthCheck, index: number): void {
    const owner = check.ServiceID === '' ? null : (node.services.get(key(check.ServiceID)) ?? null)
    const previousOwner = node.owners.get(key(check.CheckID))
    if (previousOwner !== undefined && previousOwner !== owner) this.#removeCheck(node, check.CheckID, index)
    const checks = owner?.checks ?? node.checks
    const existing = checks.get(key(check.CheckID))
    const filled: HealthCheck = {
      ...check,
      ServiceName: owner?.service.Service ?? '',
      ServiceTags: owner?.service.Tags ?? [],
    }
    const next =
      existing === undefined
        ? { ...filled, CreateIndex: index, ModifyIndex: index }
        : replacing(existing, filled, index)
    if (next === existing) return
    checks.set(key(check.CheckID), next)
    node.owners.set(key(check.CheckID), owner)
    this.#changedCheck(node, next, index)
    if (existing !== undefined) this.#topics.touch(`checks:status:${existing.Status}`)
  }

  #removeService(state: ServiceState, index: number): void {
    for (const id of [...state.checks.keys()]) this.#removeCheck(state.node, id, index)
    state.node.services.delete(key(state.service.ID))
    this.#leave(state, index)
  }

  #removeCheck(node: NodeState, id: string, index: number): void {
    const owner = node.owners.get(key(id))
    if (owner === undefined) return
    const checks = owner?.checks ?? node.checks
    const check = checks.get(key(id))
    checks.delete(key(id))
    node.owners.delete(key(id))
    if (check !== undefined) this.#changedCheck(node, check, index)
  }

  #join(state: ServiceState): void {
    const name = key(state.service.Service)
    const states = this.#instances.get(name) ?? new Set()
    states.add(state)
    this.#instances.set(name, states)
  }

  #leave(state: ServiceState, index: number): void {
    const name = key(state.service.Service)
    const states = this.#instances.get(name)
    states?.delete(state)
    this.#changedServices(name, index)
    if (states?.size === 0) {
      this.#instances.delete(name)
      this.#serviceIndices.delete(name)
      this.#lastExtinction = index
    }
  }

  #changedNodes(index: number): void {
    this.#tables.nodes = index
    this.#topics.touch('nodes')
  }

  #changedServices(name: string, index: number): void {
    this.#tables.services = index
    this.#topics.touch('services')
    this.#topics.touch(`instances:${key(name)}`)
    this.#changedHealth(name, index)
  }

  #changedCheck(node: NodeState, check: HealthCheck, index: number): void {
    this.#tables.checks = index
    this.#topics.touch('checks')
    this.#topics.touch(`checks:status:${check.Status}`)
    this.#topics.touch(`checks:node:${key(check.Node)}`)
    if (check.ServiceID === '') {
      for (const name of namesOn(node)) this.#changedHealth(name, index)
    } else {
      this.#topics.touch(`checks:service:${key(check.ServiceName)}`)
      this.#changedHealth(check.ServiceName, index)
    }
  }

  #changedHealth(name: string, index: number): void {
    this.#serviceIndices.set(key(name), index)
    this.#topics.touch(`health:${key(name)}`)
  }
}

const key = (name: string): string => name.toLowerCase()

const by =
  <T>(text: (item: T) => string) =>
  (a: T, b: T): number => {
    const [one, other] = [text(a), text(b)]
    return one < other ? -1 : one > other ? 1 : 0
  }

const hasTags = (service: NodeService, tags: readonly string[]): boolean =>
  tags.every((tag) => service.Tags.some((own) => key(own) === key(tag)))

const namesOn = (node: NodeState): Set<string> =>
  new Set([...node.services.values()].map((state) => key(state.service.Service)))

const sortedChecks = (checks: ReadonlyMap<string, Stored<HealthCheck>>): Stored<HealthCheck>[] =>
  [...checks.values()].sort(by((check) => check.CheckID))

const allChecks = (node: NodeState): Stored<HealthCheck>[] => [
  ...node.checks.values(),
  ...[...node.services.values()].flatMap((state) => [...state.checks.values()]),
]

/** `next` in place of `old`; `old` itself if nothing differs, since a write that changes nothing moves no index. */
function replacing<T>(old: Stored<T>, next: T, index: number): Stored<T> {
  const { CreateIndex, ModifyIndex }: Indices = old
  return isDeepStrictEqual(old, { ...next, CreateIndex, ModifyIndex })
    ? old
    : { ...next, CreateIndex, ModifyIndex: index }
}
