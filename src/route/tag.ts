import { flat } from '../base/flat.ts'
import type { Problem, RouteDefinition, Source } from './definition.ts'
import { type Scheme, schemeOf, schemes } from './destination.ts'
import { quote, RouteMistake } from './mistake.ts'
import { type ParsedOptions, parseOptions, settle } from './options.ts'
import { checkSource, splitSource } from './source.ts'
import { parseWeight } from './weight.ts'

/** What an instance brings to its routes. */
export interface TaggedInstance {
  readonly service: string
  /** `node/service-id`. */
  readonly instance: string
  /** Host name or IP address; IPv6 without brackets. */
  readonly address: string
  readonly port: number
  readonly tags: readonly string[]
  readonly healthy: boolean
}

export interface TagRules {
  /** `urlprefix-` */
  readonly prefix: string
  /** What `$name` in a tag's host and path stands for; `DC` is the datacenter. */
  readonly variables: Readonly<Record<string, string>>
}

/** What a tag says, before an instance gives it a destination. */
export interface RouteTag extends ParsedOptions {
  readonly source: Source
  /** Of the destination at the instance. */
  readonly scheme: Scheme
  /** The destination that the tag itself names; null: the instance. */
  readonly url: string | null
  readonly weight: number
}

/** True for a tag that states a route: trimmed, it starts with the prefix, in that case (fabio reference 1.1). */
export const isRouteTag = (tag: string, prefix: string): boolean => tag.trim().startsWith(prefix)

/**
 * Reads one route tag (fabio reference 1.2 to 1.6). Throws a RouteMistake whose words say what was expected.
 *
 * Where fabio would let one bad tag reject the table of everybody (QUIRK-01, 02, 04), the tag alone is refused here.
 */
export function parseRouteTag(tag: string, rules: TagRules): RouteTag {
  const text = tag.trim().slice(rules.prefix.length).trim()
  const space = text.indexOf(' ')
  const route = space === -1 ? text : text.slice(0, space)
  if (route === '') throw new RouteMistake('expected a host or a path after the prefix, got nothing')
  const source = checkSource(splitSource(expandRoute(route, rules.variables)))
  const words = space === -1 ? [] : text.slice(space + 1).split(/\s+/u)
  return { source, ...parseTagOptions(words.filter((word) => word !== '')) }
}

/** Ports and bare hosts are taken as they are; fabio expands variables only in `host/path`. */
function expandRoute(route: string, variables: TagRules['variables']): string {
  const slash = route.indexOf('/')
  if (slash === -1 || route.startsWith(':')) return route
  // One after the other: a value with a slash must not move the border between them.
  const host = expand(route.slice(0, slash), variables)
  if (host.includes('/')) throw new RouteMistake(`expected a host before the first "/", got ${quote(host)}`)
  return host + expand(route.slice(slash), variables)
}

/**
 * Replaces `$name` and `${name}`; an unknown name stands for nothing (fabio reference 1.6). A `$` before anything
 * else is text.
 */
function expand(text: string, variables: TagRules['variables']): string {
  return text.replace(/\$(?:\{([^}]*)\}|([A-Za-z0-9_]+))/gu, (_all, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? ''
    return Object.hasOwn(variables, name) ? variables[name]! : ''
  })
}

/** A tag's own options change what the others do, one after the other (fabio reference 1.4). */
function parseTagOptions(words: readonly string[]): Omit<RouteTag, 'source'> {
  let scheme: Scheme = 'http'
  let url: string | null = null
  let weight = 0
  const kept: string[] = []
  const dropped: string[] = []
  for (const word of words) {
    const [key, value] = splitAt(word, '=')
    const proto = key === 'proto' ? schemes.find((known) => known === value && known !== 'http') : undefined
    if (proto !== undefined) {
      scheme = proto
      url = null
    } else if (key === 'redirect') {
      const [code, to] = splitAt(value, ',')
      if (to === '') {
        throw new RouteMistake(
          `option ${quote(word)}: expected a status and a URL like redirect=301,https://example.com/`,
        )
      }
      url = to
      kept.push(`redirect=${code}`)
    } else if (key === 'weight') {
      const number = parseWeight(value)
      if (number === null)
        dropped.push(`option ${quote(word)}: expected a number like 0.2, got ${quote(value)}`)
      else weight = number
    } else kept.push(word)
  }
  const parsed = parseOptions(kept)
  return { ...parsed, scheme, url, weight, dropped: [...dropped, ...parsed.dropped] }
}

function splitAt(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

export type ReadTag = (tag: string) => RouteTag

/**
 * Reads each text once: the instances of a service mostly have the same tags, and what is read of them is then one
 * object instead of one for each.
 */
export function tagReader(rules: TagRules): ReadTag {
  const known = new Map<string, RouteTag>()
  return (text) => {
    let tag = known.get(text)
    if (tag === undefined) {
      tag = parseRouteTag(text, rules)
      known.set(text, tag)
    }
    return tag
  }
}

/**
 * The definitions that an instance's tags make, and what is wrong with the tags that make none. Never throws.
 *
 * @param read for instances of one service, the same `tagReader`
 */
export function definitionsOf(
  instance: TaggedInstance,
  rules: TagRules,
  read: ReadTag = tagReader(rules),
): { definitions: RouteDefinition[]; problems: Problem[] } {
  const definitions: RouteDefinition[] = []
  const problems: Problem[] = []
  const isRoute = (tag: string): boolean => isRouteTag(tag, rules.prefix)
  const others = instance.tags.filter((tag) => !isRoute(tag))
  const serviceTags = others.length === 0 ? none : others.map((tag) => tag.trim())
  for (const text of instance.tags.filter(isRoute)) {
    const report = (reason: string): void => {
      problems.push({ service: instance.service, instance: instance.instance, text, reason })
    }
    try {
      const tag = read(text)
      const url = tag.url ?? urlOf(instance, tag.scheme)
      const { options, unserved } = settle(tag.source, url, tag)
      for (const reason of tag.dropped) report(`${reason}; the route is served without it`)
      for (const reason of tag.closed) report(`${reason}; the route is closed`)
      if (unserved !== null && tag.closed.length === 0) report(unserved)
      definitions.push({
        service: instance.service,
        instance: instance.instance,
        source: tag.source,
        url,
        weight: tag.weight,
        tags: serviceTags,
        options,
        optionText: tag.optionText,
        healthy: instance.healthy,
        origin: 'tag',
        unserved,
      })
    } catch (error) {
      if (!(error instanceof RouteMistake)) throw error
      report(error.message)
    }
  }
  return { definitions, problems }
}

const none: readonly string[] = []

/** As fabio writes it: a path after http only (fabio reference 1.3, 1.4). */
function urlOf({ address, port }: TaggedInstance, scheme: Scheme): string {
  const host = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address
  const url = flat(scheme, '://', host, ':', port, scheme === 'http' ? '/' : '')
  // `10.0.0.1/x` and `10.0.0.1#` would read as an address whose port is another one.
  const isHost = /^(?:\[[\da-f:.]+\]|[^\s/?#@\\:[\]]+)$/i.test(host)
  if (port < 1 || !isHost || schemeOf(url) !== scheme) {
    throw new RouteMistake(
      `expected the service to have an address and a port, got ${quote(`${host}:${port}`)}`,
    )
  }
  return url
}
