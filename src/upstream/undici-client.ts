import { type Duplex, Readable } from 'node:stream'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { asGatewayError, type ErrorCode, GatewayError, messageOf } from '../base/errors.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import { fieldId } from '../http1/field-names.ts'
import { listOfLines, sectionOf } from '../http1/field-section.ts'
import { maxInterim } from '../http1/limits.ts'
import type { BodySource, ResponseSink, UpstreamRequest } from '../http1/messages.ts'
import { lengthOf } from '../http1/request-head.ts'
import { Transport, type TransportEvents } from '../http1/transport.ts'
import type { UpstreamAddress } from './address.ts'
import type { ConnectionCounts, UpstreamCall, UpstreamClient } from './client.ts'
import { type QueueOptions, WaitingCalls } from './waiting-calls.ts'

/** All durations in milliseconds; 0 where it says so: no limit. */
export interface UndiciClientOptions extends QueueOptions {
  /** `proxy.dialtimeout`; 0: no limit. */
  readonly dialTimeout: number
  /** `proxy.responseheadertimeout`: from the end of the request to the head of the answer; 0: no limit. */
  readonly headTimeout: number
  /** `proxy.answeridletimeout`: between two octets of an answer; 0: no limit. */
  readonly answerStallTimeout: number
  /** `proxy.idleconntimeout`: how long a connection is kept without use; a peer's Keep-Alive hint may shorten it. */
  readonly idleTimeout: number
  /** `proxy.keepalivetimeout`: period of TCP keep-alive probes; 0: the system's, negative: none. */
  readonly keepAlivePeriod: number
}

const codes: Readonly<Partial<Record<string, ErrorCode>>> = {
  UND_ERR_CONNECT_TIMEOUT: 'GW_CONNECT_TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'GW_HEAD_TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'GW_ANSWER_TIMEOUT',
  UND_ERR_SOCKET: 'GW_RESET',
  UND_ERR_HEADERS_OVERFLOW: 'GW_BAD_ANSWER',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'GW_BAD_ANSWER',
  UND_ERR_CLOSED: 'GW_CONNECT_FAILED',
  UND_ERR_DESTROYED: 'GW_CONNECT_FAILED',
  UND_ERR_INVALID_ARG: 'GW_BAD_REQUEST',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'GW_BAD_REQUEST',
}

function nameFailure(error: unknown): GatewayError {
  const { name, code = '' } = error as NodeJS.ErrnoException
  const named = (as: ErrorCode): GatewayError => new GatewayError(as, messageOf(error), { cause: error })
  // undici keeps a connection whose parser has come to its end (llhttp does so for `Proxy-Connection: close` in a
  // trailer): of what came for this request nothing was read. The error has no code, only llhttp's words.
  if (name === 'HTTPParserError' && messageOf(error).includes('Data after `Connection: close`'))
    return named('GW_RESET')
  // The assertion is undici's about a status that is none.
  if (name === 'HTTPParserError' || name === 'AssertionError') return named('GW_BAD_ANSWER')
  // Every way in which a certificate or a TLS hello can be wrong is the upstream's doing.
  if (/^(ERR_TLS_|ERR_SSL_|EPROTO|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code))
    return named('GW_CONNECT_FAILED')
  return asGatewayError(error, codes)
}

/** Forwards over a pool of kept connections, one exchange at a time on each. */
export class UndiciClient implements UpstreamClient {
  readonly #address: UpstreamAddress
  readonly #options: UndiciClientOptions
  /** Made for the first request: a table may name ten thousand upstreams, and most rest. */
  #pool: Pool | null = null
  #isDestroyed = false
  readonly #waiting: WaitingCalls
  /** Exchanges and tunnels under way: each has a connection. */
  #running = 0
  #nobodyWaits: (() => void) | null = null
  #breaking = 0
  readonly #isBreaking = (): boolean => this.#breaking > 0

  constructor(address: UpstreamAddress, options: UndiciClientOptions, wheel: TimerWheel) {
    this.#address = address
    this.#options = options
    this.#waiting = new WaitingCalls(options, wheel)
  }

  connections(): ConnectionCounts {
    const waiting = this.#waiting.size
    if (this.#pool === null) return { busy: 0, idle: 0, waiting }
    const { connected, free } = this.#pool.stats
    return { busy: connected - free, idle: free, waiting }
  }

  #newPool(): Pool {
    const address = this.#address
    const options = this.#options
    // Peers that do not announce their idle time mostly close after 5 s (Node, many others), so a connection that
    // has been idle for longer than this is likelier to be dead than alive.
    const unannounced = 4_000
    const connector = buildConnector({
      timeout: options.dialTimeout,
      keepAlive: options.keepAlivePeriod >= 0,
      keepAliveInitialDelay: Math.max(0, options.keepAlivePeriod),
      // undici ends a connection whose other side has ended by itself; a tunnel goes on in the other direction.
      allowHalfOpen: true,
      rejectUnauthorized: !address.tlsSkipVerify,
      ...(address.serverName === null ? {} : { servername: address.serverName }),
    })
    return new Pool(address.origin, {
      connections: options.maxConnections || null,
      pipelining: 1,
      headersTimeout: options.headTimeout,
      bodyTimeout: options.answerStallTimeout,
      keepAliveTimeout: Math.min(unannounced, options.idleTimeout || unannounced),
      keepAliveMaxTimeout: options.idleTimeout || 600_000,
      maxHeaderSize: 256 * 1024,
      connect: (target, connected) =>
        connector(target, (...outcome) => {
          // undici takes an answer without framing for whole also when its connection is reset, and ends it from within
          // its own listener, which comes after this one.
          outcome[1]?.on('error', () => this.#breaks())
          connected(...outcome)
        }),
    })
  }

  #breaks(): void {
    this.#breaking++
    queueMicrotask(() => this.#breaking--)
  }

  send(request: UpstreamRequest, sink: ResponseSink): UpstreamCall {
    const { maxConnections } = this.#options
    // undici would let any number wait, and for any time.
    if (maxConnections > 0 && this.#running >= maxConnections) return this.#waiting.add(request, sink)
    return this.#start(request, sink)
  }

  readonly #ended = (): void => {
    this.#running--
    this.#waiting.next()?.become((request, sink) => this.#start(request, sink))
    if (this.#waiting.size === 0) this.#nobodyWaits?.()
  }

  #start(request: UpstreamRequest, sink: ResponseSink): UpstreamCall {
    this.#running++
    const { method, target, lines, body, upgrade, limits } = request
    const exchange = new UndiciExchange(sink, this.#isBreaking, this.#ended)
    try {
      this.#pool ??= this.#newPool()
      const headers = listOfLines(lines).slice()
      if (body !== null && body.length !== null) headers.push('Content-Length', String(body.length))
      this.#pool.dispatch(
        {
          method: method as Dispatcher.HttpMethod,
          path: target,
          headers,
          body: body === null ? null : readableOf(body),
          ...(upgrade === '' ? {} : { upgrade }),
          // To connect belongs to the pool: its limit cannot be another for one request.
          ...(limits === null ? {} : { headersTimeout: limits.headTimeout, bodyTimeout: limits.idleTimeout }),
          // The client's own words stand: undici must not repeat a request on its own account.
          idempotent: false,
        },
        exchange,
      )
    } catch (error) {
      // Told later, as the interface promises: the caller has not got its call yet.
      queueMicrotask(() => exchange.fail(error))
    }
    return exchange
  }

  async close(): Promise<void> {
    if (this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        this.#nobodyWaits = resolve
      })
    }
    if (!this.#isDestroyed) await this.#pool?.close()
  }

  async destroy(why?: GatewayError): Promise<void> {
    this.#isDestroyed = true
    const error = why ?? new GatewayError('GW_CONNECT_FAILED', 'the connections to the upstream were closed')
    this.#waiting.failAll(error)
    await this.#pool?.destroy(error)
  }
}

/** undici reads bodies from streams; this one pulls from the source no faster than undici writes. */
function readableOf(body: BodySource): Readable {
  let started = false
  const stream = new Readable({
    read() {
      if (started) {
        body.resume()
        return
      }
      started = true
      body.start({
        // The stream keeps what it is given, and the source's memory is written over.
        data: (chunk) => stream.push(Buffer.from(chunk)),
        end() {
          stream.push(null)
        },
        failed(error) {
          stream.destroy(error)
        },
      })
    },
  })
  return stream
}

/** Octets as latin1: name, value, name, value… It is a list for HTTP/1.1, always. */
const fieldsOf = (raw: Dispatcher.DispatchController['rawHeaders']): string[] =>
  Array.isArray(raw) ? raw.map((item) => item.toString('latin1')) : []

class UndiciExchange implements Dispatcher.DispatchHandler, UpstreamCall {
  readonly #sink: ResponseSink
  #controller: Dispatcher.DispatchController | null = null
  #isAborted = false
  #hasEnded = false
  #hasNoBody = false
  #endsWithConnection = false
  #interim = 0
  /** Whether a connection of the pool is being reset at this very moment. */
  readonly #isBreaking: () => boolean
  /** Its connection is free, or gone. */
  readonly #ended: () => void

  constructor(sink: ResponseSink, isBreaking: () => boolean, ended: () => void) {
    this.#sink = sink
    this.#isBreaking = isBreaking
    this.#ended = ended
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isAborted) controller.abort(new GatewayError('GW_CLIENT_GONE', 'aborted'))
    else this.#sink.sent()
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: unknown,
    socket: Duplex,
  ): void {
    this.#hasEnded = true
    socket.once('close', this.#ended)
    // undici has let go of the socket: from here on its events are the tunnel's.
    let events: TransportEvents | null = null
    const transport = new Transport(socket, {
      data: (size, buffer) => events?.data(size, buffer),
      ended: () => events?.ended(),
      drained: () => events?.drained(),
      writeFailed: (error) => events?.writeFailed(error),
      closed: (error) => events?.closed(error),
    })
    this.#sink.switched(sectionOf(fieldsOf(controller.rawHeaders)), {
      transport,
      early: Buffer.alloc(0),
      farewell: null,
      handOver(to) {
        events = to
        socket.on('data', (chunk: Buffer) => transport.received(chunk.length, chunk))
      },
    })
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason = '',
  ): void {
    if (status < 100) {
      controller.abort(new GatewayError('GW_BAD_ANSWER', `a status of ${status}`))
      return
    }
    const fields = sectionOf(fieldsOf(controller.rawHeaders))
    if (status < 200) {
      // undici begins to wait anew with each of them.
      if (++this.#interim > maxInterim) {
        controller.abort(new GatewayError('GW_BAD_ANSWER', `more than ${maxInterim} interim answers`))
        return
      }
      this.#sink.informed(status, fields)
      return
    }
    this.#hasNoBody = status === 204 || status === 304
    const stated = lengthOf(fields.first('content-length'))
    this.#endsWithConnection = stated === -1 && !fields.has(fieldId.transferEncoding)
    // A reason is what a status line can hold; what cannot be written anew is left out.
    const isPlain = /^[\t\x20-\x7e\x80-\xff]*$/.test(reason)
    this.#sink.head(status, isPlain ? reason : '', fields, stated === -1 ? null : stated)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#sink.data(chunk)) controller.pause()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#endsWithConnection && this.#isBreaking()) {
      this.fail(new GatewayError('GW_BAD_ANSWER', 'the connection was reset in the middle of the answer'))
      return
    }
    this.#hasEnded = true
    this.#ended()
    const trailers = fieldsOf(controller.rawTrailers)
    this.#sink.end(trailers.length === 0 ? null : sectionOf(trailers))
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.fail(error)
  }

  fail(error: unknown): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#ended()
    // The Content-Length of a 304 is that of the answer to a GET (RFC 9110 section 8.6); undici waits for that body.
    if (this.#hasNoBody && (error as NodeJS.ErrnoException).code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
      this.#sink.end(null)
      return
    }
    this.#sink.failed(nameFailure(error))
  }

  resume(): void {
    this.#controller?.resume()
  }

  abort(): void {
    if (this.#isAborted || this.#hasEnded) return
    this.#isAborted = true
    this.#controller?.abort(new GatewayError('GW_CLIENT_GONE', 'the client went away'))
  }
}
