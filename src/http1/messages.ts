import type { GatewayError } from '../base/errors.ts'
import type { ReceivedFields } from './field-section.ts'
import type { Transport, TransportEvents } from './transport.ts'

/** Time limits of one exchange, in milliseconds; 0: no limit. */
export interface CallLimits {
  /** To connect, where a new connection is needed. */
  readonly dialTimeout: number
  /** From the end of the request to the head of the answer. */
  readonly headTimeout: number
  /** Between two octets of the answer, while somebody takes them. */
  readonly idleTimeout: number
}

/** A request as it goes to an upstream. */
export interface UpstreamRequest {
  readonly method: string
  /** Path and query as they go on the wire. */
  readonly target: string
  /** Field lines, each ending in CRLF, with Host and without framing and hop-by-hop fields. */
  readonly lines: string
  /** Value of Upgrade where the client asks for another protocol; empty: it does not. */
  readonly upgrade: string
  /** Null: the request has no body. */
  readonly body: BodySource | null
  /** Null: those of the client that sends it. */
  readonly limits: CallLimits | null
  /** A kept connection has failed it: it goes out on a new one, which cannot have died while idle. */
  readonly fresh: boolean
}

/** A message body on its way. Nothing flows before `start`. */
export interface BodySource {
  /** Octets, from Content-Length; null: unknown, so it is sent chunked. */
  readonly length: number | null
  /** Some of it may be gone: it cannot be sent a second time. */
  readonly wasStarted: boolean
  /** Octets at most; with more it fails as GW_BODY_TOO_LARGE. Before `start`. */
  limit(octets: number): void
  /** Octets may be there already, and come before this returns. */
  start(sink: BodySink): void
  /** The sink, having said false, takes more. */
  resume(): void
}

export interface BodySink {
  /**
   * False: the sink keeps the chunk, and its memory stays as it is until `resume`, unless it is a small one
   * (`smallChunk`), which has to be copied. What was read together with it may still come. True: the memory is written
   * over as soon as this returns.
   */
  data(chunk: Buffer): boolean
  end(): void
  /** The body was cut short: what was sent so far must not look complete. */
  failed(error: GatewayError): void
}

/** How an exchange went. Exactly one of `end`, `switched` and `failed` comes, as the last call. */
export interface ResponseSink {
  /** The connection is there and the request goes out: from here on it may have reached the upstream. */
  sent(): void
  /** An informational answer, 100 to 199 without 101. The fields are there for the moment. */
  informed(status: number, fields: ReceivedFields): void
  /**
   * The fields are there for the moment.
   *
   * @param length octets of the body, null: not known yet. Where the status or the method has no body: what
   *   Content-Length said, null: nothing
   */
  head(status: number, reason: string, fields: ReceivedFields, length: number | null): void
  /** As a body sink's: the call's `resume` ends the pause that false asks for. */
  data(chunk: Buffer): boolean
  /** Trailer fields, where there were some. */
  end(trailers: ReceivedFields | null): void
  /** The upstream agreed to speak another protocol (RFC 9110 section 7.8): the connection is the sink's. */
  switched(fields: ReceivedFields, tunnel: TunnelEnd): void
  failed(error: GatewayError): void
}

/** One side of a tunnel: a connection that is nobody's any more. */
export interface TunnelEnd {
  readonly transport: Transport
  /** What came behind the 101. */
  readonly early: Buffer
  /** Sends the connection's events elsewhere. */
  handOver(events: TransportEvents): void
  /** Tells both sides that it ends; what they say to it and the closes are left to them. Null: it is no tunnel yet. */
  farewell: (() => void) | null
}
