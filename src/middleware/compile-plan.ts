import { fieldLine, visible } from '../base/field-syntax.ts'
import type { Rate } from '../base/rate.ts'
import type { CallLimits } from '../http1/messages.ts'
import type { ChooseChange, FieldChanges, Middleware, OwnAnswerLines, Plan } from '../proxy/plan.ts'
import type { CorsOptions } from '../route/cors-options.ts'
import type { FieldEdit } from '../route/field-edit.ts'
import type { RouteOptions } from '../route/options.ts'
import type { CompilePlan, PlannedTarget } from '../route/plan.ts'
import { compileAccess } from './access.ts'
import type { AuthSteps } from './auth.ts'
import { type CompressionOptions, compressionCompiler, usualTypes } from './compression.ts'
import { compileCors, corsRemovals } from './cors.ts'
import { compileFieldChanges, ownAnswerLines, type StsOptions, stsLine } from './field-changes.ts'
import type { RateBuckets } from './rate-buckets.ts'
import { compileRateLimit } from './rate-limit.ts'
import { compileRedirect } from './redirect.ts'

/** What holds for every route that does not say otherwise. Plain data. Durations in milliseconds; 0: no limit. */
export interface PlanOptions extends CallLimits {
  /** `proxy.requesttimeout`: from the head of a request to the end of its answer. */
  readonly timeout: number
  /** `proxy.retry.attempts`: how often a request may be tried again. */
  readonly retries: number
  /** `proxy.header.request.*`, `proxy.header.response.*`: done before those of the route. */
  readonly requestFields: readonly FieldEdit[]
  readonly responseFields: readonly FieldEdit[]
  readonly sts: StsOptions
  readonly compression: CompressionOptions
  readonly cors: CorsOptions
  /** `proxy.ratelimit`: for all requests of a client together, but those to routes that have their own. */
  readonly rateLimits: readonly Rate[]
}

/** Makes the plans of targets: the one place that knows which option becomes which step, and in which order. */
export function planCompiler(
  defaults: PlanOptions,
  parts: { readonly auth: Pick<AuthSteps, 'step'>; readonly buckets: RateBuckets },
): CompilePlan {
  const { auth, buckets } = parts
  const answerPart = answerParts(defaults)
  const request = compileFieldChanges(defaults.requestFields)
  const changeOf = compressionPart(defaults.compression)
  const standardCors = compileCors(defaults.cors)
  const standardRateLimit = compileRateLimit(defaults.rateLimits, '*', buckets)
  const compile = (target: PlannedTarget): Plan => {
    const { options, authority, route } = target
    const redirect = options.redirect === undefined ? null : compileRedirect(options.redirect, options)
    const cors =
      options.cors === undefined ? standardCors : compileCors({ ...defaults.cors, ...options.cors })
    const rateLimit =
      options.rateLimits === undefined
        ? standardRateLimit
        : compileRateLimit(options.rateLimits, route, buckets)
    // fabio reference 6.1: who may use a route is asked before anything of it is told. A preflight brings no credentials
    // (Fetch standard, CORS-preflight fetch): it is answered before they are asked for, and takes no token. Tokens are
    // taken before credentials are looked at, so that who guesses them is held up.
    const steps: (Middleware | null)[] = [
      compileAccess(options),
      cors,
      rateLimit,
      options.auth === undefined ? null : auth.step(options.auth),
      redirect?.step ?? null,
    ]
    const before = steps.filter((step) => step !== null)
    return {
      before: before.length === 0 ? null : before,
      guards: guardsText(target),
      leadsBack: redirect?.leadsBack ?? null,
      strip: options.strip ?? '',
      prefixLine: options.strip === undefined ? '' : fieldLine('X-Forwarded-Prefix', visible(options.strip)),
      prepend: options.prepend ?? '',
      query: redirect === null ? queryOf(target.url) : '',
      host: options.host === undefined ? null : options.host === 'dst' ? authority : options.host,
      request:
        options.requestFields === undefined
          ? request
          : compileFieldChanges([...defaults.requestFields, ...options.requestFields]),
      ...answerPart(options, cors !== null),
      change: changeOf(options),
      limits: ownLimits(defaults, options),
      timeout: options.timeout ?? defaults.timeout,
      maxBody: options.maxBody ?? 0,
      retries: options.retry ?? defaults.retries,
    }
  }
  /** Of targets without options, which mostly are all of them: nothing in it is about one target. */
  let standard: Plan | null = null
  return (target) => {
    if (Object.keys(target.options).length > 0) return compile(target)
    standard ??= compile(target)
    return standard
  }
}

/** What answers to requests without a target bring. */
export const unroutedAnswerLines = (defaults: PlanOptions): OwnAnswerLines =>
  answerParts(defaults)({}, false).own

type AnswerPart = Pick<Plan, 'answer' | 'own' | 'sts'>

/** What is written over the fields of answers. Most routes have nothing of their own, and share one object. */
function answerParts(defaults: PlanOptions): (options: RouteOptions, hasCors: boolean) => AnswerPart {
  const line = stsLine(defaults.sts)
  const compile = (edits: readonly FieldEdit[]): AnswerPart => {
    const answer: FieldChanges | null = compileFieldChanges(edits)
    // A route that says something about the field itself is believed.
    const isEdited = edits.some(({ name }) => name.toLowerCase() === 'strict-transport-security')
    const sts = isEdited ? '' : line
    return { answer, sts, own: ownAnswerLines(answer, sts) }
  }
  const standard = compile(defaults.responseFields)
  const standardWithCors = compile([...corsRemovals, ...defaults.responseFields])
  return ({ responseFields }, hasCors) => {
    if (responseFields === undefined) return hasCors ? standardWithCors : standard
    return compile([...(hasCors ? corsRemovals : []), ...defaults.responseFields, ...responseFields])
  }
}

/** Most routes compress what all of them compress, and share what decides it. */
function compressionPart(defaults: CompressionOptions): (options: RouteOptions) => ChooseChange | null {
  const compile = compressionCompiler(defaults)
  const { contentType } = defaults
  const standard = contentType === '' ? null : compile(contentType)
  const always = standard ?? compile(usualTypes)
  return ({ compress }) => (compress === undefined ? standard : compress ? always : null)
}

/** Everything that decides whether a request may pass, as text. */
function guardsText({ options: { allow, deny, auth, cors } }: PlannedTarget): string {
  return allow === undefined && deny === undefined && auth === undefined && cors === undefined
    ? ''
    : JSON.stringify([allow ?? null, deny ?? null, auth ?? null, cors ?? null])
}

/** Null where all of them are the configuration's. */
function ownLimits(defaults: CallLimits, options: RouteOptions): CallLimits | null {
  const { connectTimeout, headTimeout, idleTimeout } = options
  if (connectTimeout === undefined && headTimeout === undefined && idleTimeout === undefined) return null
  return {
    dialTimeout: connectTimeout ?? defaults.dialTimeout,
    headTimeout: headTimeout ?? defaults.headTimeout,
    idleTimeout: idleTimeout ?? defaults.idleTimeout,
  }
}

/** Of a destination. Its path does not count (fabio reference 6.3). */
const queryOf = (url: string): string => (url.includes('?') ? new URL(url).search.slice(1) : '')
