import type { GatewayError } from '../base/errors.ts'

/**
 * Speaks HTTP to one upstream over kept connections. Callbacks with backpressure and no streams: the wire engine and
 * undici stand behind the same few functions.
 */
export interface UpstreamClient {
  /** Starts one exchange. Tells the sink how it went, never synchronously, and throws nothing. */
  send(request: UpstreamRequest, sink: ResponseSink): UpstreamCall
  /** Lets running exchanges finish, then closes the connections. */
  close(): Promise<void>
  /** Ends running exchanges and closes the connections now. */
  destroy(): Promise<void>
}

export interface UpstreamRequest {
  readonly method: string
  /** Origin form: path and query as they go on the wire. */
  readonly target: string
  /** Name, value, name, value… with Host, without framing and hop-by-hop fields. */
  readonly fields: readonly string[]
  /** Null: the request has no body. */
  readonly body: BodySource | null
}

/** A message body on its way. Nothing flows before `start`. */
export interface BodySource {
  /** Octets, from Content-Length; null: unknown, so it is sent chunked. */
  readonly length: number | null
  /** Some of it may be gone: it cannot be sent a second time. */
  readonly wasStarted: boolean
  start(sink: BodySink): void
  pause(): void
  resume(): void
}

export interface BodySink {
  data(chunk: Buffer): void
  end(): void
  /** The body was cut short: what was sent so far must not look complete. */
  failed(): void
}

/** How an exchange went. Exactly one of `end` and `failed` comes, as the last call. */
export interface ResponseSink {
  /** The connection is there and the request goes out: from here on it may have reached the upstream. */
  sent(): void
  /** An informational answer, 102 to 199. */
  informed(status: number, fields: readonly string[]): void
  /** Name, value, name, value… as received, without framing and hop-by-hop fields removed yet. */
  head(status: number, reason: string, fields: readonly string[]): void
  /** False asks for a pause; the call's `resume` ends it. */
  data(chunk: Buffer): boolean
  /** Trailer fields: name, value, name, value… */
  end(trailers: readonly string[]): void
  failed(error: GatewayError): void
}

export interface UpstreamCall {
  resume(): void
  /** Ends the exchange; the sink hears `failed` with GW_CLIENT_GONE unless it has ended already. */
  abort(): void
}
