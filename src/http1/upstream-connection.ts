import { connect, type Socket } from 'node:net'
import { asGatewayError, GatewayError } from '../base/errors.ts'
import { type TimerWheel, WheelTimer } from '../base/timer-wheel.ts'
import { BodyReader } from './body-reader.ts'
import { bufferSize, giveBuffer, takeBuffer } from './buffers.ts'
import { type HeadLimits, maxInterim } from './limits.ts'
import type { BodySink, ResponseSink, UpstreamRequest } from './messages.ts'
import { chunked, untilClose } from './request-head.ts'
import { ResponseHead } from './response-head.ts'
import { Transport, type TransportEvents } from './transport.ts'

/** All durations in milliseconds; 0: no limit. */
export interface UpstreamConnectionOptions extends HeadLimits {
  readonly dialTimeout: number
  /** From the end of the request to the head of the answer. */
  readonly headTimeout: number
  /** An upstream that takes nothing of a request's body for so long is given up. */
  readonly stallTimeout: number
  /** Between two octets of an answer, while somebody takes them. */
  readonly answerStallTimeout: number
  /** Period of TCP keep-alive probes; 0: the system's, negative: none. */
  readonly keepAlivePeriod: number
}

/** Whose connection it is. */
export interface UpstreamConnectionOwner {
  /** It can carry another exchange. */
  idle(connection: UpstreamConnection): void
  /** It is closed. */
  gone(connection: UpstreamConnection): void
}

const noOctets = Buffer.alloc(0)
/** What all tunnels read into. */
const tunnelBuffer = Buffer.allocUnsafeSlow(bufferSize)
/** How long an upstream that takes no more is still listened to. */
const brokenWriteMs = 1_000

/** A connection to an upstream: one exchange at a time (RFC 9112 section 9.3). */
export class UpstreamConnection implements TransportEvents {
  readonly #options: UpstreamConnectionOptions
  readonly #owner: UpstreamConnectionOwner
  readonly #wheel: TimerWheel
  readonly #timer = new WheelTimer(() => this.#expired())
  readonly #socket: Socket
  readonly #transport: Transport
  #buffer: Buffer
  /** What is read into. */
  #usedBuffer: Buffer | null = null
  readonly #head = new ResponseHead()
  readonly #reader = new BodyReader()
  readonly #dialTimeout: number
  /** Of the present exchange. */
  #headTimeout = 0
  #idleTimeout = 0
  #isConnected = false
  #isOver = false
  /** Which exchange it carries: another number for each. */
  exchange = 0
  /** Exchanges that it carried to their end. */
  #served = 0
  #request: UpstreamRequest | null = null
  #sink: ResponseSink | null = null
  /** Start of an answer's head that is not complete. */
  #kept: Buffer | null = null
  #isReadingBody = false
  #hasSentRequest = false
  #isUploading = false
  /** The sink keeps memory of this connection's buffer. */
  #isPaused = false
  #endsWhenResumed = false
  #isReusable = false
  #hasReceived = false
  /** Interim answers to the present request. */
  #interim = 0
  #failure: GatewayError | null = null
  /** How long it may rest; milliseconds. */
  idleHint = 0
  #writeError: Error | null = null
  #tunnel: TransportEvents | null = null

  constructor(
    address: { host: string; port: number },
    options: UpstreamConnectionOptions,
    owner: UpstreamConnectionOwner,
    wheel: TimerWheel,
    dialTimeout: number,
  ) {
    this.#options = options
    this.#dialTimeout = dialTimeout
    this.#owner = owner
    this.#wheel = wheel
    this.#buffer = takeBuffer()
    const socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      allowHalfOpen: true,
      keepAlive: options.keepAlivePeriod >= 0,
      keepAliveInitialDelay: Math.max(0, options.keepAlivePeriod),
      onread: {
        buffer: () => this.#nextBuffer() as Buffer,
        callback: (size, buffer) => {
          this.#transport.received(size, buffer as Buffer)
          return true
        },
      },
    })
    this.#socket = socket
    this.#transport = new Transport(socket, this)
    socket.once('connect', () => this.#connected())
    if (dialTimeout > 0) wheel.arm(this.#timer, dialTimeout)
  }

  /** What `onread` asks for after each read: another buffer where it is to be another one. */
  #nextBuffer(): Buffer | null {
    if (this.#usedBuffer === this.#buffer) return null
    this.#usedBuffer = this.#buffer
    return this.#buffer
  }

  /** It has carried an exchange before: the other side may have closed it at this very moment. */
  get isReused(): boolean {
    return this.#served > 0
  }

  start(request: UpstreamRequest, sink: ResponseSink): void {
    this.#request = request
    this.#sink = sink
    const { limits } = request
    this.#headTimeout = limits === null ? this.#options.headTimeout : limits.headTimeout
    this.#idleTimeout = limits === null ? this.#options.answerStallTimeout : limits.idleTimeout
    this.#hasSentRequest = false
    this.#hasReceived = false
    this.#isReusable = false
    this.#interim = 0
    this.#failure = null
    if (this.#isConnected) this.#send(request, sink)
  }

  #connected(): void {
    this.#isConnected = true
    this.#wheel.cancel(this.#timer)
    // With `onread` nothing flows by itself once the end is to be heard of.
    this.#socket.resume()
    if (this.#request !== null && this.#sink !== null) this.#send(this.#request, this.#sink)
  }

  /** HOT: once for each request. */
  #send(request: UpstreamRequest, sink: ResponseSink): void {
    sink.sent()
    const { body, upgrade } = request
    let head = `${request.method} ${request.target} HTTP/1.1\r\n${request.lines}`
    if (upgrade !== '') head += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`
    if (body === null) {
      this.#transport.text(`${head}\r\n`)
      this.#requestSent()
      return
    }
    head +=
      body.length === null ? 'Transfer-Encoding: chunked\r\n\r\n' : `Content-Length: ${body.length}\r\n\r\n`
    this.#transport.text(head)
    this.#isUploading = true
    this.#armStall()
    body.start(this.#uploadSink)
  }

  #requestSent(): void {
    this.#hasSentRequest = true
    this.#isUploading = false
    if (this.#isReadingBody) this.#armAnswer()
    else if (this.#headTimeout > 0) this.#wheel.arm(this.#timer, this.#headTimeout)
    else this.#wheel.cancel(this.#timer)
  }

  /** The answer's body is awaited. */
  #armAnswer(): void {
    if (this.#idleTimeout > 0 && !this.#isPaused) this.#wheel.arm(this.#timer, this.#idleTimeout)
    else this.#wheel.cancel(this.#timer)
  }

  #armStall(): void {
    if (this.#options.stallTimeout > 0) this.#wheel.arm(this.#timer, this.#options.stallTimeout)
  }

  readonly #uploadSink: BodySink = {
    data: (chunk) => this.#upload(chunk),
    end: () => {
      if (!this.#isUploading) return
      if (this.#request!.body!.length === null) this.#transport.text('0\r\n\r\n')
      this.#requestSent()
    },
    failed: (error) => {
      if (this.#isUploading) this.fail(error)
    },
  }

  #upload(chunk: Buffer): boolean {
    if (!this.#isUploading || chunk.length === 0) return true
    const transport = this.#transport
    const isChunked = this.#request!.body!.length === null
    if (isChunked) transport.text(`${chunk.length.toString(16)}\r\n`)
    const isFree = transport.bytes(chunk)
    if (isChunked) transport.text('\r\n')
    if (!isFree) this.#armStall()
    else this.#wheel.cancel(this.#timer)
    return isFree
  }

  drained(): void {
    if (this.#tunnel !== null) {
      this.#tunnel.drained()
      return
    }
    if (!this.#isUploading) return
    this.#wheel.cancel(this.#timer)
    this.#request?.body?.resume()
  }

  /**
   * An upstream may answer and close before it has read the whole body. The write that fails then must not cost the
   * answer that waits to be read: for a while the connection is only listened to.
   */
  writeFailed(error: Error): void {
    if (this.#tunnel !== null) {
      this.#tunnel.writeFailed(error)
      return
    }
    this.#writeError = error
    if (this.#sink === null) this.destroy()
    else this.#wheel.arm(this.#timer, brokenWriteMs)
  }

  // The answer.

  data(size: number, buffer: Buffer): void {
    const sink = this.#sink
    if (this.#tunnel !== null) {
      this.#tunnel.data(size, buffer)
      return
    }
    if (sink === null) {
      // Octets that nobody asked for must never become somebody's answer (RFC 9112 section 9.2).
      this.destroy()
      return
    }
    this.#hasReceived = true
    if (this.#isReadingBody) {
      this.#readBody(buffer, 0, size)
      return
    }
    if (this.#kept === null) this.#readHeads(buffer, 0, size)
    else {
      const whole = Buffer.concat([this.#kept, buffer.subarray(0, size)])
      this.#kept = null
      this.#readHeads(whole, 0, whole.length)
    }
  }

  #readHeads(octets: Buffer, from: number, end: number): void {
    const head = this.#head
    let at = from
    for (;;) {
      const request = this.#request!
      const behind = head.parse(octets, at, end, this.#options, request.method === 'HEAD')
      if (behind === 0) {
        this.#kept = Buffer.from(octets.subarray(at, end))
        return
      }
      if (behind < 0) {
        this.fail(new GatewayError('GW_BAD_ANSWER', `the upstream's answer is malformed: ${head.fault}`))
        return
      }
      at = behind
      if (head.status === 101) {
        this.#switch(octets.subarray(at, end))
        return
      }
      if (head.status >= 200) break
      if (++this.#interim > maxInterim) {
        this.fail(new GatewayError('GW_BAD_ANSWER', `more than ${maxInterim} interim answers`))
        return
      }
      this.#sink!.informed(head.status, head)
      if (at === end || this.#sink === null) return
    }
    const sink = this.#sink!
    if (this.#writeError !== null) this.#wheel.arm(this.#timer, brokenWriteMs)
    else if (this.#isUploading) {
      this.#wheel.cancel(this.#timer)
      this.#armStall()
    } else this.#armAnswer()
    this.#isReadingBody = true
    this.#reader.start(head.bodyLength)
    const length = head.bodyLength === chunked || head.bodyLength === untilClose ? null : head.bodyLength
    const stated =
      length === 0 ? (head.statedLength === -1 ? (this.#hasNoBody() ? null : 0) : head.statedLength) : length
    sink.head(head.status, head.reason, head, stated)
    if (this.#sink === null) return
    if (this.#reader.done) this.#ended(end - at)
    else if (at < end) this.#readBody(octets, at, end)
  }

  /** Neither its own length nor that of the answer to a GET is known. */
  #hasNoBody(): boolean {
    const { status } = this.#head
    return this.#request!.method === 'HEAD' || status === 204 || status === 304
  }

  readonly #out = {
    data: (chunk: Buffer): void => {
      if (this.#sink !== null && !this.#sink.data(chunk) && !this.#isPaused) {
        this.#isPaused = true
        this.#transport.pause()
      }
    },
  }

  #readBody(octets: Buffer, from: number, end: number): void {
    const reader = this.#reader
    const behind = reader.read(octets, from, end, this.#out)
    if (this.#sink === null) return
    if (reader.fault !== '') {
      this.fail(new GatewayError('GW_BAD_ANSWER', `the upstream's answer is malformed: ${reader.fault}`))
    } else if (reader.done) this.#ended(end - behind)
    else if (this.#idleTimeout > 0 && this.#hasSentRequest && this.#writeError === null) this.#armAnswer()
  }

  /** @param surplus octets behind the answer */
  #ended(surplus: number): void {
    this.#isReusable = this.#head.keepAlive && surplus === 0 && this.#hasSentRequest
    // The last chunk may still stand in the buffer that the next answer would be read into.
    if (this.#isPaused) this.#endsWhenResumed = true
    else this.#finish()
  }

  #finish(): void {
    const sink = this.#sink!
    const { trailers } = this.#reader
    this.#forget()
    this.#served++
    if (this.#isReusable && this.#transport.isFlushed && this.#writeError === null && !this.#isOver) {
      this.idleHint = keepAliveHint(this.#head)
      this.#owner.idle(this)
    } else this.destroy()
    sink.end(trailers)
  }

  #forget(): void {
    this.exchange++
    this.#wheel.cancel(this.#timer)
    this.#sink = null
    this.#request = null
    this.#kept = null
    this.#isReadingBody = false
    this.#isUploading = false
    this.#endsWhenResumed = false
  }

  #switch(early: Buffer): void {
    const sink = this.#sink!
    if (this.#request!.upgrade === '') {
      this.fail(new GatewayError('GW_BAD_ANSWER', 'the upstream switched protocols unasked'))
      return
    }
    const head = this.#head
    const behind = early.length === 0 ? noOctets : Buffer.from(early)
    this.#forget()
    // A tunnel passes on at once what comes, and may be silent for days.
    giveBuffer(this.#buffer)
    this.#buffer = tunnelBuffer
    sink.switched(head, {
      transport: this.#transport,
      early: behind,
      farewell: null,
      handOver: (events) => {
        this.#tunnel = events
      },
    })
  }

  /** The sink takes more. */
  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#endsWhenResumed) {
      this.#transport.resume()
      this.#finish()
      return
    }
    if (this.#idleTimeout > 0 && this.#hasSentRequest && this.#writeError === null) this.#armAnswer()
    this.#transport.resume()
  }

  ended(): void {
    if (this.#tunnel !== null) {
      this.#tunnel.ended()
      return
    }
    if (this.#sink !== null && this.#isReadingBody && this.#reader.closed()) this.#ended(0)
    else this.fail(this.#cutShort(null))
  }

  closed(error: Error | null): void {
    this.#isOver = true
    this.#wheel.cancel(this.#timer)
    // A chunk that the sink still keeps must not be written over by another connection.
    if (!this.#isPaused && this.#buffer !== tunnelBuffer) giveBuffer(this.#buffer)
    if (this.#tunnel !== null) this.#tunnel.closed(error)
    const sink = this.#sink
    if (sink !== null && this.#endsWhenResumed) {
      this.#endsWhenResumed = false
      this.#isReusable = false
      this.#finish()
    } else if (sink !== null) {
      const failure = this.#failure ?? (this.#isConnected ? this.#cutShort(error) : this.#notConnected(error))
      this.#forget()
      sink.failed(failure)
    }
    this.#owner.gone(this)
  }

  #notConnected(error: Error | null): GatewayError {
    const named = asGatewayError(error ?? new Error('the connection was closed'))
    // Whatever went wrong before there was a connection, nothing has reached the upstream.
    if (named.code.startsWith('GW_CONNECT')) return named
    return new GatewayError('GW_CONNECT_FAILED', named.message, { cause: error })
  }

  #cutShort(error: Error | null): GatewayError {
    const where = this.#isReadingBody
      ? 'in the middle of its answer'
      : this.#hasReceived
        ? 'in the middle of the head of its answer'
        : 'before it answered'
    const why = error === null ? '' : `: ${error.message}`
    if (this.#hasReceived)
      return new GatewayError('GW_BAD_ANSWER', `the upstream closed the connection ${where}${why}`)
    return new GatewayError('GW_RESET', `the upstream closed the connection ${where}${why}`, { cause: error })
  }

  /** Ends the exchange with this error, and the connection. */
  fail(error: GatewayError): void {
    this.#failure ??= error
    this.destroy()
    const sink = this.#sink
    if (sink === null) return
    this.#forget()
    sink.failed(this.#failure)
  }

  #expired(): void {
    if (this.#writeError !== null) this.fail(this.#cutShort(this.#writeError))
    else if (!this.#isConnected) {
      this.fail(new GatewayError('GW_CONNECT_TIMEOUT', `no connection within ${this.#dialTimeout} ms`))
    } else if (this.#sink === null) this.destroy()
    else if (this.#isUploading) {
      this.fail(
        new GatewayError(
          'GW_HEAD_TIMEOUT',
          `the upstream took nothing of the body for ${this.#options.stallTimeout} ms`,
        ),
      )
    } else if (this.#isReadingBody) {
      this.fail(
        new GatewayError('GW_ANSWER_TIMEOUT', `nothing of the answer came for ${this.#idleTimeout} ms`),
      )
    } else this.fail(new GatewayError('GW_HEAD_TIMEOUT', `no answer within ${this.#headTimeout} ms`))
  }

  /** Closes it after so long, unless an exchange comes. */
  rest(ms: number): void {
    this.#wheel.arm(this.#timer, ms)
  }

  wake(): void {
    this.#wheel.cancel(this.#timer)
  }

  get isUsable(): boolean {
    return !this.#isOver && this.#sink === null && !this.#socket.destroyed && this.#socket.readable
  }

  destroy(): void {
    this.#isOver = true
    this.#wheel.cancel(this.#timer)
    this.#transport.destroy()
  }
}

/** What `Keep-Alive: timeout=5` says, less the second that it takes to be wrong about it; 0: nothing. Milliseconds. */
function keepAliveHint(head: ResponseHead): number {
  const value = head.first('keep-alive')
  if (value === '') return 0
  const seconds = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(value)?.[1]
  return seconds === undefined ? 0 : Math.max(1, Number(seconds) * 1000 - 1000)
}
