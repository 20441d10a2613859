/**
 * One instance's claim to one source, as a tag or a command states it. Plain data: it crosses process borders, is
 * shown to operators, and a table is built from it.
 */
export interface RouteDefinition {
  readonly service: string
  /** `node/service-id` of the instance. */
  readonly instance: string
  readonly source: Source
  /** The destination as fabio writes it: `http://10.0.0.1:8080/`. */
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
}

/** What a route is found by. */
export interface Source {
  /** Lower-case name or pattern, perhaps with a port; empty: any host. */
  readonly host: string
  /** Prefix of the request's path, at least `/`. */
  readonly path: string
}

/** The options of a route that change how a request is forwarded (fabio reference 1.5). */
export interface RouteOptions {
  /** Cut from the start of the path. */
  readonly strip?: string
  /** Put before the path, after `strip`. */
  readonly prepend?: string
  /** The Host sent upstream; `dst` stands for the destination's `host:port`. */
  readonly host?: string
  /** Accept any certificate of an https upstream. */
  readonly tlsSkipVerify?: boolean
}

/** All definitions of one service: what replaces whatever it had before. Empty: the service is gone. */
export interface ServiceRoutes {
  readonly service: string
  readonly definitions: readonly RouteDefinition[]
}

/** Something that somebody wrote and that is not served, or not in full. It costs only itself. */
export interface Problem {
  readonly service: string
  readonly instance: string
  /** The tag as it was written. */
  readonly text: string
  readonly reason: string
}

/** `foo.com/bar`: the source as tags and commands write it. */
export const sourceText = (source: Source): string => source.host + source.path
