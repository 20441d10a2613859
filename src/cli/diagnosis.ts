import type { ProblemsView, ServiceView } from '../admin/view.ts'
import { nearest } from '../config/nearest.ts'
import { type HealthEntry, type HealthRules, instanceOf, isRoutable } from '../registry/consul/health.ts'
import { printDefinition } from '../route/command.ts'
import { definitionsOf, isRouteTag } from '../route/tag.ts'

/** What was found out about a service or one of its instances. */
export interface Finding {
  /** Empty: it concerns all of them. */
  readonly service: string
  /** `node/service-id`; empty: it concerns the whole service. */
  readonly instance: string
  readonly code: FindingCode
  readonly words: string
}

export type FindingCode =
  | 'routed'
  | 'not-registered'
  | 'not-tagged'
  | 'prefix'
  | 'sidecar'
  | 'no-check'
  | 'critical'
  | 'maintenance'
  | 'rejected'
  | 'override'
  | 'gateway-behind'
  | 'hidden'
  | 'no-contact'
  | 'old-data'

/** Everything else than this is a fault. */
export const isFault = ({ code }: Finding): boolean => code !== 'routed'

export interface ConsulRules {
  readonly health: HealthRules
  /** `registry.consul.kinds` */
  readonly kinds: readonly string[]
  readonly tagPrefix: string
  readonly datacenter: string
}

/** What Consul says of each instance of a service, in the order of what a gateway asks. */
export function diagnoseEntries(
  service: string,
  entries: readonly HealthEntry[],
  rules: ConsulRules,
): Finding[] {
  return entries.flatMap((entry): Finding[] => {
    const { id, node, address, port, tags, state } = instanceOf(entry, rules.health)
    const instance = `${node}/${id}`
    const find = (code: FindingCode, words: string): Finding => ({ service, instance, code, words })
    if (!tags.some((tag) => isRouteTag(tag, rules.tagPrefix))) {
      return [withoutTag({ service, instance }, tags, rules.tagPrefix)]
    }
    if (!isRoutable(entry, rules.kinds)) {
      const kind = entry.Service.Kind!
      return [
        find('sidecar', `it is a ${kind}, which is routed only where registry.consul.kinds has ${kind}`),
      ]
    }
    const variables = { DC: rules.datacenter }
    const { definitions, problems } = definitionsOf(
      { service, instance, address, port, tags, healthy: state.routed },
      { prefix: rules.tagPrefix, variables },
    )
    const findings = problems.map(({ text, reason }) =>
      find('rejected', `tag ${JSON.stringify(text)}: ${reason}`),
    )
    if (!state.routed) {
      const own = (entry.Checks ?? []).filter(({ ServiceID }) => ServiceID === id)
      const code = state.health === 'maintenance' ? 'maintenance' : own.length === 0 ? 'no-check' : 'critical'
      findings.push(find(code, state.reason))
    }
    if (findings.length > 0) return findings
    return [find('routed', definitions.map(printDefinition).join('\n'))]
  })
}

/** Why none of the tags is a route: perhaps one was meant to be. */
export function withoutTag(
  of: Pick<Finding, 'service' | 'instance'>,
  tags: readonly string[],
  prefix: string,
): Finding {
  const near = tags.find((tag) => isNearly(tag, prefix))
  if (near !== undefined) {
    const words = `tag ${JSON.stringify(near)} is no route: expected it to begin with ${JSON.stringify(prefix)}`
    return { ...of, code: 'prefix', words }
  }
  const found =
    tags.length === 0 ? 'it has none' : `it has ${tags.map((tag) => JSON.stringify(tag)).join(', ')}`
  return {
    ...of,
    code: 'not-tagged',
    words: `expected a tag that begins with ${JSON.stringify(prefix)}, ${found}`,
  }
}

/** Another case, a dash too few, a letter mistaken. */
export const isNearly = (tag: string, prefix: string): boolean =>
  nearest(tag.trim().slice(0, prefix.length), [prefix]) !== null && !isRouteTag(tag, prefix)

/** @param names of all services that the registry has */
export function notRegistered(service: string, names: readonly string[]): Finding {
  const meant = nearest(service, names)
  const hint = meant === null ? '' : `; did you mean ${meant}?`
  return {
    service,
    instance: '',
    code: 'not-registered',
    words: `no instance of it is registered in Consul${hint}`,
  }
}

/**
 * A token that lacks a right gets lists that are short, and no error: every Consul lists at least itself.
 *
 * @param service of which no instance is listed though it is named; empty: no service is named at all
 */
export function hidden(service: string): Finding {
  const [what, right] =
    service === ''
      ? ['Consul lists no service at all', 'service:read']
      : ['Consul names it and lists no instance of it', 'node:read']
  const words = `${what}: where it has ACLs, that is how a token without ${right} sees it`
  return { service, instance: '', code: 'hidden', words }
}

/** What a running gateway says of its services. */
export function diagnoseViews(services: readonly ServiceView[], problems: ProblemsView): Finding[] {
  const names = new Set(services.map(({ service }) => service))
  const isAsked = ({ service }: { service: string }): boolean => names.has(service)
  const unrouted = problems.unrouted.filter(isAsked).map(({ service, instance, health, reason }): Finding => {
    const routed = services
      .find((each) => each.service === service)
      ?.instances.find((each) => each.instance === instance)?.routed
    const code = health === 'maintenance' ? 'maintenance' : routed ? 'override' : 'critical'
    return { service, instance, code, words: reason }
  })
  const rejected = problems.rejected.filter(isAsked).map(({ service, instance, text, reason }): Finding => {
    const what = instance === '' ? 'line' : 'tag'
    return { service, instance, code: 'rejected', words: `${what} ${JSON.stringify(text)}: ${reason}` }
  })
  const routed = services.flatMap(({ service, routes }) =>
    routes
      .filter((route) => route.routed)
      .map(({ source, instance, url }): Finding => {
        return { service, instance, code: 'routed', words: `${source} leads to ${url}` }
      }),
  )
  return [...unrouted, ...rejected, ...routed]
}
