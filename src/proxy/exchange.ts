import type { GatewayError } from '../base/errors.ts'
import type { Route, Target } from '../route/table.ts'
import type { BodySource, UpstreamCall } from '../upstream/client.ts'
import type { Fields } from './fields.ts'

/** The client's side of one exchange: what the handler may do to it, whatever reads and writes the socket. */
export interface ClientSide {
  /** IP address of the peer, IPv6 without brackets. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** True when the connection is TLS. */
  readonly secure: boolean
  /** The client's HTTP version, `1.1` or `1.0`. */
  readonly httpVersion: string
  /** Sends an informational answer, where the client's version knows them. */
  inform(status: number, fields: Fields): void
  /**
   * Starts the answer.
   *
   * @param fields without hop-by-hop fields; a Content-Length among them frames the body
   */
  head(status: number, reason: string, fields: Fields): void
  /** False: the client reads more slowly than this is written; `onDrain` follows. */
  write(chunk: Buffer): boolean
  end(trailers: Fields): void
  /** Cuts the connection, so that what was sent cannot be taken for a whole answer. */
  abort(): void
}

/** Everything known about one request, in one shape from start to end. */
export class Exchange {
  readonly client: ClientSide
  readonly method: string
  /** Origin form: path and query, as the client sent it. */
  readonly target: string
  /** The target's path with escapes and dot segments resolved: what routing looks at. */
  readonly path: string
  /** The request's authority as sent: from an absolute-form target, else Host. */
  readonly host: string
  readonly fields: Fields
  readonly body: BodySource | null
  /** Monotonic milliseconds. */
  readonly startedAt: number
  route: Route | null = null
  chosen: Target | null = null
  call: UpstreamCall | null = null
  failure: GatewayError | null = null
  /** How often it was sent, or tried to. */
  attempts = 0
  /** It went out on a connection in its last attempt. */
  wasSent = false
  /** Of the answer that the client gets; 0 before its head. */
  status = 0
  /** Octets of the answer's body that went to the client. */
  bodySize = 0
  /** True once `finish` ran: later callbacks of either side find nothing to do. */
  finished = false

  constructor(
    client: ClientSide,
    request: Pick<Exchange, 'method' | 'target' | 'path' | 'host' | 'fields' | 'body' | 'startedAt'>,
  ) {
    this.client = client
    this.method = request.method
    this.target = request.target
    this.path = request.path
    this.host = request.host
    this.fields = request.fields
    this.body = request.body
    this.startedAt = request.startedAt
  }
}
