import type { GatewayError } from '../base/errors.ts'
import type { WheelTimer } from '../base/timer-wheel.ts'
import type { ReceivedFields } from '../http1/field-section.ts'
import type { BodySource, TunnelEnd } from '../http1/messages.ts'
import type { Route, Target } from '../route/table.ts'
import type { UpstreamCall } from '../upstream/client.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { BodyFilter } from './plan.ts'
import type { ExchangeTrace } from './trace.ts'
import type { Waiting } from './waiting.ts'

/** The client's side of one exchange: what the handler may do to it, whatever reads and writes the socket. */
export interface ClientSide {
  /** IP address of the peer, IPv6 without brackets. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** True when the connection is TLS. */
  readonly secure: boolean
  /** The client's HTTP version, `1.1` or `1.0`. */
  readonly httpVersion: string
  /** Kept from one request of the connection to the next: `Peer`. */
  memo: unknown
  /** Sends an informational answer, where the client's version knows them. */
  inform(status: number, lines: string): void
  /**
   * Starts the answer.
   *
   * @param lines field lines, each ending in CRLF, without framing and hop-by-hop fields
   * @param length octets of the body; null: not known. Where the status or the method has no body: what
   *   Content-Length is to say, null: nothing
   */
  answer(status: number, reason: string, lines: string, length: number | null): void
  /** False: the chunk is kept, its memory has to stay as it is until the handler hears `drained`. */
  write(chunk: Buffer): boolean
  /** @param trailers field lines, each ending in CRLF */
  end(trailers: string): void
  /** The upstream speaks `upgrade` from here on: joins both connections (RFC 9110 section 7.8). */
  switchTo(lines: string, upgrade: string, tunnel: TunnelEnd): void
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
  readonly fields: ReceivedFields
  /** Null: none. One that can be sent again may stand for it. */
  body: BodySource | null
  /** Monotonic milliseconds. */
  readonly startedAt: number
  /**
   * IP address of the client: the peer, or whom a proxy of `proxy.trusted` names; `unknown` where that names nobody. What
   * access rules, limits, sticky sessions and logs go by.
   */
  clientAddress: string
  /** Whether what the peer tells of those before it is believed; null: `proxy.trusted` is empty, and fabio's rules hold. */
  isPeerTrusted: boolean | null = null
  /** What a trusted peer told in Forwarded; empty: nothing that can be read. */
  toldForwarded = ''
  /** The scheme that the client used as a trusted peer tells, in lower case; empty: it does not. */
  toldScheme = ''
  route: Route | null = null
  chosen: Target | null = null
  /** Whose `inFlight` it is counted in. */
  upstream: Upstream | null = null
  /** Whether an upstream that was ejected comes back hangs on this request. */
  isProbe = false
  /** Both connections are one pipe from here on. */
  tunnel: TunnelEnd | null = null
  /** Its place in the queue of its route. */
  waiting: Waiting | null = null
  call: UpstreamCall | null = null
  failure: GatewayError | null = null
  /** Null: nobody wants to see it afterwards. */
  trace: ExchangeTrace | null = null
  /** Of the request, where somebody has asked for one: `proxy.header.requestid`, an error answer, the access log. */
  id = ''
  /** How often it passed the guards of one target and had to go to another with other guards. */
  timesGuarded = 0
  /** How often it was sent, or tried to. */
  attempts = 0
  /** Field lines that go upstream with it, each ending in CRLF, in place of those named in `requestExcept`. */
  requestLines = ''
  /** Names in lower case of fields that go upstream as `requestLines` says and not otherwise, whoever else writes them. */
  requestExcept: ReadonlySet<string> | null = null
  /** Field lines that the answer brings, whoever gives it, each ending in CRLF. */
  answerLines = ''
  /** Names of request fields that the answer depends on beside those that the upstream names: `Origin`. */
  vary = ''
  /** The field line that keeps the client at the upstream that answers, ending in CRLF; empty: none is needed. */
  cookieLine = ''
  filter: BodyFilter | null = null
  /** Of the whole exchange. */
  deadline: WheelTimer | null = null
  /** When the last attempt began to wait for a connection. Monotonic milliseconds; 0: there was one at once. */
  waitsSince = 0
  /** When the last attempt went out, and when the head of its answer came. Monotonic milliseconds; 0: not yet. */
  sentAt = 0
  answeredAt = 0
  /** In how many attempts it went out on a connection. */
  timesSent = 0
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
    this.clientAddress = client.remoteAddress
    this.method = request.method
    this.target = request.target
    this.path = request.path
    this.host = request.host
    this.fields = request.fields
    this.body = request.body
    this.startedAt = request.startedAt
  }
}
