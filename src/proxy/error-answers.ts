import type { ErrorCode, GatewayError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Refusal } from '../http1/client-connection.ts'
import { type ErrorPages, errorPage } from './error-page.ts'
import type { ClientSide, Exchange } from './exchange.ts'
import { FailureLog } from './failure-log.ts'
import type { LocalAnswer, OwnAnswerLines } from './plan.ts'

export interface ErrorAnswerOptions {
  /** `proxy.errorpages` */
  readonly errorPages: ErrorPages
  /** `proxy.header.requestid`; empty: X-Request-Id. */
  readonly requestIdHeader: string
  /** Lines of answers to requests that no target was found for. */
  readonly own: OwnAnswerLines
  newId(): string
}

export interface ErrorAnswerParts {
  readonly log: Log
  /** The page for requests without a route; empty: none. */
  readonly noRoutePage: { readonly html: string }
}

/** What clients get when something went wrong, and what the log says of it: both by the same id. */
export class ErrorAnswers {
  readonly #options: ErrorAnswerOptions
  readonly #noRoutePage: { readonly html: string }
  readonly #log: FailureLog
  readonly #date: () => string

  constructor(options: ErrorAnswerOptions, parts: ErrorAnswerParts, date: () => string) {
    this.#options = options
    this.#noRoutePage = parts.noRoutePage
    this.#log = new FailureLog(parts.log)
    this.#date = date
  }

  /** The exchange has failed with the status that it has. */
  answer(exchange: Exchange, failure: GatewayError): Pick<LocalAnswer, 'lines' | 'body'> {
    const { code, says } = failure
    if (exchange.id === '') exchange.id = this.#options.newId()
    this.#log.failed(exchange, failure)
    const { status, id, fields } = exchange
    const page = code === 'GW_NO_ROUTE' ? this.#noRoutePage.html : ''
    const body =
      page === ''
        ? errorPage(code, says, status, id, fields.first('accept'), this.#options.errorPages)
        : { type: 'text/html; charset=utf-8', text: page }
    return { lines: this.#lines(code, id), body }
  }

  /** A request is refused by its form. @param exchange null: it was none yet */
  refusal(error: GatewayError, accept: string, exchange: Exchange | null, client: ClientSide): Refusal {
    const { newId, errorPages, own } = this.#options
    const id = exchange === null || exchange.id === '' ? newId() : exchange.id
    if (exchange !== null) exchange.id = id
    this.#log.refused(error, client.remoteAddress, id)
    const { code, status, says, message } = error
    // Nothing of the message is the request's own words: they are what could not be read.
    const page = errorPage(code, `${says}: ${message}`, status, id, accept, errorPages)
    // RFC 9110 section 15.5.6: what is allowed has to be said.
    const allow = code === 'GW_METHOD' ? 'Allow: \r\n' : ''
    return {
      lines:
        `Content-Type: ${page.type}\r\n${allow}${this.#lines(code, id)}` +
        `${client.secure ? own.secure : own.plain}Date: ${this.#date()}\r\n`,
      body: Buffer.from(page.text),
    }
  }

  #lines(code: ErrorCode, id: string): string {
    return `X-Gatehouse-Error: ${code}\r\n${this.#options.requestIdHeader || 'X-Request-Id'}: ${id}\r\n`
  }
}
