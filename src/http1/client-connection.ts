import { type ErrorCode, GatewayError } from '../base/errors.ts'
import { type TimerWheel, WheelTimer } from '../base/timer-wheel.ts'
import { BodyReader } from './body-reader.ts'
import { giveBuffer, smallChunk, takeBuffer } from './buffers.ts'
import { fieldId } from './field-names.ts'
import type { HeadLimits } from './limits.ts'
import type { BodySink, BodySource, TunnelEnd } from './messages.ts'
import { reasonPhrase } from './reason-phrase.ts'
import { chunked, RequestHead } from './request-head.ts'
import type { Transport, TransportEvents } from './transport.ts'
import { Tunnel } from './tunnel.ts'

/** All durations in milliseconds; 0: no limit. */
export interface ClientConnectionOptions extends HeadLimits {
  /** Between two requests, and before the first. */
  readonly idleTimeout: number
  /** From the first octet of a head to its end. */
  readonly headTimeout: number
  /** From the head of a request to the end of its body. */
  readonly readTimeout: number
  /** From the head of a request to the end of its answer. */
  readonly writeTimeout: number
  /** Between two octets of a request's body, while somebody waits for them. */
  readonly bodyStallTimeout: number
  /** Octets of a request's body; 0: no limit. */
  readonly maxBodySize: number
}

/** What becomes of a connection's requests. */
export interface RequestReceiver {
  /** The head of a request is complete: it stands in `connection.head`, its body in `connection.body`. */
  request(connection: ClientConnection): void
  /** The client takes more of the answer. */
  drained(): void
  /** The connection is gone, or an answer to it can no longer be finished. */
  gone(error: GatewayError): void
  /**
   * A request is refused, before it was one or while its body comes. Returns what it is answered with.
   *
   * @param accept value of its Accept, where its head was read; else empty
   */
  refused(error: GatewayError, accept: string): Refusal
  /** The exchange ended and the connection waits for another, or the connection ended. */
  idle(): void
  closed(): void
}

/** What is said to somebody whose request is refused. */
export interface Refusal {
  /** Field lines without framing, each ending in CRLF. */
  readonly lines: string
  readonly body: Buffer
}

const phase = { idle: 0, head: 1, exchange: 2, linger: 3, tunnel: 4, closed: 5 } as const

/** What the answer's body is framed by. */
const framing = { none: 0, length: 1, chunked: 2, close: 3 } as const

const crlf = '\r\n'
/** How long a client is listened to after an answer that ended its connection, before a reset may cut that answer. */
const lingerMs = 2_000
/** What a client that has sent its end may take to show that it still reads. */
const halfClosedMs = 1_000
/** How often the client of a tunnel is asked by TCP whether it is still there, as all of fabio's are (reference 7.3). */
const tunnelProbeMs = 180_000
/** What the client of a tunnel may take to read the last words of an upstream that has closed. */
const tunnelLingerMs = 30_000
/** Octets of pipelined requests that are kept while the one before is answered. */
const maxAhead = 64 * 1024

/**
 * A client's connection: reads one request after the other, and writes their answers in this order. A request is only
 * looked at when the answer to the one before is complete.
 */
export class ClientConnection implements TransportEvents {
  readonly head = new RequestHead()
  /** Of the present request; null: it has none. */
  body: RequestBody | null = null
  readonly secure: boolean
  remoteAddress = ''
  /** Kept from one request to the next, for the receiver. */
  memo: unknown = null
  remotePort = 0
  readonly #options: ClientConnectionOptions
  readonly #receiver: RequestReceiver
  readonly #wheel: TimerWheel
  readonly #shared: Buffer
  #transport!: Transport
  #phase: number = phase.idle
  readonly #timer = new WheelTimer(() => this.#expired())
  /** Of the whole exchange; made when there is a limit. */
  #exchangeTimer: WheelTimer | null = null
  /** Octets that were read and not yet looked at: a head that is not complete, or what follows the present request. */
  #kept: Buffer | null = null
  #keptSize = 0
  #isTaking = false
  #isDraining = false
  #keepAlive = true
  #requestDone = true
  #isHalfClosed = false
  #movedSinceHalfClosed = false
  #answerStarted = false
  #answerDone = true
  #framing: number = framing.none
  /** Octets of the answer still to come, with a length. */
  #due = 0
  /** Where the next octets are read into, when that is to change. */
  #nextBuffer: Buffer | null = null
  #ownBuffer: Buffer | null = null
  #tunnel: Tunnel | null = null

  /** @param shared the buffer that all client connections read heads into */
  constructor(
    options: ClientConnectionOptions,
    receiver: RequestReceiver,
    wheel: TimerWheel,
    shared: Buffer,
    secure: boolean,
  ) {
    this.#options = options
    this.#receiver = receiver
    this.#wheel = wheel
    this.#shared = shared
    this.secure = secure
  }

  open(transport: Transport, remoteAddress: string, remotePort: number): void {
    this.#transport = transport
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.#armIdle()
  }

  get httpVersion(): string {
    return this.head.minor === 1 ? '1.1' : '1.0'
  }

  get isIdle(): boolean {
    return this.#phase === phase.idle
  }

  /**
   * How long it has been waiting for a request; 0: it is not, or nobody counts.
   *
   * @param now monotonic milliseconds
   */
  idleMs(now: number): number {
    const { idleTimeout } = this.#options
    if (this.#phase !== phase.idle || idleTimeout === 0) return 0
    return Math.max(0, now - (this.#timer.deadline - idleTimeout))
  }

  get isClosed(): boolean {
    return this.#phase === phase.closed
  }

  get isAnswering(): boolean {
    return this.#phase === phase.exchange || this.#phase === phase.tunnel
  }

  /** The buffer for the next read where it is another one: what `onread` asks for after each. */
  nextBuffer(): Buffer | null {
    const next = this.#nextBuffer
    this.#nextBuffer = null
    return next
  }

  /** Answers to come end the connection; one that is idle ends now. A request that has begun to come is served. */
  drain(closeIdle: boolean): void {
    this.#isDraining = true
    if (closeIdle && this.#phase === phase.idle) this.#linger()
  }

  destroy(): void {
    this.#transport.destroy()
  }

  /** Tells both sides of a tunnel that it ends. */
  farewell(): void {
    if (this.#phase === phase.tunnel) this.#tunnel!.farewell()
  }

  // Reading.

  /** HOT: once for each read. */
  data(size: number, buffer: Buffer): void {
    switch (this.#phase) {
      case phase.idle:
      case phase.head:
        if (this.#kept === null) this.#take(buffer, 0, size)
        else this.#readOn(buffer, size)
        break
      case phase.exchange:
        if (this.#requestDone) this.#keep(buffer, 0, size)
        else this.body!.received(buffer, 0, size, buffer !== this.#shared)
        break
      case phase.tunnel:
        this.#tunnel!.fromClient(size, buffer)
        break
      default:
      // Somebody who was told that nothing more is read.
    }
  }

  /** Requests as they stand in these octets, until one is under way. */
  #take(octets: Buffer, from: number, end: number): void {
    let at = from
    this.#isTaking = true
    while (at < end && this.#phase < phase.exchange) {
      const behind = this.head.parse(octets, at, end, this.#options)
      if (behind < 0) {
        this.#isTaking = false
        this.#refuse(-behind)
        return
      }
      if (behind === 0) {
        this.#keepHead(octets, at, end)
        at = end
        break
      }
      at = this.#begin(octets, behind, end)
    }
    this.#isTaking = false
    if (at < end && this.#phase <= phase.exchange) this.#keep(octets, at, end)
    else if (this.#phase === phase.idle && this.#kept !== null) {
      this.#takeKept()
      return
    }
    if (this.#isHalfClosed) this.#inputEnded()
    else if (this.#phase === phase.idle) this.#armIdle()
  }

  /** Part of a head: the clock runs. */
  #keepHead(octets: Buffer, from: number, end: number): void {
    if (end - from > this.#options.maxHeadSize) {
      this.head.fault = 'the head is too large'
      this.#refuse(this.#isInTarget(octets.subarray(from, end)) ? 414 : 431)
      return
    }
    this.#keep(octets, from, end)
    if (this.#phase === phase.idle) {
      this.#phase = phase.head
      if (this.#options.headTimeout > 0) this.#wheel.arm(this.#timer, this.#options.headTimeout)
      else this.#wheel.cancel(this.#timer)
    }
  }

  #isInTarget(octets: Buffer): boolean {
    return octets.indexOf(0x0a) === -1
  }

  /** More of a head that is not complete: parsed again only when its end is there, whatever the size of the pieces. */
  #readOn(buffer: Buffer, size: number): void {
    const from = Math.max(0, this.#keptSize - 3)
    this.#keep(buffer, 0, size)
    const octets = this.#kept!
    const end = this.#keptSize
    const isTooLarge = end > this.#options.maxHeadSize
    if (!isTooLarge && octets.subarray(from, end).indexOf('\r\n\r\n', 0, 'latin1') === -1) {
      if (hasStrayOctet(octets, from, end)) {
        this.head.fault = 'a control octet'
        this.#refuse(400)
      }
      return
    }
    this.#kept = null
    this.#keptSize = 0
    this.#take(octets, 0, end)
  }

  #keep(octets: Buffer, from: number, end: number): void {
    const size = end - from
    const { length = 0 } = this.#kept ?? {}
    if (this.#keptSize + size > length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, 2 * (this.#keptSize + size)))
      this.#kept?.copy(larger, 0, 0, this.#keptSize)
      this.#kept = larger
    }
    octets.copy(this.#kept!, this.#keptSize, from, end)
    this.#keptSize += size
    if (this.#phase === phase.exchange && this.#keptSize > maxAhead) this.#transport.pause()
  }

  /** A head is complete. Returns the offset behind what of its body was taken. */
  #begin(octets: Buffer, from: number, end: number): number {
    const { head } = this
    const options = this.#options
    this.#phase = phase.exchange
    this.#keepAlive = head.keepAlive
    this.#answerStarted = false
    this.#answerDone = false
    this.#wheel.cancel(this.#timer)
    if (options.writeTimeout > 0 || options.readTimeout > 0) this.#armExchange()
    let at = from
    if (
      head.has(fieldId.expect) &&
      (head.minor === 0 || head.known(fieldId.expect).toLowerCase() !== '100-continue')
    ) {
      // HTTP/1.0 knows no Expect (RFC 9110 section 10.1.1): there it says nothing.
      if (head.minor === 1) {
        head.fault = 'an Expect other than 100-continue'
        this.#refuse(417)
        return end
      }
    }
    if (head.bodyLength === 0) {
      this.body = null
      this.#requestDone = true
      this.#receiver.request(this)
      return at
    }
    const { maxBodySize } = options
    if (maxBodySize > 0 && head.bodyLength > maxBodySize) {
      head.fault = `a body of more than ${maxBodySize} octets`
      this.#refuse(413)
      return end
    }
    this.#requestDone = false
    const body = new RequestBody(this, head.bodyLength, maxBodySize)
    this.body = body
    body.present(octets, at, end, octets !== this.#shared)
    this.#receiver.request(this)
    at = body.leave()
    return at
  }

  // What the present request's body needs of its connection.

  /** @internal */
  bodyStarts(hasOctets: boolean): void {
    if (!hasOctets && this.head.has(fieldId.expect) && this.head.minor === 1) {
      this.#transport.text('HTTP/1.1 100 Continue\r\n\r\n')
    }
    this.#armStall()
    if (this.#ownBuffer === null) {
      this.#ownBuffer = takeBuffer()
      this.#nextBuffer = this.#ownBuffer
    }
  }

  #armStall(): void {
    if (this.#options.bodyStallTimeout > 0) this.#wheel.arm(this.#timer, this.#options.bodyStallTimeout)
  }

  /** @internal */
  bodyMoved(isFree: boolean): void {
    if (isFree) this.#armStall()
    else {
      this.#transport.pause()
      this.#wheel.cancel(this.#timer)
    }
  }

  /** @internal */
  bodyResumes(): void {
    if (!this.#requestDone) this.#armStall()
    this.#transport.resume()
  }

  /** @internal The body is complete. `isKept`: somebody still holds memory of the buffer that it was read into. */
  bodyEnded(isKept: boolean): void {
    this.#requestDone = true
    this.#wheel.cancel(this.#timer)
    if (this.#isHalfClosed) this.#inputEnded()
    this.#leaveBuffer(isKept)
    this.#transport.resume()
    if (this.#answerDone) this.#exchangeOver()
  }

  /** @internal Octets behind the body. */
  bodySurplus(octets: Buffer, from: number, end: number): void {
    if (this.#phase === phase.exchange) this.#keep(octets, from, end)
  }

  /** @internal The body is malformed or too large. */
  bodyFailed(error: GatewayError): void {
    if (this.#phase !== phase.exchange) return
    this.#keepAlive = false
    this.#wheel.cancel(this.#timer)
    if (this.body?.wasStarted !== true || this.#answerStarted) {
      if (this.#answerStarted) this.#transport.reset()
      else this.#refuseExchange(error)
    }
  }

  #leaveBuffer(isKept: boolean): void {
    if (this.#ownBuffer === null) return
    this.#nextBuffer = this.#shared
    if (!isKept) giveBuffer(this.#ownBuffer)
    this.#ownBuffer = null
  }

  #refuseExchange(error: GatewayError): void {
    this.#receiver.gone(error)
    this.#refuseWith(error)
  }

  // Answering.

  /** An informational answer, where the client's version knows them (RFC 9110 section 15.2). */
  inform(status: number, lines: string): void {
    if (this.head.minor === 0 || this.#answerStarted || this.#phase !== phase.exchange) return
    this.#transport.text(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${lines}\r\n`)
  }

  /**
   * HOT: once for each request. Starts the answer.
   *
   * @param lines field lines, each ending in CRLF, without framing and hop-by-hop fields
   * @param length octets of the body; null: not known. With a status or a method that has no body: what
   *   Content-Length is to say, null: nothing
   */
  answer(status: number, reason: string, lines: string, length: number | null): void {
    if (this.#phase !== phase.exchange || this.#answerStarted) return
    this.#answerStarted = true
    const { head } = this
    let text = `HTTP/1.1 ${status} ${reason === '' ? reasonPhrase(status) : reason}\r\n${lines}`
    if (head.method === 'HEAD' || status === 304 || status === 204) {
      this.#framing = framing.none
      if (length !== null && status !== 204) text += `Content-Length: ${length}\r\n`
    } else if (length !== null) {
      this.#framing = framing.length
      this.#due = length
      text += `Content-Length: ${length}\r\n`
    } else if (head.minor === 1) {
      this.#framing = framing.chunked
      text += 'Transfer-Encoding: chunked\r\n'
    } else {
      this.#framing = framing.close
      this.#keepAlive = false
    }
    // A body that nobody has read to its end cannot be told from the next request.
    if (!this.#requestDone || this.#isDraining) this.#keepAlive = false
    if (!this.#keepAlive) text += 'Connection: close\r\n\r\n'
    else text += head.minor === 0 ? 'Connection: keep-alive\r\n\r\n' : crlf
    this.#transport.text(text)
  }

  /** False: the chunk is kept, its memory has to stay as it is until `drained`. */
  write(chunk: Buffer): boolean {
    if (this.#phase !== phase.exchange || chunk.length === 0) return true
    this.#movedSinceHalfClosed = true
    switch (this.#framing) {
      case framing.none:
        return true
      case framing.length:
        this.#due -= chunk.length
        // More than was said would be read as another answer.
        if (this.#due < 0) {
          this.#transport.reset()
          return true
        }
        return this.#transport.bytes(chunk)
      case framing.chunked: {
        this.#transport.text(`${chunk.length.toString(16)}\r\n`)
        const isFree = this.#transport.bytes(chunk)
        this.#transport.text(crlf)
        return isFree
      }
      default:
        return this.#transport.bytes(chunk)
    }
  }

  /** Ends the answer. @param trailers field lines, each ending in CRLF */
  end(trailers: string): void {
    if (this.#phase !== phase.exchange || this.#answerDone) return
    if (this.#framing === framing.chunked) this.#transport.text(`0\r\n${trailers}\r\n`)
    else if (this.#framing === framing.length && this.#due > 0) {
      // Less than was said must not look complete.
      this.#transport.reset()
      return
    }
    this.#answerDone = true
    if (this.#requestDone || !this.#keepAlive) this.#exchangeOver()
  }

  /** Cuts the connection: what was sent cannot be taken for a whole answer. */
  abort(): void {
    this.#transport.reset()
  }

  #exchangeOver(): void {
    if (this.#exchangeTimer !== null) this.#wheel.cancel(this.#exchangeTimer)
    const { body } = this
    this.body = null
    const isLast = this.#isHalfClosed && this.#kept === null && !this.#isTaking
    if (!this.#keepAlive || isLast) {
      body?.detach()
      this.#leave()
      this.#receiver.idle()
      return
    }
    this.#phase = phase.idle
    this.#receiver.idle()
    // The receiver may have ended it meanwhile.
    if (!this.#isTaking && this.#phase === phase.idle) this.#takeKept()
  }

  /** What came behind the request that was answered. */
  #takeKept(): void {
    const kept = this.#kept
    if (kept === null) {
      this.#armIdle()
      return
    }
    const size = this.#keptSize
    this.#kept = null
    this.#keptSize = 0
    this.#transport.resume()
    this.#take(kept, 0, size)
  }

  /** The connection has served. */
  #leave(): void {
    const isExpected = !this.head.keepAlive && this.#requestDone && this.#kept === null && !this.#isHalfClosed
    if (isExpected) {
      // The client said that nothing follows, so nothing can be cut off.
      this.#transport.flush()
      if (this.#transport.isFlushed) {
        this.#phase = phase.linger
        this.#leaveBuffer(true)
        this.#transport.destroy()
        return
      }
    }
    this.#linger()
  }

  /**
   * Ends our side and reads on for a while: to close with octets unread resets the connection, and a reset can take
   * the answer from the client before it was read (RFC 9112 section 9.6).
   */
  #linger(): void {
    this.#phase = phase.linger
    this.#kept = null
    this.#leaveBuffer(true)
    this.#transport.end()
    this.#transport.resume()
    this.#wheel.arm(this.#timer, lingerMs)
  }

  /** Refuses what came in place of a request. */
  reject(error: GatewayError): void {
    this.#refuseWith(error)
  }

  /** Answers what is no request, or none that is served, and ends the connection. */
  #refuse(status: number): void {
    this.#refuseWith(new GatewayError(refusalCode(status), this.head.fault))
  }

  #refuseWith(error: GatewayError): void {
    const wasRead = this.#phase === phase.exchange
    const { lines, body } = this.#receiver.refused(error, wasRead ? this.head.first('accept') : '')
    this.#phase = phase.exchange
    this.#keepAlive = false
    this.#requestDone = true
    this.#transport.text(
      `HTTP/1.1 ${error.status} ${reasonPhrase(error.status)}\r\n${lines}` +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
    )
    if (!wasRead || this.head.method !== 'HEAD') this.#transport.bytes(body)
    this.#answerStarted = true
    this.#answerDone = true
    this.#exchangeOver()
  }

  /** The upstream has agreed to speak another protocol: both connections become one pipe. */
  switchTo(lines: string, upgrade: string, end: TunnelEnd): void {
    this.#phase = phase.tunnel
    this.#wheel.cancel(this.#timer)
    if (this.#exchangeTimer !== null) this.#wheel.cancel(this.#exchangeTimer)
    this.#transport.text(
      `HTTP/1.1 101 Switching Protocols\r\n${lines}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`,
    )
    // What comes is passed on at once: a tunnel that is silent needs no memory of its own.
    this.#leaveBuffer(true)
    this.#transport.keepAlive(tunnelProbeMs)
    const early = this.#kept === null ? null : this.#kept.subarray(0, this.#keptSize)
    this.#kept = null
    this.#tunnel = new Tunnel(this.#transport, end, upgrade, early, () =>
      this.#wheel.arm(this.#timer, tunnelLingerMs),
    )
    if (this.#isHalfClosed) this.#tunnel.clientEnded()
    this.#transport.resume()
  }

  // Ends.

  ended(): void {
    switch (this.#phase) {
      case phase.exchange:
        this.#isHalfClosed = true
        // What it sent before its end is still answered.
        if (this.#requestDone && this.#kept === null) this.#keepAlive = false
        this.#inputEnded()
        break
      case phase.tunnel:
        this.#isHalfClosed = true
        this.#tunnel!.clientEnded()
        break
      default:
        this.#transport.destroy()
    }
  }

  /** Nothing comes any more, and all that came was looked at. */
  #inputEnded(): void {
    if (this.#phase !== phase.exchange) {
      if (this.#phase < phase.exchange) this.#transport.destroy()
    } else if (this.#requestDone) {
      // It may only have said that it sends no more, and still wait for the answer. Or it has gone: that looks the
      // same. As long as something moves it is believed.
      this.#movedSinceHalfClosed = false
      this.#wheel.arm(this.#timer, halfClosedMs)
    } else this.body?.inputEnded()
  }

  /** @internal The client's octets end before the body does. */
  bodyCutShort(): void {
    const error = new GatewayError('GW_CLIENT_GONE', 'the client cut its request short')
    this.body?.fail(error)
    this.#receiver.gone(error)
    this.#transport.destroy()
  }

  drained(): void {
    this.#movedSinceHalfClosed = true
    if (this.#phase === phase.tunnel) this.#tunnel!.clientDrained()
    else this.#receiver.drained()
  }

  writeFailed(error: Error): void {
    if (this.#phase === phase.tunnel) this.#tunnel!.clientWriteFailed()
    this.#transport.destroy(error)
  }

  closed(error: Error | null): void {
    const wasUnderWay = this.isAnswering
    if (this.#phase === phase.tunnel) this.#tunnel!.clientClosed(error === null && this.#isHalfClosed)
    this.#phase = phase.closed
    this.#wheel.cancel(this.#timer)
    if (this.#exchangeTimer !== null) this.#wheel.cancel(this.#exchangeTimer)
    if (wasUnderWay) {
      const gone = new GatewayError(
        'GW_CLIENT_GONE',
        `the client closed its connection${error === null ? '' : `: ${error.message}`}`,
      )
      this.body?.fail(gone)
      this.#receiver.gone(gone)
    }
    this.#receiver.closed()
  }

  // Time.

  #armIdle(): void {
    if (this.#options.idleTimeout > 0) this.#wheel.arm(this.#timer, this.#options.idleTimeout)
  }

  #armExchange(): void {
    const { writeTimeout, readTimeout } = this.#options
    this.#exchangeTimer ??= new WheelTimer(() => this.#exchangeExpired())
    const isReading = readTimeout > 0 && this.head.bodyLength !== 0
    const ms = isReading && (writeTimeout === 0 || readTimeout < writeTimeout) ? readTimeout : writeTimeout
    if (ms > 0) this.#wheel.arm(this.#exchangeTimer, ms)
  }

  #exchangeExpired(): void {
    const { writeTimeout, readTimeout } = this.#options
    const wasReading =
      readTimeout > 0 && this.head.bodyLength !== 0 && (writeTimeout === 0 || readTimeout < writeTimeout)
    if (wasReading && this.#requestDone) {
      if (writeTimeout > 0) this.#wheel.arm(this.#exchangeTimer!, writeTimeout - readTimeout)
      return
    }
    const error = wasReading
      ? new GatewayError('GW_CLIENT_TIMEOUT', `the request took more than ${readTimeout} ms to arrive`)
      : new GatewayError('GW_ANSWER_TIMEOUT', `the answer took more than ${writeTimeout} ms`)
    this.#giveUp(error)
  }

  #giveUp(error: GatewayError): void {
    this.body?.fail(error)
    if (this.#phase !== phase.exchange) return
    if (this.#answerStarted) {
      this.#receiver.gone(error)
      this.#transport.reset()
    } else this.#refuseExchange(error)
  }

  #expired(): void {
    switch (this.#phase) {
      case phase.head:
        this.head.fault = `the head of the request was not complete after ${this.#options.headTimeout} ms`
        this.#refuse(408)
        break
      case phase.exchange:
        if (this.#isHalfClosed) {
          if (!this.#movedSinceHalfClosed) {
            this.#transport.destroy()
            return
          }
          this.#movedSinceHalfClosed = false
          this.#wheel.arm(this.#timer, halfClosedMs)
        } else if (!this.#requestDone) {
          const ms = this.#options.bodyStallTimeout
          this.#giveUp(
            new GatewayError('GW_CLIENT_TIMEOUT', `nothing of the request's body came for ${ms} ms`),
          )
        }
        break
      default:
        this.#transport.destroy()
    }
  }
}

/** By the status that the parser of heads gives. */
const refusalCodes: Readonly<Record<number, ErrorCode>> = {
  405: 'GW_METHOD',
  408: 'GW_CLIENT_TIMEOUT',
  413: 'GW_BODY_TOO_LARGE',
  414: 'GW_TARGET_TOO_LONG',
  417: 'GW_EXPECTATION',
  431: 'GW_HEAD_TOO_LARGE',
  501: 'GW_TRANSFER_CODING',
  505: 'GW_VERSION',
}

const refusalCode = (status: number): ErrorCode => refusalCodes[status] ?? 'GW_BAD_REQUEST'

/** An octet that no head has, or half a line end: the rest need not be waited for. */
function hasStrayOctet(octets: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at++) {
    const octet = octets[at]!
    if (octet >= 0x20 ? octet === 0x7f : octet !== 0x09 && octet !== 0x0d && octet !== 0x0a) return true
    if (octet === 0x0a && at > 0 && octets[at - 1] !== 0x0d) return true
    if (octet === 0x0d && at + 1 < end && octets[at + 1] !== 0x0a) return true
  }
  return false
}

/** The body of a request on its way from its connection to whoever takes it. */
export class RequestBody implements BodySource {
  /** Octets, from Content-Length; null: unknown. */
  readonly length: number | null
  /** Some of it may be gone: it cannot be sent a second time. */
  wasStarted = false
  readonly #connection: ClientConnection
  readonly #reader = new BodyReader()
  #maxSize: number
  #size = 0
  #sink: BodySink | null = null
  #isPaused = false
  #isOver = false
  /** Octets that came with the head, or before the body was asked for. */
  #octets: Buffer | null = null
  #from = 0
  #end = 0
  #isOwn = false
  #hasInputEnded = false

  constructor(connection: ClientConnection, length: number, maxSize: number) {
    this.#connection = connection
    this.length = length === chunked ? null : length
    this.#maxSize = maxSize
    this.#reader.start(length)
  }

  /** Octets that are only there for the moment. */
  present(octets: Buffer, from: number, end: number, isOwn: boolean): void {
    this.#from = from
    this.#end = end
    this.#isOwn = isOwn
    if (from < end) this.#octets = octets
  }

  /** The moment is over: keeps what nobody has taken. Returns the offset behind what belongs to the body or waits. */
  leave(): number {
    const octets = this.#octets
    if (octets === null) return this.#from
    if (!this.#isOwn) {
      this.#octets = Buffer.from(octets.subarray(this.#from, this.#end))
      this.#isOwn = true
      const end = this.#end
      this.#end -= this.#from
      this.#from = 0
      return end
    }
    return this.#end
  }

  limit(octets: number): void {
    if (this.#maxSize === 0 || octets < this.#maxSize) this.#maxSize = octets
  }

  start(sink: BodySink): void {
    this.wasStarted = true
    this.#sink = sink
    const octets = this.#octets
    this.#connection.bodyStarts(octets !== null)
    if (octets === null) return
    this.#octets = null
    const from = this.#from
    const end = this.#end
    this.#from = end
    // Reading was held back only because nobody took what was there.
    const wasHeld = this.#isPaused
    this.#isPaused = false
    this.received(octets, from, end, this.#isOwn)
    if (wasHeld && !this.#isPaused && !this.#isOver) this.#connection.bodyResumes()
    if (this.#hasInputEnded && !this.#isOver) this.#connection.bodyCutShort()
  }

  /** Nothing comes any more: what nobody has asked for yet has to be the rest of the body. */
  inputEnded(): void {
    if (this.#octets === null) this.#connection.bodyCutShort()
    else this.#hasInputEnded = true
  }

  /** @param isOwn the memory stays as it is while reading is paused */
  received(octets: Buffer, from: number, end: number, isOwn: boolean): void {
    if (this.#sink === null) {
      if (!this.#isOver) this.#keep(octets, from, end)
      return
    }
    if (!isOwn && end - from > smallChunk) {
      const copy = Buffer.from(octets.subarray(from, end))
      this.#read(copy, 0, copy.length)
    } else this.#read(octets, from, end)
  }

  #keep(octets: Buffer, from: number, end: number): void {
    const fresh = octets.subarray(from, end)
    this.#octets =
      this.#octets === null
        ? Buffer.from(fresh)
        : Buffer.concat([this.#octets.subarray(this.#from, this.#end), fresh])
    this.#from = 0
    this.#end = this.#octets.length
    this.#isOwn = true
    if (this.#end > maxAhead) {
      this.#isPaused = true
      this.#connection.bodyMoved(false)
    }
  }

  readonly #out = {
    data: (chunk: Buffer): void => {
      this.#size += chunk.length
      if (this.#maxSize > 0 && this.#size > this.#maxSize) return
      if (this.#sink !== null && !this.#sink.data(chunk)) this.#isPaused = true
    },
  }

  #read(octets: Buffer, from: number, end: number): void {
    const reader = this.#reader
    const behind = reader.read(octets, from, end, this.#out)
    const sink = this.#sink
    if (sink === null) return
    if (reader.fault !== '') {
      this.fail(new GatewayError('GW_BAD_REQUEST', `the request's body: ${reader.fault}`))
    } else if (this.#maxSize > 0 && this.#size > this.#maxSize) {
      this.fail(new GatewayError('GW_BODY_TOO_LARGE', `a body of more than ${this.#maxSize} octets`))
    } else if (reader.done) {
      this.#isOver = true
      this.#sink = null
      if (behind < end) this.#connection.bodySurplus(octets, behind, end)
      this.#connection.bodyEnded(this.#isPaused)
      sink.end()
    } else this.#connection.bodyMoved(!this.#isPaused)
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (!this.#isOver) this.#connection.bodyResumes()
  }

  /** The body ends here, and not as it should. */
  fail(error: GatewayError): void {
    if (this.#isOver) return
    this.#isOver = true
    const sink = this.#sink
    this.#sink = null
    this.#connection.bodyFailed(error)
    sink?.failed(error)
  }

  /** Nobody wants the rest. */
  detach(): void {
    this.#isOver = true
    this.#sink = null
    this.#octets = null
  }
}
