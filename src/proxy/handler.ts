import { busy } from '../balance/balancer.ts'
import type { Queue } from '../balance/queue.ts'
import type { AddressBlock } from '../base/address-set.ts'
import { asGatewayError, GatewayError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { type TimerWheel, WheelTimer } from '../base/timer-wheel.ts'
import type { World } from '../base/world.ts'
import type { Refusal } from '../http1/client-connection.ts'
import { fieldId } from '../http1/field-names.ts'
import { isIdempotent } from '../http1/methods.ts'
import type { Route, RouteTable, Target } from '../route/table.ts'
import { isTrouble } from '../upstream/outcome.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { refuseOtherReadings } from './ambiguous-path.ts'
import { compileIdentity } from './client-identity.ts'
import { type ErrorAnswerOptions, ErrorAnswers } from './error-answers.ts'
import type { ClientSide, Exchange } from './exchange.ts'
import { withoutQuery } from './failure-log.ts'
import { compileRequestLines, type ForwardingOptions } from './headers.ts'
import { httpDate } from './http-date.ts'
import { forwardedTarget } from './path.ts'
import { isReadDifferently } from './path-readings.ts'
import { type LocalAnswer, type Middleware, type Plan, planOf, type Verdict } from './plan.ts'
import { Relay } from './relay.ts'
import { ReplayBody } from './replay-body.ts'
import { mayRetry } from './retry.ts'
import { RetryBudget, type RetryBudgetOptions } from './retry-budget.ts'
import type { Tracer } from './trace.ts'
import { Waiting } from './waiting.ts'

export interface HandlerOptions extends ForwardingOptions, ErrorAnswerOptions {
  /** `proxy.trusted`: whose word on the client is believed; none: fabio's rules hold. */
  readonly trusted: readonly AddressBlock[]
  /** `proxy.noroutestatus` */
  readonly noRouteStatus: number
  readonly retryBudget: RetryBudgetOptions
  /** Octets of a request's body that are kept for another attempt; 0: none. */
  readonly replaySize: number
}

/** Hears of every exchange once, at its end. */
export interface ExchangeObserver {
  /** Both sides speak another protocol from here on; `finished` comes when they are done. */
  upgraded(exchange: Exchange): void
  finished(exchange: Exchange, milliseconds: number): void
}

export interface HandlerParts {
  readonly live: { readonly current: RouteTable }
  /** The page for requests without a route; empty: none. */
  readonly noRoutePage: { readonly html: string }
  readonly observer: ExchangeObserver
  /** Null: nothing is traced. */
  readonly tracer: Tracer | null
  readonly log: Log
  readonly world: World
  readonly wheel: TimerWheel
  /**
   * Nothing is to be counted or asked: somebody wants to know what would happen, and hears of the steps that a real
   * request would have to pass; null: it is a real one.
   */
  readonly skipped: ((step: Middleware) => void) | null
}

/** What the client's connection does with an exchange once it has read a request's head. */
export interface Handler {
  handle(exchange: Exchange): void
  /** The client can take more of the answer. */
  drained(exchange: Exchange): void
  /** The client's connection is gone, or cannot be answered on any more. */
  clientGone(exchange: Exchange, error: GatewayError): void
  /**
   * What somebody gets whose request is refused by its form, before there is an exchange or while its body comes.
   *
   * @param accept value of its Accept; empty: none that could be read
   * @param exchange null: it was none yet
   */
  refusal(error: GatewayError, accept: string, exchange: Exchange | null, client: ClientSide): Refusal
}

/** How often a request is guarded anew because whoever has room has other guards than those that it has passed. */
const mostGuarded = 3
/** Lots that are drawn to find another target with the same guards. */
const mostDraws = 16

export const createHandler = (options: HandlerOptions, parts: HandlerParts): Handler =>
  new Phases(options, parts)

/** One request through its phases: route, target, guards, forward, relay, finish. */
class Phases implements Handler {
  readonly #options: HandlerOptions
  readonly #parts: HandlerParts
  readonly #identify: ReturnType<typeof compileIdentity>
  readonly #requestLines: ReturnType<typeof compileRequestLines>
  readonly #budget: RetryBudget
  readonly #errors: ErrorAnswers
  /** Now, as Date says it. */
  readonly date: () => string

  constructor(options: HandlerOptions, parts: HandlerParts) {
    this.#options = options
    this.#parts = parts
    this.#identify = compileIdentity(options.trusted)
    this.#requestLines = compileRequestLines(options)
    this.#budget = new RetryBudget(options.retryBudget)
    this.date = httpDate(parts.world.clock)
    this.#errors = new ErrorAnswers(options, parts, this.date)
  }

  handle(exchange: Exchange): void {
    this.#budget.began(exchange.startedAt)
    try {
      if (this.#parts.tracer !== null) this.#parts.tracer.begin(exchange)
      if (this.#identify !== null) this.#identify(exchange)
      this.#route(exchange)
    } catch (error) {
      if (!exchange.finished) this.fail(exchange, error)
    }
  }

  drained(exchange: Exchange): void {
    if (exchange.filter !== null) exchange.filter.drained()
    else exchange.call?.resume()
  }

  clientGone(exchange: Exchange, error: GatewayError): void {
    if (exchange.finished) return
    // The end of a tunnel is the end of an exchange like another.
    if (exchange.status !== 101) exchange.failure = error
    if (exchange.status === 0) exchange.status = error.status
    this.finish(exchange)
    exchange.filter?.destroy()
    exchange.call?.abort()
  }

  #route(exchange: Exchange): void {
    const { host, path, client } = exchange
    const table = this.#parts.live.current
    let route = table.find(host, path, client.secure)
    let target = route === null ? null : this.#pick(exchange, route, null)
    if (target !== null && planOf(target).leadsBack !== null) {
      // fabio reference 3.2: a redirect to where the request already is would never end. What is wider serves it.
      const skipped: Route[] = []
      while (route !== null && target !== null && planOf(target).leadsBack?.(exchange) === true) {
        skipped.push(route)
        route = table.findBeyond(skipped, host, path, client.secure)
        target = route === null ? null : this.#pick(exchange, route, null)
      }
    }
    exchange.route = route
    if (route !== null && table.hasGuards && isReadDifferently(exchange.target)) {
      refuseOtherReadings(exchange, table, route, target)
    }
    if (route === null) {
      this.fail(exchange, new GatewayError('GW_NO_ROUTE', 'no route has this host and path'))
    } else if (target !== null) {
      const plan = planOf(target)
      if (plan.before === null) this.#enter(exchange, route, target)
      else this.#runBefore(exchange, target, plan, 0, true)
    } else if (route.queue !== null && route.balancer !== null) {
      // Who may not use the route must not take the places of those who may.
      const guard = commonGuard(route)
      if (guard === null) this.#wait(exchange, route.queue, () => this.#route(exchange))
      else this.#runBefore(exchange, guard, planOf(guard), 0, false)
    } else {
      const failure = route.isClosed
        ? new GatewayError('GW_FORBIDDEN', `what says who may use route ${route.text} is wrong: nobody may`)
        : new GatewayError('GW_NO_TARGET', `route ${route.text} has no healthy instance`)
      this.fail(exchange, failure)
    }
  }

  /**
   * Who gets the request. Null: the route has nobody for it, or they all have as many requests as they may.
   *
   * @param failed where it has just failed: not there again as long as there is another; null: nowhere
   */
  #pick(exchange: Exchange, { balancer, targets }: Route, failed: Upstream | null): Target | null {
    if (balancer === null) return null
    const index = failed === null ? balancer.pick(exchange) : balancer.pickOther(exchange, failed)
    return index === busy ? null : targets[index]!
  }

  #enter(exchange: Exchange, route: Route, target: Target): void {
    this.#reserve(exchange, route, target)
    this.#prepare(exchange, target, planOf(target))
  }

  /** From here on the request is the target's. */
  #reserve(exchange: Exchange, route: Route, target: Target): void {
    if (exchange.waiting !== null) this.#leaveQueue(exchange, exchange.waiting)
    exchange.chosen = target
    const { upstream } = target
    if (upstream !== null) {
      exchange.upstream = upstream
      target.meter.inFlight++
      exchange.isProbe = upstream.begin()
    }
    if (route.cookie !== null) {
      const index = route.targets.indexOf(target)
      exchange.cookieLine = route.cookie.line(exchange, index, exchange.client.secure)
    }
  }

  /** Until there is room, in the order of arrival. */
  #wait(exchange: Exchange, queue: Queue, goOn: () => void): void {
    const { waiting } = exchange
    if (waiting !== null) {
      if (waiting.queue === queue) return
      this.#leaveQueue(exchange, waiting)
    }
    const { size, timeout } = queue.options
    const timer = new WheelTimer(() =>
      this.fail(exchange, new GatewayError('GW_BUSY', `no instance had room within ${timeout} ms`)),
    )
    const place = new Waiting(exchange, queue, timer, () => {
      try {
        goOn()
      } catch (error) {
        if (!exchange.finished) this.fail(exchange, error)
      }
    })
    if (!queue.enter(place)) {
      this.fail(
        exchange,
        new GatewayError('GW_BUSY', `no instance has room, and ${size} requests wait already`),
      )
      return
    }
    exchange.waiting = place
    if (timeout > 0) this.#parts.wheel.arm(timer, timeout)
  }

  #leaveQueue(exchange: Exchange, waiting: Waiting): void {
    exchange.waiting = null
    waiting.queue.leave(waiting)
    this.#parts.wheel.cancel(waiting.timer)
  }

  /**
   * What may answer in place of the target, or refuse: in order, from `at` on. Nobody has a place at the target before.
   *
   * @param isPicked it is the target's turn; false: it only stands for all those that are busy
   */
  #runBefore(exchange: Exchange, target: Target, plan: Plan, at: number, isPicked: boolean): void {
    if (exchange.waiting !== null) this.#leaveQueue(exchange, exchange.waiting)
    exchange.chosen = target
    const steps = plan.before!
    for (let index = at; index < steps.length; index++) {
      const step = steps[index]!
      const { skipped } = this.#parts
      if (skipped !== null && step.hasEffects) {
        skipped(step)
        continue
      }
      const verdict = step.run(exchange)
      if (verdict === null) continue
      if (verdict instanceof Promise)
        this.#await(exchange, verdict, () => this.#runBefore(exchange, target, plan, index + 1, isPicked))
      else this.answer(exchange, verdict)
      return
    }
    if (isPicked && at === 0) this.#enter(exchange, exchange.route!, target)
    else this.#admit(exchange, target, isPicked)
  }

  /** Time has gone by since the target was picked: the table may have changed, and who had room may have none. */
  #admit(exchange: Exchange, passed: Target, isPicked: boolean): void {
    const route = exchange.route!
    if (!this.#isCurrent(exchange, route)) {
      this.#routeAnew(exchange)
      return
    }
    const isFree = isPicked && route.balancer?.hasRoom(route.targets.indexOf(passed)) === true
    const target = isFree ? passed : this.#pick(exchange, route, null)
    if (target === null && route.queue !== null) {
      exchange.chosen = null
      this.#wait(exchange, route.queue, () => this.#admit(exchange, passed, false))
    } else if (target !== null && standsFor(target, passed)) this.#enter(exchange, route, target)
    else if (target !== null && exchange.timesGuarded++ < mostGuarded) this.#routeAnew(exchange)
    else this.fail(exchange, new GatewayError('GW_BUSY', `no instance of route ${route.text} has room`))
  }

  /** As if it had come just now: what guards have found out counts for their own targets alone. */
  #routeAnew(exchange: Exchange): void {
    exchange.requestLines = ''
    exchange.requestExcept = null
    exchange.answerLines = ''
    exchange.vary = ''
    this.#route(exchange)
  }

  /** Whether it is what the request would find now. */
  #isCurrent({ host, path, client }: Exchange, route: Route): boolean {
    const table = this.#parts.live.current
    const skipped: Route[] = []
    let found = table.find(host, path, client.secure)
    while (found !== null && found !== route && found.targets.some((one) => planOf(one).leadsBack !== null)) {
      skipped.push(found)
      found = table.findBeyond(skipped, host, path, client.secure)
    }
    return found === route
  }

  #await(exchange: Exchange, verdict: Promise<Verdict>, goOn: () => void): void {
    verdict
      .then((decided) => {
        if (exchange.finished) return
        if (decided === null) goOn()
        else this.answer(exchange, decided)
      })
      .catch((error: unknown) => {
        if (!exchange.finished) this.fail(exchange, error)
      })
  }

  /** Once for each request that is forwarded: what its plan says of the whole of it. */
  #prepare(exchange: Exchange, target: Target, plan: Plan): void {
    const { body } = exchange
    if (plan.timeout > 0) this.#armDeadline(exchange, plan.timeout)
    if (body !== null) {
      if (plan.maxBody > 0) {
        if (body.length !== null && body.length > plan.maxBody) {
          throw new GatewayError(
            'GW_BODY_TOO_LARGE',
            `a body of ${body.length} octets, more than ${plan.maxBody}`,
          )
        }
        body.limit(plan.maxBody)
      }
      const { replaySize } = this.#options
      if (
        replaySize > 0 &&
        plan.retries > 0 &&
        isIdempotent(exchange.method) &&
        (body.length ?? 0) <= replaySize
      ) {
        exchange.body = new ReplayBody(body, replaySize)
      }
    }
    this.#forward(exchange, target, plan)
  }

  #armDeadline(exchange: Exchange, ms: number): void {
    const timer = new WheelTimer(() => {
      const error = new GatewayError('GW_ANSWER_TIMEOUT', `the whole of it took more than ${ms} ms`)
      // With a body it may have been the client who took so long.
      if (exchange.status === 0 && exchange.body === null) this.#blame(exchange, error)
      this.fail(exchange, error)
      exchange.call?.abort()
    })
    exchange.deadline = timer
    this.#parts.wheel.arm(timer, ms)
  }

  #forward(exchange: Exchange, target: Target, plan: Plan): void {
    const { upstream } = target
    if (upstream === null) throw new GatewayError('GW_INTERNAL', `the redirect ${target.url} did not answer`)
    const hostHeader = plan.host === null ? exchange.host : plan.host
    exchange.attempts++
    exchange.wasSent = false
    if (exchange.trace !== null) this.#parts.tracer!.attempt(exchange, target)
    exchange.call = upstream.client.send(
      {
        method: exchange.method,
        target: forwardedTarget(exchange.target, exchange.path, plan),
        lines: this.#requestLines(exchange, hostHeader, plan),
        upgrade: upgradeOf(exchange),
        body: exchange.body,
        limits: plan.limits,
        fresh: exchange.timesSent > 0,
      },
      new Relay(exchange, plan, this),
    )
    // On a kept connection it has gone out already: the clock is asked only where something is waited for.
    exchange.waitsSince = exchange.wasSent ? 0 : this.monotonic()
  }

  // What a relay needs.

  monotonic(): number {
    return this.#parts.world.clock.monotonic()
  }

  upgraded(exchange: Exchange): void {
    // That was the answer. What is said from here on has no end that could be late.
    if (exchange.deadline !== null) this.#parts.wheel.cancel(exchange.deadline)
    this.#parts.observer.upgraded(exchange)
  }

  /** The exchange with the upstream is over, however: it is no longer counted there. */
  release(exchange: Exchange): void {
    const { upstream, isProbe, tunnel } = exchange
    if (upstream === null) return
    exchange.upstream = null
    if (tunnel !== null) upstream.tunnels.delete(tunnel)
    exchange.chosen!.meter.inFlight--
    exchange.isProbe = false
    if (isProbe) upstream.probeLeft()
    upstream.end()
  }

  answered(exchange: Exchange, status: number): void {
    const { upstream, isProbe } = exchange
    exchange.isProbe = false
    upstream?.answered(status, isTrouble(status), isProbe)
  }

  /** No answer came, for this reason. */
  #blame(exchange: Exchange, error: GatewayError): void {
    const { upstream, isProbe } = exchange
    exchange.isProbe = false
    upstream?.failed(error, isProbe)
  }

  /** An attempt has failed. */
  attemptFailed(exchange: Exchange, plan: Plan, error: GatewayError): void {
    if (exchange.trace !== null) this.#parts.tracer!.attemptFailed(exchange, error)
    // Where an answer breaks off, its head has said what there is to say: streams often end so.
    if (exchange.status === 0) this.#blame(exchange, error)
    this.release(exchange)
    const { method, attempts, wasSent, timesSent, body, status } = exchange
    const attempt = {
      method,
      attempts,
      wasSent,
      timesSent,
      bodyWasRead: body?.wasStarted === true,
      wasAnswered: status !== 0,
      retries: plan.retries,
    }
    // What was not sent has cost the instance nothing: it can be sent to another whatever the budget says.
    const isPermitted = mayRetry(attempt, error) && (!wasSent || this.#budget.take(this.monotonic()))
    if (isPermitted) this.#retry(exchange, error)
    else this.fail(exchange, error)
  }

  /** Tries again, on another instance where there is one: who sent the request need not know of the first. */
  #retry(exchange: Exchange, error: GatewayError): void {
    const failed = exchange.chosen!
    this.#parts.log.debug(
      'proxy',
      'retry',
      `${error.message}; trying another instance for ${withoutQuery(exchange.target)}`,
    )
    if (exchange.body instanceof ReplayBody) exchange.body.detach()
    try {
      this.#goElsewhere(exchange, failed, error)
    } catch (unexpected) {
      this.fail(exchange, unexpected)
    }
  }

  #goElsewhere(exchange: Exchange, failed: Target, error: GatewayError): void {
    // The table may have changed meanwhile, and because of this very failure. Another route has other guards, which
    // have not been asked.
    const { host, path, client } = exchange
    const route = this.#parts.live.current.find(host, path, client.secure)
    if (route === null || route.text !== exchange.route!.text) {
      this.fail(exchange, error)
      return
    }
    let target = this.#pick(exchange, route, failed.upstream)
    // Its guards have let it pass at this one: another with the same ones can have it, and no other.
    for (let draw = 1; draw < mostDraws && target !== null && !standsFor(target, failed); draw++)
      target = this.#pick(exchange, route, failed.upstream)
    if (target === null && route.queue !== null && route.balancer !== null) {
      this.#wait(exchange, route.queue, () => this.#goElsewhere(exchange, failed, error))
    } else if (target === null || !standsFor(target, failed)) {
      this.fail(exchange, error)
    } else {
      this.#reserve(exchange, route, target)
      this.#forward(exchange, target, planOf(target))
    }
  }

  /** Answers in place of an instance. */
  answer(exchange: Exchange, { status, lines, body, error }: LocalAnswer): void {
    if (error !== null)
      this.#parts.log.debug('proxy', 'refused', `${error.message}: ${withoutQuery(exchange.target)}`)
    exchange.status = status
    exchange.failure = error
    if (error === null) {
      this.#write(exchange, lines, body)
      return
    }
    const own = this.#errors.answer(exchange, error)
    this.#write(exchange, lines + own.lines, own.body)
  }

  /** Answers with an error, or cuts the answer that has begun: it must not look complete (RFC 9112 section 8). */
  fail(exchange: Exchange, error: unknown): void {
    const failure = asGatewayError(error)
    exchange.failure = failure
    const wasAnswered = exchange.status !== 0
    if (!wasAnswered) {
      exchange.status = failure.code === 'GW_NO_ROUTE' ? this.#options.noRouteStatus : failure.status
    }
    const { lines, body } = this.#errors.answer(exchange, failure)
    if (!wasAnswered) {
      this.#write(exchange, (failure.status === 503 ? 'Retry-After: 1\r\n' : '') + lines, body)
      return
    }
    this.finish(exchange)
    exchange.filter?.destroy()
    exchange.client.abort()
  }

  refusal(error: GatewayError, accept: string, exchange: Exchange | null, client: ClientSide): Refusal {
    return this.#errors.refusal(error, accept, exchange, client)
  }

  /** Finishes the exchange as soon as all is known of it: the client's next request may be read before this returns. */
  #write(exchange: Exchange, lines: string, body: LocalAnswer['body']): void {
    const { client, status, method, chosen, answerLines, vary } = exchange
    const { plain, secure } = chosen === null ? this.#options.own : planOf(chosen).own
    const octets = body === null ? null : typeof body.text === 'string' ? Buffer.from(body.text) : body.text
    const type = body === null ? '' : `Content-Type: ${body.type}\r\n`
    exchange.bodySize = method === 'HEAD' || octets === null ? 0 : octets.length
    this.finish(exchange)
    let all = `${type}${lines}${client.secure ? secure : plain}${answerLines}`
    if (vary !== '') all += `Vary: ${vary}\r\n`
    all += `Date: ${this.date()}\r\n`
    client.answer(status, '', all, octets === null ? 0 : octets.length)
    if (octets !== null) client.write(octets)
    client.end('')
  }

  finish(exchange: Exchange): void {
    exchange.finished = true
    if (exchange.deadline !== null) this.#parts.wheel.cancel(exchange.deadline)
    if (exchange.waiting !== null) this.#leaveQueue(exchange, exchange.waiting)
    this.#parts.observer.finished(exchange, this.monotonic() - exchange.startedAt)
    // Last: somebody else may begin at once with the room that is left.
    this.release(exchange)
  }
}

/** Stands for all targets of a route where the same steps come before each; null: not the same ones, or none. */
function commonGuard({ targets }: Route): Target | null {
  const [first] = targets
  if (first === undefined || planOf(first).before === null) return null
  const isRedirect = (target: Target): boolean => planOf(target).leadsBack !== null
  return targets.every((each) => hasSameGuards(each, first) && !isRedirect(each)) ? first : null
}

/** Whom the first target's guards have let pass may go to the other without being asked again. */
const hasSameGuards = (target: Target, other: Target): boolean =>
  planOf(target).guards === planOf(other).guards

/** Whether it can have a request that the other one's guards have let pass, with nobody asked again. */
const standsFor = (target: Target, other: Target): boolean =>
  target.upstream !== null && hasSameGuards(target, other)

/** The protocol that the client asks to switch to, where it can be passed on (RFC 9110 section 7.8); else empty. */
function upgradeOf({ fields, body, client }: Exchange): string {
  if (!fields.hasAny(1 << fieldId.upgrade) || body !== null || client.httpVersion !== '1.1') return ''
  const [protocol = '', ...others] = fields.all('upgrade')
  const options = fields.all('connection').flatMap((value) => value.toLowerCase().split(','))
  // Behind h2c the requests of one client would be framed by nobody but the upstream.
  const isPassedOn =
    others.length === 0 && /^[\w!#$%&'*+.^`|~/-]+$/.test(protocol) && !/^h2c?(?:\/|$)/i.test(protocol)
  // White space as fields have it, and no other: a reader that trims more would take another option for this one.
  return isPassedOn && options.some((option) => /^[\t ]*upgrade[\t ]*$/.test(option)) ? protocol : ''
}
