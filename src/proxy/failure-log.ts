import { catalogue, type GatewayError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Clock } from '../base/world.ts'
import type { Exchange } from './exchange.ts'

/** Lines a second at most: an upstream that is down must not fill the log. */
const most = 10

/**
 * Says in the log why requests failed, with the id that the client got: what went wrong at upstreams and in the gateway
 * itself as a warning or an error, what is the client's own doing at level DEBUG.
 */
export class FailureLog {
  readonly #log: Log
  readonly #clock: Clock
  #second = -1
  #said = 0
  #unsaid = 0

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  failed(exchange: Exchange, error: GatewayError): void {
    const { source } = catalogue[error.code]
    const { method, host, target, chosen, id, clientAddress } = exchange
    const what = `${method} ${host}${target} of ${clientAddress}`
    const whom = chosen === null ? '' : ` at ${chosen.service} ${chosen.url}`
    const text = `${what}${whom}: ${error.message} (${error.code}, request ${id})`
    if (source === 'client') this.#log.debug('proxy', 'request-failed', text)
    else if (!this.#mayBeSaid()) return
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

  #mayBeSaid(): boolean {
    const second = Math.floor(this.#clock.monotonic() / 1000)
    if (second !== this.#second) {
      if (this.#unsaid > 0)
        this.#log.warn('proxy', 'more-failed', `${this.#unsaid} more requests failed within a second`)
      this.#second = second
      this.#said = 0
      this.#unsaid = 0
    }
    if (this.#said < most) {
      this.#said++
      return true
    }
    this.#unsaid++
    return false
  }
}
