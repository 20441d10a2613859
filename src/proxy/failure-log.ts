import { catalogue, type GatewayError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Exchange } from './exchange.ts'

/**
 * Says in the log why requests failed, with the id that the client got: what went wrong at upstreams and in the gateway
 * itself as a warning or an error, what is the client's own doing at level DEBUG. An upstream that is down does not fill
 * the log: `log.limit` counts these lines as all others.
 */
export class FailureLog {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  failed(exchange: Exchange, error: GatewayError): void {
    const { source } = catalogue[error.code]
    const { method, host, target, chosen, id, clientAddress } = exchange
    const what = `${method} ${host}${withoutQuery(target)} of ${clientAddress}`
    const whom = chosen === null ? '' : ` at ${chosen.service} ${withoutQuery(chosen.url)}`
    const text = `${what}${whom}: ${error.message} (${error.code}, request ${id})`
    if (source === 'client') this.#log.debug('proxy', 'request-failed', text)
    else if (source === 'upstream') this.#log.warn('proxy', 'upstream-failed', text)
    else this.#log.error('proxy', 'gateway-failed', text)
  }

  refused(error: GatewayError, address: string, id: string): void {
    this.#log.debug(
      'proxy',
      'request-refused',
      `of ${address}: ${error.message} (${error.code}, request ${id})`,
    )
  }
}

/** For the log, which many people read: a query may have secrets, and its place is the access log, where it is asked for. */
export function withoutQuery(target: string): string {
  const at = target.indexOf('?')
  return at === -1 ? target : `${target.slice(0, at)}?…`
}
