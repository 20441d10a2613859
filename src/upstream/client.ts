import type { GatewayError } from '../base/errors.ts'
import type { ResponseSink, UpstreamRequest } from '../http1/messages.ts'

/**
 * Speaks HTTP to one upstream over kept connections. Callbacks with backpressure and no streams: the wire engine and
 * undici stand behind the same few functions, and one contract suite holds both.
 */
export interface UpstreamClient {
  /** Starts one exchange. Of the sink's functions only `sent` may be called before this returns. Throws nothing. */
  send(request: UpstreamRequest, sink: ResponseSink): UpstreamCall
  /** How many connections it has. Absent: it keeps none. */
  connections?(): ConnectionCounts
  /** Lets running exchanges finish, then closes the connections. */
  close(): Promise<void>
  /** Ends running exchanges and closes the connections now. @param why what the exchanges fail with */
  destroy(why?: GatewayError): Promise<void>
}

export interface ConnectionCounts {
  /** They carry an exchange, or are about to. */
  readonly busy: number
  /** They are kept for the next exchange. */
  readonly idle: number
  /** Requests that wait for one, because there are as many as there may be. */
  readonly waiting: number
}

export interface UpstreamCall {
  /** The sink, having said false, takes more. */
  resume(): void
  /** Ends the exchange; the sink hears `failed` with GW_CLIENT_GONE unless it has ended already. */
  abort(): void
}
