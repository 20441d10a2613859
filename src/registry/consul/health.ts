import type { Instance, InstanceState } from '../registry.ts'

/** What is read of an entry of `GET /v1/health/service/:name`. */
export interface HealthEntry {
  readonly Node: { readonly Node: string; readonly Address: string }
  readonly Service: {
    readonly ID: string
    readonly Service: string
    readonly Address?: string
    readonly Port?: number
    readonly Tags?: readonly string[] | null
    readonly Kind?: string
  }
  readonly Checks?: readonly HealthCheck[] | null
}

export interface HealthCheck {
  readonly CheckID: string
  readonly Name?: string
  readonly Status: string
  readonly Output?: string
  /** Of a maintenance its reason, which has no output. */
  readonly Notes?: string
  readonly ServiceID?: string
}

export interface HealthRules {
  /** `registry.consul.service.status`: the states of a check that count as healthy. */
  readonly statuses: readonly string[]
  /** `registry.consul.checksRequired`: how many of an instance's checks must be healthy. */
  readonly checksRequired: 'one' | 'all'
}

/**
 * Connect sidecars and gateways carry the tags of what they stand for and speak no plain HTTP.
 *
 * @param kinds those that are routed all the same
 */
export const isRoutable = ({ Service: service }: HealthEntry, kinds: readonly string[]): boolean =>
  (service.Kind ?? '') === '' || kinds.includes(service.Kind!)

/** Throws where the entry is not what Consul documents: what made it would make the routes of others wrong, too. */
export function instanceOf(entry: HealthEntry, rules: HealthRules): Instance {
  const { Node: node, Service: service } = entry
  for (const [name, value] of Object.entries({ node: node.Node, name: service.Service, id: service.ID })) {
    if (typeof value !== 'string')
      throw new Error(`an instance: expected a ${name} of text, got ${typeof value}`)
  }
  const address = service.Address || node.Address
  return {
    service: service.Service,
    id: service.ID,
    node: node.Node,
    address: typeof address === 'string' ? address : '',
    port: typeof service.Port === 'number' ? service.Port : 0,
    tags: textsIn(service.Tags),
    state: stateOf(service.ID, (entry.Checks ?? []).filter(isCheck), rules),
  }
}

const isText = (item: unknown): item is string => typeof item === 'string'

/** The texts of a list; nothing else in it is a tag. Mostly the list itself: there are very many, and small. */
export function textsIn(list: unknown): readonly string[] {
  if (!Array.isArray(list) || list.length === 0) return none
  return list.every(isText) ? list : list.filter(isText)
}

const none: readonly string[] = []

/** One for all: most instances are in this state. */
const passing: InstanceState = { routed: true, health: 'passing', reason: '' }

const isCheck = (check: HealthCheck): boolean =>
  typeof check?.CheckID === 'string' && typeof check.Status === 'string'

/**
 * Whether an instance may get requests, as fabio decides it (reference 4.3): the node must be alive and neither it nor
 * the instance in maintenance; then one of the instance's own checks must be healthy, or all of them. Other checks of
 * the node have no say. An instance without a check of its own is never routed.
 */
export function stateOf(
  serviceId: string,
  checks: readonly HealthCheck[],
  rules: HealthRules,
): InstanceState {
  const own: HealthCheck[] = []
  for (const check of checks) {
    if (check.CheckID === '_node_maintenance') return out('maintenance', 'the node is in maintenance', check)
    if (check.CheckID === 'serfHealth') {
      if (check.Status === 'critical') return out('critical', 'the node is down', check)
    } else if (check.CheckID.startsWith('_service_maintenance')) {
      const isOurs = check.CheckID === `_service_maintenance:${serviceId}`
      if (isOurs && check.Status === 'critical') {
        return out('maintenance', 'the instance is in maintenance', check)
      }
    } else if (check.ServiceID === serviceId) own.push(check)
  }
  const failing = own.filter((check) => !rules.statuses.includes(check.Status))
  const healthy = own.length - failing.length
  if (own.length === 0) {
    return {
      routed: false,
      health: 'critical',
      reason: 'it has no health check of its own, and needs one to be routed',
    }
  }
  if (healthy > 0 && (rules.checksRequired === 'one' || failing.length === 0)) {
    const worst = worstOf(own)
    return worst.Status === 'passing' ? passing : { routed: true, health: 'warning', reason: wordsOf(worst) }
  }
  const worst = worstOf(failing)
  return {
    routed: false,
    health: worst.Status === 'warning' ? 'warning' : 'critical',
    reason: wordsOf(worst),
  }
}

function out(health: 'critical' | 'maintenance', what: string, check: HealthCheck): InstanceState {
  const words = outputOf(check) || begin(health === 'maintenance' ? check.Notes : '')
  return { routed: false, health, reason: words === '' ? what : `${what}: ${words}` }
}

/** Anything that is neither passing nor warning counts as critical. */
const severity = ({ Status: status }: HealthCheck): number =>
  status === 'passing' ? 0 : status === 'warning' ? 1 : 2

const worstOf = (checks: readonly HealthCheck[]): HealthCheck =>
  checks.reduce((worst, check) => (severity(check) > severity(worst) ? check : worst))

/** A check's output can be a whole page; people need its beginning. */
const maxOutput = 500

const outputOf = ({ Output: output }: HealthCheck): string => begin(output)

const begin = (text: string | undefined): string =>
  String(text ?? '')
    .trim()
    .slice(0, maxOutput)

function wordsOf(check: HealthCheck): string {
  const output = outputOf(check)
  const what = `check "${check.Name || check.CheckID}" is ${check.Status}`
  return output === '' ? what : `${what}: ${output}`
}
