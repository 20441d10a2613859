import type { RouteOptions } from './options.ts'

/**
 * What requests to one target go through, compiled from its options when the table is built. The room `proxy` says what
 * is in it; here it is only carried.
 */
export type TargetPlan = object

/** What a plan is made for. */
export interface PlannedTarget {
  /** Host and path of its route: `foo.com/bar`. */
  readonly route: string
  readonly service: string
  readonly instance: string
  readonly url: string
  /** `host:port` of the destination; empty for a redirect. */
  readonly authority: string
  readonly options: RouteOptions
}

/** Makes the plan of a target. Throws nothing: options are checked where they are read. */
export type CompilePlan = (target: PlannedTarget) => TargetPlan
