import { Agent, createServer, type IncomingMessage, METHODS, request, type Server } from 'node:http'
import { Duplex } from 'node:stream'
import { BodyReader } from '../../src/http1/body-reader.ts'
import { RequestHead } from '../../src/http1/request-head.ts'
import { ResponseHead } from '../../src/http1/response-head.ts'

/** A message as a reader understood it. */
export interface ReadMessage {
  /** Method and target, or the status. */
  readonly start: string
  readonly fields: readonly string[]
  readonly body: string
}

const limits = { maxHeadSize: 65_536, maxFields: 1_000, maxTargetSize: 65_536 }
const fieldsOf = (head: RequestHead | ResponseHead): string[] => [...head.list()]

const known = new Set(METHODS)

/**
 * The requests that we read from these octets, and where the last of them ends, before we wait for more, refuse, or would close. Methods that llhttp does
 * not know are passed on here (RFC 9110 section 9.1) and refused there: they end the comparison.
 */
export function readRequests(octets: Buffer): { messages: ReadMessage[]; end: number } {
  const messages: ReadMessage[] = []
  const head = new RequestHead()
  const reader = new BodyReader()
  let end = 0
  for (let at = 0; at < octets.length; ) {
    const behind = head.parse(octets, at, octets.length, limits)
    if (behind <= 0) break
    const parts: Buffer[] = []
    reader.start(head.bodyLength)
    at = reader.done
      ? behind
      : reader.read(octets, behind, octets.length, { data: (part) => void parts.push(part) })
    if (!reader.done || reader.fault !== '') break
    if (!known.has(head.method)) break
    messages.push({
      start: `${head.method} ${head.target}`,
      fields: fieldsOf(head),
      body: Buffer.concat(parts).toString('latin1'),
    })
    end = at
    // llhttp leaves what follows a request for another protocol to whoever speaks that.
    if (!head.keepAlive || head.first('upgrade') !== '') break
  }
  return { messages, end }
}

/** The answer that we read from these octets and where it ends, the connection's end behind them; null: none. */
export function readResponse(octets: Buffer, method: string): { message: ReadMessage; end: number } | null {
  const head = new ResponseHead()
  const reader = new BodyReader()
  for (let at = 0; ; ) {
    const behind = head.parse(octets, at, octets.length, limits, method === 'HEAD')
    if (behind <= 0) return null
    at = behind
    if (head.status === 101) return null
    if (head.status < 200) continue
    const parts: Buffer[] = []
    reader.start(head.bodyLength)
    const end = reader.done
      ? at
      : reader.read(octets, at, octets.length, { data: (part) => void parts.push(part) })
    if (reader.fault !== '' || !reader.closed()) return null
    const body = Buffer.concat(parts).toString('latin1')
    return { message: { start: String(head.status), fields: fieldsOf(head), body }, end }
  }
}

/** A connection of which the other end is this very program. */
class Wire extends Duplex {
  written = ''

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString('latin1')
    done()
  }

  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Reads with llhttp, by way of Node's own server and client. */
export class Llhttp {
  readonly #server: Server
  #seen: { message: IncomingMessage; body: string; complete: boolean }[] = []

  constructor() {
    this.#server = createServer(
      { insecureHTTPParser: false, maxHeaderSize: 131_072, requireHostHeader: false, keepAliveTimeout: 0 },
      (message, response) => {
        const seen = { message, body: '', complete: false }
        this.#seen.push(seen)
        message.setEncoding('latin1')
        message.on('data', (text: string) => {
          seen.body += text
        })
        message.on('end', () => {
          seen.complete = message.complete
        })
        message.on('error', () => {})
        response.on('error', () => {})
        response.end()
      },
    )
    this.#server.maxHeadersCount = 0
    this.#server.on('clientError', (_error, socket) => socket.destroy())
    this.#server.on('checkContinue', (message, response) => this.#server.emit('request', message, response))
    this.#server.on('checkExpectation', (message, response) =>
      this.#server.emit('request', message, response),
    )
  }

  /** At least as many requests as `expected` says, where there are so many. */
  async requests(octets: Buffer, expected: number): Promise<ReadMessage[]> {
    this.#seen = []
    const wire = new Wire()
    wire.on('error', () => {})
    this.#server.emit('connection', wire)
    wire.push(octets)
    for (let turns = 0; turns < 50; turns++) {
      await turn()
      if (this.#seen.filter(({ complete }) => complete).length >= expected) break
    }
    wire.destroy()
    return this.#seen
      .filter(({ complete }) => complete)
      .map(({ message, body }) => ({
        start: `${message.method} ${message.url}`,
        fields: message.rawHeaders,
        body,
      }))
  }

  async response(octets: Buffer, method: string): Promise<ReadMessage | null> {
    const wire = new Wire()
    wire.on('error', () => {})
    const asked = request({
      method,
      agent: Object.assign(new Agent(), { createConnection: () => wire }),
      insecureHTTPParser: false,
      maxHeaderSize: 131_072,
    })
    asked.maxHeadersCount = 0
    asked.on('error', () => {})
    let read: ReadMessage | null = null
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    asked.on('response', (message) => {
      let body = ''
      message.setEncoding('latin1')
      message.on('data', (text: string) => {
        body += text
      })
      message.on('error', over)
      message.on('end', () => {
        if (message.complete) read = { start: String(message.statusCode), fields: message.rawHeaders, body }
        over()
      })
    })
    asked.on('error', over)
    asked.on('upgrade', over)
    asked.end()
    for (let turns = 0; wire.written === '' && turns < 20; turns++) await turn()
    wire.push(octets)
    wire.push(null)
    for (let turns = 0; !isOver && turns < 50; turns++) await turn()
    asked.destroy()
    wire.destroy()
    return read
  }
}
