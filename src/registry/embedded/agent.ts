import type { World } from '../../base/world.ts'
import type { Catalog } from './catalog.ts'
import {
  afterInARow,
  type Report,
  type RunningCheck,
  startHttpCheck,
  startTcpCheck,
  TtlCheck,
} from './checks.ts'
import type { CheckDefinition, CheckStatus } from './definitions.ts'
import type { HealthCheck, Node, NodeService } from './objects.ts'
import { RefusedError } from './refused.ts'

interface LocalCheck {
  check: HealthCheck
  /** Null for a maintenance check, which nothing runs. */
  running: RunningCheck | null
  /** Milliseconds after which a critical check takes its service away; 0: never. */
  readonly reapAfterMs: number
  /** On the monotonic clock; null while it is not critical. */
  criticalSince: number | null
  /** Ends the wait for the late report of a changed output. */
  cancelLateOutput: (() => void) | null
}

/** The shortest `DeregisterCriticalServiceAfter`, and how often Consul looks for services to take away. */
const shortestReapMs = 60_000
const reapEveryMs = 30_000
/**
 * An output that changes while the status stays reaches the catalog only after a while (`check_update_interval`): an
 * output with a time or a counter in it must not wake everybody who watches.
 */
const outputUpdateMs = 300_000

const nodeMaintenanceId = '_node_maintenance'
const defaultReason = (what: string): string =>
  `Maintenance mode is enabled for this ${what}, but no reason was provided. This is a default message.`

/** What one agent knows of its own: the services and checks that were registered with it. It tells the catalog. */
export class LocalAgent {
  readonly node: Node
  readonly #catalog: Catalog
  readonly #world: World
  readonly #services = new Map<string, NodeService>()
  readonly #checks = new Map<string, LocalCheck>()
  #cancelReap: () => void

  constructor(node: Node, catalog: Catalog, world: World) {
    this.node = node
    this.#catalog = catalog
    this.#world = world
    this.#cancelReap = this.#scheduleReap()
  }

  /** By ID. */
  services(): NodeService[] {
    return [...this.#services.values()].sort((a, b) => (a.ID < b.ID ? -1 : 1))
  }

  service(id: string): NodeService | undefined {
    return this.#services.get(id)
  }

  /** By ID, with the newest output. */
  checks(): HealthCheck[] {
    const checks = [...this.#checks.values()].map(({ check }) => check)
    return checks.sort((a, b) => (a.CheckID < b.CheckID ? -1 : 1))
  }

  /**
   * Adds or replaces a service. Checks that were registered with it before stay unless `replaceChecks`, and a check
   * that is registered again keeps its status.
   */
  registerService(
    service: NodeService,
    definitions: readonly CheckDefinition[],
    replaceChecks: boolean,
  ): void {
    this.#services.set(service.ID, service)
    const checks = definitions.map((definition, position) => {
      const place = definitions.length > 1 ? `:${position + 1}` : ''
      const id = definition.CheckID === '' ? `service:${service.ID}${place}` : definition.CheckID
      const name = definition.Name === '' ? `Service '${service.Service}' check` : definition.Name
      return this.#addCheck(id, name, definition, service)
    })
    this.#catalog.register({ update: this.node, node: this.node.Node, service, checks })
    if (!replaceChecks) return
    const kept = new Set(checks.map((check) => check.CheckID))
    for (const { CheckID, ServiceID } of this.checks()) {
      if (ServiceID === service.ID && !kept.has(CheckID)) this.deregisterCheck(CheckID)
    }
  }

  deregisterService(id: string): void {
    if (!this.#services.delete(id)) return
    for (const { CheckID, ServiceID } of this.checks()) if (ServiceID === id) this.#forgetCheck(CheckID)
    this.#catalog.deregister({ node: this.node.Node, serviceId: id, checkId: '' })
  }

  /** Throws a RefusedError for a service that is not here. */
  registerCheck(id: string, name: string, definition: CheckDefinition, serviceId: string): void {
    const service = serviceId === '' ? null : this.#services.get(serviceId)
    if (service === undefined) {
      throw new RefusedError(500, `ServiceID ${JSON.stringify(serviceId)} does not exist`)
    }
    this.#tell(this.#addCheck(id, name, definition, service))
  }

  deregisterCheck(id: string): void {
    if (!this.#checks.has(id)) return
    this.#forgetCheck(id)
    this.#catalog.deregister({ node: this.node.Node, serviceId: '', checkId: id })
  }

  /** Throws a RefusedError for a check that is not here or has no TTL. */
  updateTtl(id: string, status: CheckStatus, output: string): void {
    const running = this.#checks.get(id)?.running
    if (!(running instanceof TtlCheck)) {
      throw new RefusedError(500, `CheckID ${JSON.stringify(id)} does not have associated TTL`)
    }
    running.set(status, output)
  }

  /** An empty reason stands for Consul's own words. Throws a RefusedError for a service that is not here. */
  maintainService(id: string, enable: boolean, reason: string): void {
    const service = this.#services.get(id)
    if (service === undefined) {
      throw new RefusedError(404, `No service registered with ID ${JSON.stringify(id)}`)
    }
    const checkId = `_service_maintenance:${id}`
    const notes = reason === '' ? defaultReason('service') : reason
    this.#maintain(checkId, 'Service Maintenance Mode', enable, notes, service)
  }

  maintainNode(enable: boolean, reason: string): void {
    const notes = reason === '' ? defaultReason('node') : reason
    this.#maintain(nodeMaintenanceId, 'Node Maintenance Mode', enable, notes, null)
  }

  /** Ends every check. */
  close(): void {
    this.#cancelReap()
    for (const id of [...this.#checks.keys()]) this.#forgetCheck(id)
  }

  #maintain(id: string, name: string, enable: boolean, notes: string, service: NodeService | null): void {
    if (!enable) this.deregisterCheck(id)
    if (!enable || this.#checks.has(id)) return
    const check = this.#describe(id, name, notes, 'maintenance', service)
    this.#checks.set(id, {
      check,
      running: null,
      reapAfterMs: 0,
      criticalSince: null,
      cancelLateOutput: null,
    })
    this.#tell(check)
  }

  #addCheck(id: string, name: string, definition: CheckDefinition, service: NodeService | null): HealthCheck {
    const before = this.#checks.get(id)?.check
    this.#forgetCheck(id)
    const type = definition.HTTP !== '' ? 'http' : definition.TCP !== '' ? 'tcp' : 'ttl'
    const described = this.#describe(id, name, definition.Notes, type, service)
    const status = definition.Status === '' ? described.Status : definition.Status
    const check = { ...described, Status: before?.Status ?? status, Output: before?.Output ?? '' }
    const after = definition.DeregisterCriticalServiceAfter
    const local: LocalCheck = {
      check,
      running: null,
      reapAfterMs: after > 0 ? Math.max(after, shortestReapMs) : 0,
      criticalSince: null,
      cancelLateOutput: null,
    }
    this.#checks.set(id, local)
    const report: Report = (status, output) => this.#update(local, status, output)
    const start = { http: startHttpCheck, tcp: startTcpCheck }
    local.running =
      type === 'ttl'
        ? new TtlCheck(definition, this.#world, report)
        : start[type](definition, this.#world, afterInARow(definition, report))
    return check
  }

  #describe(
    CheckID: string,
    Name: string,
    Notes: string,
    Type: string,
    service: NodeService | null,
  ): HealthCheck {
    return {
      Node: this.node.Node,
      CheckID,
      Name,
      Status: 'critical',
      Notes,
      Output: '',
      ServiceID: service?.ID ?? '',
      ServiceName: service?.Service ?? '',
      ServiceTags: service?.Tags ?? [],
      Type,
    }
  }

  #update(local: LocalCheck, status: CheckStatus, output: string): void {
    if (status !== 'critical') local.criticalSince = null
    else local.criticalSince ??= this.#world.clock.monotonic()
    const { Status, Output } = local.check
    if (Status === status && Output === output) return
    local.check = { ...local.check, Status: status, Output: output }
    if (Status !== status) {
      local.cancelLateOutput?.()
      local.cancelLateOutput = null
      this.#tell(local.check)
      return
    }
    const { clock, random } = this.#world
    local.cancelLateOutput ??= clock.after(outputUpdateMs / 2 + random() * outputUpdateMs, () => {
      local.cancelLateOutput = null
      this.#tell(local.check)
    })
  }

  #tell(check: HealthCheck): void {
    this.#catalog.register({ update: this.node, node: this.node.Node, service: null, checks: [check] })
  }

  #forgetCheck(id: string): void {
    const local = this.#checks.get(id)
    local?.running?.stop()
    local?.cancelLateOutput?.()
    this.#checks.delete(id)
  }

  #scheduleReap(): () => void {
    return this.#world.clock.after(reapEveryMs, () => {
      const now = this.#world.clock.monotonic()
      for (const { check, reapAfterMs, criticalSince } of [...this.#checks.values()]) {
        const isDue = reapAfterMs > 0 && criticalSince !== null && now - criticalSince > reapAfterMs
        if (isDue && check.ServiceID !== '') this.deregisterService(check.ServiceID)
      }
      this.#cancelReap = this.#scheduleReap()
    })
  }
}
