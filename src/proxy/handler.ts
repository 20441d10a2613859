import { asGatewayError, GatewayError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { World } from '../base/world.ts'
import { fieldId } from '../http1/field-names.ts'
import type { ReceivedFields } from '../http1/field-section.ts'
import type { ResponseSink, TunnelEnd } from '../http1/messages.ts'
import type { Route, RouteTable, Target } from '../route/table.ts'
import type { Exchange } from './exchange.ts'
import { compileRequestLines, type ForwardingOptions, responseLines, trailerLines } from './headers.ts'
import { rewriteTarget } from './path.ts'
import { mayRetry } from './retry.ts'

export interface HandlerOptions extends ForwardingOptions {
  /** `proxy.noroutestatus` */
  readonly noRouteStatus: number
}

/** Hears of every exchange once, at its end. */
export interface ExchangeObserver {
  finished(exchange: Exchange, milliseconds: number): void
}

export interface HandlerParts {
  readonly live: { readonly current: RouteTable }
  /** The page for requests without a route; empty: none. */
  readonly noRoutePage: { readonly html: string }
  readonly observer: ExchangeObserver
  readonly log: Log
  readonly world: World
}

/** What the client's connection does with an exchange once it has read a request's head. */
export interface Handler {
  handle(exchange: Exchange): void
  /** The client can take more of the answer. */
  drained(exchange: Exchange): void
  /** The client's connection is gone, or cannot be answered on any more. */
  clientGone(exchange: Exchange, error: GatewayError): void
}

/** One request through its phases: route, target, forward, relay, finish. */
export function createHandler(options: HandlerOptions, parts: HandlerParts): Handler {
  const { live, noRoutePage, observer, log, world } = parts
  const requestLines = compileRequestLines(options)
  const date = httpDate(world)

  function handle(exchange: Exchange): void {
    const route = live.current.find(exchange.host, exchange.path, exchange.client.secure)
    exchange.route = route
    if (route === null) {
      log.debug('proxy', 'no-route', `no route for ${exchange.host}${exchange.target}`)
      fail(exchange, new GatewayError('GW_NO_ROUTE', `no route for ${exchange.host}${exchange.target}`))
      return
    }
    const target = pick(route, null)
    if (target === null) {
      fail(exchange, new GatewayError('GW_NO_TARGET', `route ${route.text} has no healthy instance`))
      return
    }
    forward(exchange, target)
  }

  /** The next target in turn that is not `failed`; that one where there is no other. */
  function pick({ balancer, targets }: Route, failed: Target | null): Target | null {
    if (balancer === null) return null
    let target = targets[balancer.pick()] ?? null
    // The ring holds every target, those with a small share rarely: a few turns are enough, and an end is sure.
    for (let turn = 0; target === failed && targets.length > 1 && turn < 20; turn++) {
      target = targets[balancer.pick()] ?? null
    }
    return target
  }

  function forward(exchange: Exchange, target: Target): void {
    const { strip = '', prepend = '', host } = target.options
    exchange.chosen = target
    exchange.attempts++
    exchange.wasSent = false
    target.upstream.inFlight++
    const hostHeader = host === undefined ? exchange.host : host === 'dst' ? target.authority : host
    exchange.call = target.upstream.client.send(
      {
        method: exchange.method,
        target: rewritten(exchange, strip, prepend),
        lines: requestLines(exchange, hostHeader, strip),
        upgrade: upgradeOf(exchange),
        body: exchange.body,
      },
      new Relay(exchange),
    )
  }

  function rewritten(exchange: Exchange, strip: string, prepend: string): string {
    if (strip === '' && prepend === '') return exchange.target
    return rewriteTarget(exchange.target, exchange.path, strip, prepend)
  }

  /** Passes the upstream's answer to the client as it comes. HOT: one for each attempt. */
  class Relay implements ResponseSink {
    readonly #exchange: Exchange

    constructor(exchange: Exchange) {
      this.#exchange = exchange
    }

    sent(): void {
      this.#exchange.wasSent = true
    }

    informed(status: number, fields: ReceivedFields): void {
      const exchange = this.#exchange
      if (!exchange.finished) exchange.client.inform(status, fields.endToEnd(0, null, none))
    }

    head(status: number, reason: string, fields: ReceivedFields, length: number | null): void {
      const exchange = this.#exchange
      if (exchange.finished) return
      exchange.status = status
      exchange.client.answer(status, reason, responseLines(fields, date), length)
    }

    data(chunk: Buffer): boolean {
      const exchange = this.#exchange
      if (exchange.finished) return true
      exchange.bodySize += chunk.length
      return exchange.client.write(chunk)
    }

    end(trailers: ReceivedFields | null): void {
      const exchange = this.#exchange
      if (exchange.finished) return
      finish(exchange)
      exchange.client.end(trailers === null ? '' : trailerLines(trailers))
    }

    switched(fields: ReceivedFields, tunnel: TunnelEnd): void {
      const exchange = this.#exchange
      if (exchange.finished) {
        tunnel.transport.destroy()
        return
      }
      exchange.status = 101
      const upgrade = fields.first('upgrade') || upgradeOf(exchange)
      exchange.client.switchTo(responseLines(fields, date), upgrade, tunnel)
    }

    failed(error: GatewayError): void {
      const exchange = this.#exchange
      if (exchange.finished) return
      const { method, attempts, wasSent, body, status } = exchange
      const attempt = {
        method,
        attempts,
        wasSent,
        bodyWasRead: body?.wasStarted === true,
        wasAnswered: status !== 0,
      }
      if (mayRetry(attempt, error)) retry(exchange, error)
      else fail(exchange, error)
    }
  }

  /** Tries again, on another instance where there is one: who sent the request need not know of the first. */
  function retry(exchange: Exchange, error: GatewayError): void {
    const failed = exchange.chosen!
    failed.upstream.inFlight--
    exchange.chosen = null
    log.debug('proxy', 'retry', `${error.message}; trying another instance for ${exchange.target}`)
    try {
      // The table may have changed meanwhile, and because of this very failure.
      const { host, path, client } = exchange
      const route = live.current.find(host, path, client.secure)
      const target = route === null ? null : pick(route, failed)
      if (target === null) fail(exchange, error)
      else forward(exchange, target)
    } catch (unexpected) {
      fail(exchange, unexpected)
    }
  }

  /** Answers with an error, or cuts the answer that has begun: it must not look complete (RFC 9112 section 8). */
  function fail(exchange: Exchange, error: unknown): void {
    const failure = asGatewayError(error)
    exchange.failure = failure
    if (failure.code === 'GW_INTERNAL') log.error('proxy', 'internal', failure.message)
    const wasAnswered = exchange.status !== 0
    if (!wasAnswered) exchange.status = statusOf(failure)
    finish(exchange)
    if (wasAnswered) exchange.client.abort()
    else answerError(exchange, failure)
  }

  const statusOf = (failure: GatewayError): number =>
    failure.code === 'GW_NO_ROUTE' ? options.noRouteStatus : failure.status

  function answerError(exchange: Exchange, failure: GatewayError): void {
    const { status } = exchange
    const page = failure.code === 'GW_NO_ROUTE' ? noRoutePage.html : ''
    const body = Buffer.from(page === '' ? `${failure.says}\n` : page)
    const type = page === '' ? 'text/plain' : 'text/html'
    let lines = `Content-Type: ${type}; charset=utf-8\r\nX-Gatehouse-Error: ${failure.code}\r\nDate: ${date()}\r\n`
    if (failure.code === 'GW_NO_TARGET') lines += 'Retry-After: 1\r\n'
    exchange.bodySize = exchange.method === 'HEAD' ? 0 : body.length
    exchange.client.answer(status, '', lines, body.length)
    exchange.client.write(body)
    exchange.client.end('')
  }

  function finish(exchange: Exchange): void {
    exchange.finished = true
    if (exchange.chosen !== null) exchange.chosen.upstream.inFlight--
    observer.finished(exchange, world.clock.monotonic() - exchange.startedAt)
  }

  return {
    handle(exchange) {
      try {
        handle(exchange)
      } catch (error) {
        if (!exchange.finished) fail(exchange, error)
      }
    },
    drained(exchange) {
      exchange.call?.resume()
    },
    clientGone(exchange, error) {
      if (exchange.finished) return
      // The end of a tunnel is the end of an exchange like another.
      if (exchange.status !== 101) exchange.failure = error
      if (exchange.status === 0) exchange.status = error.status
      finish(exchange)
      exchange.call?.abort()
    },
  }
}

const none: ReadonlySet<string> = new Set()

/** The protocol that the client asks to switch to, where it can be passed on (RFC 9110 section 7.8); else empty. */
function upgradeOf({ fields, body, client }: Exchange): string {
  if (!fields.hasAny(1 << fieldId.upgrade) || body !== null || client.httpVersion !== '1.1') return ''
  const [protocol = '', ...others] = fields.all('upgrade')
  const options = fields.all('connection').flatMap((value) => value.toLowerCase().split(','))
  // Behind h2c the requests of one client would be framed by nobody but the upstream.
  const isPassedOn =
    others.length === 0 && /^[\w!#$%&'*+.^`|~/-]+$/.test(protocol) && !/^h2c?(?:\/|$)/i.test(protocol)
  return isPassedOn && options.some((option) => option.trim() === 'upgrade') ? protocol : ''
}

/** The present time as Date says it (RFC 9110 section 5.6.7), made once a second. */
function httpDate({ clock }: World): () => string {
  let second = -1
  let text = ''
  return () => {
    const now = Math.floor(clock.now() / 1000)
    if (now !== second) {
      second = now
      text = new Date(now * 1000).toUTCString()
    }
    return text
  }
}
