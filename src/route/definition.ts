import type { Matcher } from '../match/matcher.ts'
import type { RouteOptions } from './options.ts'

/**
 * One instance's claim to one source, as a tag or a command states it. Plain data: it crosses process borders, is
 * shown to operators, and a table is built from it.
 */
export interface RouteDefinition {
  readonly service: string
  /** `node/service-id` of the instance; empty: a command states it. */
  readonly instance: string
  readonly source: Source
  /** The destination as fabio writes it: `http://10.0.0.1:8080/`, `tcp://10.0.0.1:3306`; of a redirect, where to. */
  readonly url: string
  /** The weight asked for; 0: an equal part of what the fixed ones leave (fabio reference 3.6). */
  readonly weight: number
  /** The service's other tags, trimmed, in their order. */
  readonly tags: readonly string[]
  readonly options: RouteOptions
  /** The options as they were written, for people: `strip=/foo host=dst`. */
  readonly optionText: string
  /** False: the instance is known but must get nothing. A route with none but such answers 503. */
  readonly healthy: boolean
  /** Who states it: a tag of the instance, or a `route add`. */
  readonly origin: 'tag' | 'command'
  /** Why it gets nothing however healthy it is, in words; null: it is served. */
  readonly unserved: string | null
}

/** What a route is found by. */
export interface Source {
  /** Lower-case name or pattern, perhaps with a port; empty: any host. `:3306`: a TCP port. */
  readonly host: string
  /** What the matcher compares with the request's path, at least `/`; empty: a TCP port. */
  readonly path: string
}

/** All definitions of one service: what replaces whatever it had before. Empty: the service is gone. */
export interface ServiceRoutes {
  readonly service: string
  /** Each target once, as `Overrides` gives them. */
  readonly definitions: readonly RouteDefinition[]
}

/** Something that somebody wrote and that is not served, or not in full. It costs only itself. */
export interface Problem {
  readonly service: string
  /** Empty where a command is at fault. */
  readonly instance: string
  /** The tag or the line as it was written. */
  readonly text: string
  readonly reason: string
}

/** `foo.com/bar`: the source as tags and commands write it. */
export const sourceText = (source: Source): string => source.host + source.path

/** What tells one route from another: the same source with another matcher is another route. */
export const routeKey = (source: Source, matcher: Matcher): string => `${matcher} ${sourceText(source)}`

/** @param matcher that of routes that name none: `proxy.matcher` */
export const matcherOf = ({ options }: Pick<RouteDefinition, 'options'>, matcher: Matcher): Matcher =>
  options.matcher ?? matcher

/** Whether it gets requests. */
export const isServed = ({ healthy, unserved }: RouteDefinition): boolean => healthy && unserved === null

/**
 * Each target once: two instances that say the same, down to the address, are one to traffic (fabio reference 2.4). A
 * registry that still lists the predecessor of an instance must not double its share.
 */
export function distinctTargets(definitions: readonly RouteDefinition[]): RouteDefinition[] {
  const seen = new Set<string>()
  return definitions.filter(({ service, url, weight, tags }) => {
    const target = JSON.stringify([service, url, weight, tags])
    const isNew = !seen.has(target)
    seen.add(target)
    return isNew
  })
}
