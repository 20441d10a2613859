import { compileGlob } from '../match/glob.ts'
import { isPattern } from '../match/host-index.ts'
import type { Problem, RouteDefinition, RouteOptions, Source } from './definition.ts'
import { parseDestination } from './destination.ts'

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
export interface RouteTag {
  readonly source: Source
  readonly scheme: 'http' | 'https'
  readonly weight: number
  readonly options: RouteOptions
  readonly optionText: string
  /** Options that are dropped, each with its reason; the route is served without them. */
  readonly dropped: readonly string[]
}

/** A tag that starts with the prefix and yet makes no route. */
export class TagError extends Error {
  override readonly name = 'TagError'
}

/** True for a tag that states a route: trimmed, it starts with the prefix, in that case (fabio reference 1.1). */
export const isRouteTag = (tag: string, prefix: string): boolean => tag.trim().startsWith(prefix)

/**
 * Reads one route tag (fabio reference 1.2 to 1.6). Throws a TagError whose words say what was expected.
 *
 * Where fabio would let one bad tag reject the table of everybody (QUIRK-01, 02, 04), the tag alone is refused here.
 */
export function parseRouteTag(tag: string, rules: TagRules): RouteTag {
  const text = tag.trim().slice(rules.prefix.length).trim()
  const space = text.indexOf(' ')
  const route = space === -1 ? text : text.slice(0, space)
  const words =
    space === -1
      ? []
      : text
          .slice(space + 1)
          .split(/\s+/u)
          .filter(Boolean)
  return { source: parseSource(route, rules.variables), ...parseOptions(words) }
}

function parseSource(route: string, variables: TagRules['variables']): Source {
  if (route === '') throw new TagError('expected a host or a path after the prefix, got nothing')
  if (route.startsWith(':')) {
    throw new TagError(
      `expected a host or a path, got the TCP port "${route}": TCP routes are not served by this version`,
    )
  }
  const slash = route.indexOf('/')
  // Without a slash it is a host for all paths; fabio expands variables only in the other form.
  const host = (slash === -1 ? route : expand(route.slice(0, slash), variables)).toLowerCase()
  const path = slash === -1 ? '/' : expand(route.slice(slash), variables)
  if (/\s/u.test(host + path)) throw new TagError(`expected a route without white space, got ${quote(route)}`)
  if (isPattern(host)) {
    try {
      compileGlob(host)
    } catch (error) {
      throw new TagError(`expected a host pattern, got ${quote(host)}: ${(error as Error).message}`)
    }
  }
  return { host, path }
}

/** Options that this version lacks and that must not be ignored: without them the route would answer wrongly. */
const refusing: Readonly<Record<string, string>> = {
  redirect: 'redirects are not served by this version',
  allow: 'access rules are not served by this version, and the route is not opened without them',
  deny: 'access rules are not served by this version, and the route is not opened without them',
  auth: 'authorisation is not served by this version, and the route is not opened without it',
}

/** Options of fabio's that this version lacks and that may be left out: the route still answers rightly. */
const withoutEffect: Readonly<Record<string, string>> = {
  pxyproto: 'it belongs to TCP routes, which this version does not serve',
  register: 'aliases are not registered by this version',
  grpcservername: 'it belongs to gRPC routes, which this version does not serve',
}

function parseOptions(words: readonly string[]): Omit<RouteTag, 'source'> {
  let scheme: RouteTag['scheme'] = 'http'
  let weight = 0
  const options: { -readonly [Key in keyof RouteOptions]: RouteOptions[Key] } = {}
  const kept: string[] = []
  const dropped: string[] = []
  for (const word of words) {
    const equals = word.indexOf('=')
    const key = equals === -1 ? word : word.slice(0, equals)
    const value = equals === -1 ? '' : word.slice(equals + 1)
    const refusal = Object.hasOwn(refusing, key) ? refusing[key] : undefined
    if (refusal !== undefined) throw new TagError(`option ${quote(word)}: ${refusal}`)
    if (key === 'weight') {
      const number = parseWeight(value)
      if (number === null)
        dropped.push(`option ${quote(word)}: expected a number like 0.2, got ${quote(value)}`)
      else weight = number
      continue
    }
    if (key === 'proto' && value === 'https') {
      scheme = 'https'
      continue
    }
    if (key === 'proto' && ['tcp', 'grpc', 'grpcs'].includes(value)) {
      throw new TagError(`option ${quote(word)}: ${value} routes are not served by this version`)
    }
    kept.push(word)
    if (key === 'strip' || key === 'prepend') {
      if (value.startsWith('/')) options[key] = value
      else if (value !== '') options[key] = `/${value}`
    } else if (key === 'host') {
      if (/^[\x21-\x7e]+$/u.test(value)) options.host = value
      else dropped.push(`option ${quote(word)}: expected a host name or dst, got ${quote(value)}`)
    } else if (key === 'tlsskipverify') {
      options.tlsSkipVerify = value === 'true'
    } else if (Object.hasOwn(withoutEffect, key)) {
      dropped.push(`option ${quote(word)}: ${withoutEffect[key]}`)
    }
  }
  return { scheme, weight, options, optionText: kept.join(' '), dropped }
}

/** A weight as fabio reads one, but finite; null where it is no number. Negative counts as automatic (2.4). */
function parseWeight(text: string): number | null {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/iu.test(text)) return null
  const weight = Number(text)
  return Number.isFinite(weight) ? Math.max(0, weight) : null
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

const quote = (text: string): string => JSON.stringify(text)

/** The definitions that an instance's tags make, and what is wrong with the tags that make none. Never throws. */
export function definitionsOf(
  instance: TaggedInstance,
  rules: TagRules,
): { definitions: RouteDefinition[]; problems: Problem[] } {
  const definitions: RouteDefinition[] = []
  const problems: Problem[] = []
  const isRoute = (tag: string): boolean => isRouteTag(tag, rules.prefix)
  const serviceTags = instance.tags.filter((tag) => !isRoute(tag)).map((tag) => tag.trim())
  for (const tag of instance.tags.filter(isRoute)) {
    const reject = (reason: string): void => {
      problems.push({ service: instance.service, instance: instance.instance, text: tag, reason })
    }
    try {
      const { source, scheme, weight, options, optionText, dropped } = parseRouteTag(tag, rules)
      const url = `${scheme}://${authorityOf(instance)}/`
      if (instance.port < 1 || parseDestination(url) === null) {
        throw new TagError(
          `expected the service to have an address and a port, got ${quote(authorityOf(instance))}`,
        )
      }
      for (const reason of dropped) reject(`${reason}; the route is served without it`)
      definitions.push({
        service: instance.service,
        instance: instance.instance,
        source,
        url,
        weight,
        tags: serviceTags,
        options,
        optionText,
        healthy: instance.healthy,
      })
    } catch (error) {
      if (!(error instanceof TagError)) throw error
      reject(error.message)
    }
  }
  return { definitions, problems }
}

/** `10.0.0.1:8080`, `[2001:db8::1]:8080` (fabio reference 1.3). */
const authorityOf = ({ address, port }: TaggedInstance): string =>
  address.includes(':') && !address.startsWith('[') ? `[${address}]:${port}` : `${address}:${port}`
