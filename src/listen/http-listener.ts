import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StartError } from '../base/errors.ts'
import type { Clock } from '../base/world.ts'
import { type ClientSide, Exchange } from '../proxy/exchange.ts'
import { type Fields, valuesOf } from '../proxy/fields.ts'
import type { Handler } from '../proxy/handler.ts'
import { routePath } from '../proxy/path.ts'
import type { BodySink, BodySource } from '../upstream/client.ts'

/** Durations in milliseconds; 0: no limit. */
export interface HttpListenerOptions {
  /** Empty: all interfaces, IPv4 and IPv6. */
  readonly host: string
  readonly port: number
  /** The whole request with its body (a listener's `rt`). */
  readonly readTimeout: number
  /** From the head of the request to the end of the answer (a listener's `wt`). */
  readonly writeTimeout: number
  /** `proxy.headertimeout`: from the first octet of a head to its end. */
  readonly headTimeout: number
  /** Between two requests of a connection (a listener's `it`). */
  readonly idleTimeout: number
  /** Octets. */
  readonly maxHeaderSize: number
}

/** A port on which clients are served. */
export interface Listener {
  /** `0.0.0.0:9999`, `[::]:9999` */
  readonly address: string
  readonly port: number
  /** Takes no new connection and lets running exchanges end; after `ms` it cuts what is left. Counts the cut ones. */
  drain(ms: number): Promise<number>
}

/** Opens the port. Rejects with a StartError that names the address. */
export async function listenHttp(
  options: HttpListenerOptions,
  handler: Handler,
  clock: Clock,
): Promise<Listener> {
  const running = new Running()
  const server = createServer(
    {
      maxHeaderSize: options.maxHeaderSize,
      requestTimeout: options.readTimeout,
      headersTimeout: options.headTimeout,
      keepAliveTimeout: options.idleTimeout,
      // The limits are checked this often; Node's own default of 30 s would stretch each of them by as much.
      connectionsCheckingInterval: 1_000,
      insecureHTTPParser: false,
      requireHostHeader: true,
      noDelay: true,
      keepAlive: true,
    },
    (message, response) => serve(message, response, { handler, clock, running, options }),
  )
  // Node drops fields past the 2000th and still frames by them: that is how requests are smuggled. The size of the
  // head is limited instead.
  server.maxHeadersCount = 0
  await bind(server, options)
  const { port, address, family } = server.address() as AddressInfo
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    port,
    drain: (ms) => drain(server, running, clock, ms),
  }
}

function bind(server: Server, { host, port }: HttpListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const where = `${host}:${port}`
      const isBusy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      const found = isBusy ? 'another process has it' : error.message
      reject(new StartError(`proxy.addr: cannot listen on ${where}: ${found}`, { cause: error }))
    })
    server.listen(host === '' ? { port } : { host, port }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

/** The exchanges under way, and what to do when one of them ends. */
class Running extends Set<Exchange> {
  isDraining = false
  ended: () => void = () => {}
}

/** Between the first word that the gateway goes (a `Connection: close`) and the end of the port; milliseconds. */
const lingerMs = 1_000

/**
 * First tells the clients, with the answers to what they send, that their connections end; then closes the port and the
 * idle connections. Closed at once, a connection would be reset under a request that is on its way.
 */
function drain(server: Server, running: Running, clock: Clock, ms: number): Promise<number> {
  return new Promise((resolve) => {
    let cut = 0
    running.isDraining = true
    const cancelCut = clock.after(ms, () => {
      cut = running.size
      close()
      server.closeAllConnections()
    })
    let isClosing = false
    const close = (): void => {
      if (isClosing) return
      isClosing = true
      cancelLinger()
      server.close(() => {
        cancelCut()
        resolve(cut)
      })
      // A connection is idle only once the event of its answer's end is over.
      running.ended = () => setImmediate(() => server.closeIdleConnections())
      server.closeIdleConnections()
    }
    const cancelLinger = clock.after(Math.min(lingerMs, ms / 2), close)
    // Nobody to tell: done.
    server.getConnections((_error, count) => {
      if (count === 0) close()
    })
  })
}

interface ServeParts {
  readonly handler: Handler
  readonly clock: Clock
  readonly running: Running
  readonly options: HttpListenerOptions
}

function serve(
  message: IncomingMessage,
  response: ServerResponse,
  { handler, clock, running, options }: ServeParts,
): void {
  const fields = message.rawHeaders
  const authority = authorityOf(message, fields)
  if (authority === null) {
    // Two Host fields, or a target of which no path can be read: whoever answered it, another might read it
    // differently (RFC 9112 section 3.2).
    response.writeHead(400, { Connection: 'close', 'Content-Length': 0 }).end()
    return
  }
  const refusal = unclearFraming(message, fields)
  if (refusal !== 0) {
    response.writeHead(refusal, { Connection: 'close', 'Content-Length': 0 }).end()
    return
  }
  const { host, target } = authority
  const body = hasBody(fields) ? new MessageBody(message, fields) : null
  const client = new HttpClientSide(message, response, body !== null, running)
  const exchange = new Exchange(client, {
    method: message.method ?? 'GET',
    target,
    path: routePath(target),
    host,
    fields,
    body,
    startedAt: clock.monotonic(),
  })
  running.add(exchange)
  response.on('drain', () => handler.drained(exchange))
  const { writeTimeout } = options
  const cancelTimeout = writeTimeout > 0 ? clock.after(writeTimeout, () => client.abort()) : null
  let isOver = false
  const over = (): void => {
    if (isOver) return
    isOver = true
    message.socket.off('close', over)
    cancelTimeout?.()
    running.delete(exchange)
    running.ended()
    if (!response.writableFinished) handler.clientGone(exchange)
  }
  response.on('close', over)
  // An answer that still waits for the one before it never had the socket, and does not hear of its end.
  message.socket.on('close', over)
  handler.handle(exchange)
}

/**
 * The status for a message whose end another reader might see elsewhere (RFC 9112 sections 2.3, 6.1 and 6.3), 0 for
 * none. Node's parser refuses most of them; these it lets pass.
 */
function unclearFraming(message: IncomingMessage, fields: Fields): number {
  const { httpVersion } = message
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 505
  const [coding, ...codings] = valuesOf(fields, 'transfer-encoding')
  if (coding !== undefined) {
    if (httpVersion === '1.0' || codings.length > 0) return 400
    if (coding.toLowerCase() !== 'chunked') return coding === '' ? 400 : 501
  }
  const [length] = valuesOf(fields, 'content-length')
  return length !== undefined && !Number.isSafeInteger(Number(length)) ? 400 : 0
}

/** A name, an IPv4 address or a bracketed IPv6 address, perhaps with a port (RFC 9110 section 7.2); or nothing. */
const authorityForm = /^(?:[\w.~!$&'()*+;=%-]{1,255}|\[[\da-f:.]{2,45}\])?(?::\d{0,5})?$/i

/** Host and origin form of the target. An absolute form replaces Host (RFC 9112 section 3.2.2). */
function authorityOf(message: IncomingMessage, fields: Fields): { host: string; target: string } | null {
  const hosts = valuesOf(fields, 'host')
  if (hosts.length > 1) return null
  const target = message.url ?? ''
  if (target.startsWith('/')) {
    const host = hosts[0] ?? ''
    return authorityForm.test(host) ? { host, target } : null
  }
  const absolute = /^https?:\/\/([^/?#@\s]+)([/?][^#]*)?$/iu.exec(target)
  if (absolute === null || !authorityForm.test(absolute[1]!)) return null
  const rest = absolute[2] ?? '/'
  return { host: absolute[1]!, target: rest.startsWith('/') ? rest : `/${rest}` }
}

function hasBody(fields: Fields): boolean {
  const length = valuesOf(fields, 'content-length')[0]
  return (length !== undefined && length !== '0') || valuesOf(fields, 'transfer-encoding').length > 0
}

/** The body of a request as the upstream clients take it. */
class MessageBody implements BodySource {
  readonly length: number | null
  wasStarted = false
  readonly #message: IncomingMessage

  constructor(message: IncomingMessage, fields: Fields) {
    this.#message = message
    const length = valuesOf(fields, 'content-length')[0]
    const isChunked = valuesOf(fields, 'transfer-encoding').length > 0
    this.length = isChunked || length === undefined ? null : Number(length)
  }

  start(sink: BodySink): void {
    this.wasStarted = true
    const message = this.#message
    message.on('data', (chunk: Buffer) => sink.data(chunk))
    message.on('end', () => sink.end())
    message.on('close', () => {
      if (!message.complete) sink.failed()
    })
  }

  pause(): void {
    this.#message.pause()
  }

  resume(): void {
    this.#message.resume()
  }
}

class HttpClientSide implements ClientSide {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly secure = false
  readonly httpVersion: string
  readonly #message: IncomingMessage
  readonly #response: ServerResponse
  readonly #hasRequestBody: boolean
  readonly #running: Running

  constructor(message: IncomingMessage, response: ServerResponse, hasRequestBody: boolean, running: Running) {
    const { remoteAddress = '', remotePort = 0 } = message.socket
    // A dual-stack socket shows IPv4 peers as ::ffff:10.0.0.1; upstreams and rules know them by their own form.
    this.remoteAddress = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress
    this.remotePort = remotePort
    this.httpVersion = message.httpVersion
    this.#message = message
    this.#response = response
    this.#hasRequestBody = hasRequestBody
    this.#running = running
  }

  inform(status: number, fields: Fields): void {
    if (status !== 103 || this.httpVersion !== '1.1') return
    const links = valuesOf(fields, 'link')
    try {
      if (links.length > 0) this.#response.writeEarlyHints({ link: links })
    } catch {
      // Node knows fewer forms of a link than there are. A hint may be left out, an answer must not be lost for it.
    }
  }

  head(status: number, reason: string, fields: Fields): void {
    const response = this.#response
    const head = fields.slice()
    // The upstream's Date stands where it sent one.
    response.sendDate = valuesOf(fields, 'date').length === 0
    // A request body that nobody has read to its end cannot be told from the next request: close instead.
    const isUnread = this.#hasRequestBody && !this.#message.complete
    if (isUnread || this.#running.isDraining) head.push('Connection', 'close')
    if (!/^[\t\x20-\x7e\x80-\xff]+$/.test(reason)) response.writeHead(status, head)
    else response.writeHead(status, reason, head)
    response.flushHeaders()
  }

  write(chunk: Buffer): boolean {
    return this.#response.write(chunk)
  }

  end(trailers: Fields): void {
    const pairs: [string, string][] = []
    for (let i = 0; i < trailers.length; i += 2) pairs.push([trailers[i]!, trailers[i + 1]!])
    if (pairs.length > 0 && this.#response.chunkedEncoding) this.#response.addTrailers(pairs)
    this.#response.end()
  }

  abort(): void {
    this.#message.socket.destroy()
  }
}
