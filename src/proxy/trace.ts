import type { GatewayError } from '../base/errors.ts'
import type { Target } from '../route/table.ts'
import type { Exchange } from './exchange.ts'

/** The trace that a request belongs to, as far as its phases need it. */
export interface ExchangeTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** Field lines that go upstream with the present attempt, each ending in CRLF. */
  lines: string
  /** Names in lower case of the client's fields that they stand for; null: it sent none of them. */
  readonly except: ReadonlySet<string> | null
}

/** Follows requests through their phases, where somebody wants to see them afterwards. */
export interface Tracer {
  /** Sets the exchange's `trace`: the one that its client is in, or a new one. */
  begin(exchange: Exchange): void
  /** The request is about to be sent: sets the lines of its trace. */
  attempt(exchange: Exchange, target: Target): void
  attemptFailed(exchange: Exchange, error: GatewayError): void
}
