import { asGatewayError, GatewayError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { World } from '../base/world.ts'
import type { Route, RouteTable, Target } from '../route/table.ts'
import type { ResponseSink } from '../upstream/client.ts'
import type { Exchange } from './exchange.ts'
import { compileRequestFields, type ForwardingOptions, responseFields, trailerFields } from './headers.ts'
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
  /** The client's connection is gone. */
  clientGone(exchange: Exchange): void
}

/** One request through its phases: route, target, forward, relay, finish. */
export function createHandler(options: HandlerOptions, parts: HandlerParts): Handler {
  const { live, noRoutePage, observer, log, world } = parts
  const requestFields = compileRequestFields(options)

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
        fields: requestFields(exchange, hostHeader, strip),
        body: exchange.body,
      },
      relay(exchange),
    )
  }

  function rewritten(exchange: Exchange, strip: string, prepend: string): string {
    if (strip === '' && prepend === '') return exchange.target
    return rewriteTarget(exchange.target, exchange.path, strip, prepend)
  }

  /** Passes the upstream's answer to the client as it comes. */
  function relay(exchange: Exchange): ResponseSink {
    const { client } = exchange
    return {
      sent() {
        exchange.wasSent = true
      },
      informed(status, fields) {
        if (!exchange.finished) client.inform(status, responseFields(fields))
      },
      head(status, reason, fields) {
        if (exchange.finished) return
        client.head(status, reason, responseFields(fields))
        exchange.status = status
      },
      data(chunk) {
        if (exchange.finished) return true
        exchange.bodySize += chunk.length
        return client.write(chunk)
      },
      end(trailers) {
        if (exchange.finished) return
        client.end(trailerFields(trailers))
        finish(exchange)
      },
      failed(error) {
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
      },
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
    if (exchange.status !== 0) exchange.client.abort()
    else answerError(exchange, failure)
    finish(exchange)
  }

  function answerError(exchange: Exchange, failure: GatewayError): void {
    const status = failure.code === 'GW_NO_ROUTE' ? options.noRouteStatus : failure.status
    exchange.status = status
    const page = failure.code === 'GW_NO_ROUTE' ? noRoutePage.html : ''
    const body = Buffer.from(page === '' ? `${failure.says}\n` : page)
    const fields = [
      'Content-Type',
      page === '' ? 'text/plain; charset=utf-8' : 'text/html; charset=utf-8',
      'Content-Length',
      String(body.length),
      'X-Gatehouse-Error',
      failure.code,
    ]
    if (failure.code === 'GW_NO_TARGET') fields.push('Retry-After', '1')
    exchange.client.head(status, '', fields)
    const hasBody = exchange.method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304
    if (hasBody) {
      exchange.bodySize = body.length
      exchange.client.write(body)
    }
    exchange.client.end([])
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
    clientGone(exchange) {
      if (exchange.finished) return
      exchange.failure = new GatewayError('GW_CLIENT_GONE', 'the client closed its connection')
      if (exchange.status === 0) exchange.status = exchange.failure.status
      finish(exchange)
      exchange.call?.abort()
    },
  }
}
