import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import type { AddressSet } from '../base/address-set.ts'
import { GatewayError } from '../base/errors.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Clock } from '../base/world.ts'
import { bufferSize } from '../http1/buffers.ts'
import {
  ClientConnection,
  type ClientConnectionOptions,
  type Refusal,
  type RequestReceiver,
} from '../http1/client-connection.ts'
import { fieldId } from '../http1/field-names.ts'
import { sectionOf } from '../http1/field-section.ts'
import { Transport, type TransportEvents } from '../http1/transport.ts'
import { Exchange } from '../proxy/exchange.ts'
import type { Handler } from '../proxy/handler.ts'
import { routePath } from '../proxy/path.ts'
import { addressOf, backlog, cannotListen } from './bound-port.ts'
import { type ConnectionLimit, TurnedAway } from './connection-limit.ts'
import { ProxyPreface, type ProxyPrefaceOptions } from './proxy-preface.ts'

export interface HttpListenerOptions extends ClientConnectionOptions {
  /** Empty: all interfaces, IPv4 and IPv6. */
  readonly host: string
  readonly port: number
  /** Null: no PROXY header is looked for. */
  readonly proxyProtocol: ProxyPrefaceOptions | null
}

/** A port on which clients are served. */
export interface Listener {
  /** `0.0.0.0:9999`, `[::]:9999` */
  readonly address: string
  readonly port: number
  /** Requests that are being answered, and websockets that are open. */
  running(): number
  /** Takes no new connection and lets running exchanges end; after `ms` it cuts what is left. Counts the cut ones. */
  drain(ms: number): Promise<number>
}

export interface ListenerParts {
  readonly handler: Handler
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly observer: ConnectionObserver
  readonly limit: ConnectionLimit
  /** `proxy.trusted`: whose PROXY headers are believed; null: everybody's. */
  readonly trusted: AddressSet | null
  /** The port as another process has bound it; null: this one binds it. */
  readonly boundTo: object | null
}

/** Hears of every connection, and of what never became a request. */
export interface ConnectionObserver {
  connectionOpened(): void
  connectionClosed(): void
  /** @param exchange who sent it and why it was refused, without anything of the request; null: a whole connection was */
  refused(status: number, exchange: Exchange | null): void
}

/** Opens the port. Rejects with a StartError that names the address. */
export async function listenHttp(options: HttpListenerOptions, parts: ListenerParts): Promise<Listener> {
  const clients = new Clients(options, parts)
  // Paused, so that nothing is read before the connection is taken over.
  const server = createServer({ pauseOnConnect: true }, (socket) => clients.accept(handleOf(socket)))
  await bind(server, options, parts.boundTo)
  takeConnections(server, (handle) => clients.accept(handle))
  const name = server.address() as AddressInfo
  return {
    address: addressOf(name),
    port: name.port,
    running: () => clients.running(),
    drain: (ms) => clients.drain(server, ms),
  }
}

function bind(server: Server, { host, port }: HttpListenerOptions, boundTo: object | null): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? error.code : error.message
      reject(cannotListen(host, port, why, error))
    })
    const listening = (): void => {
      server.removeAllListeners('error')
      // A connection that could not be accepted (no file descriptor left) is lost; the port must not be.
      server.on('error', () => {})
      resolve()
    }
    if (boundTo !== null) server.listen(boundTo, backlog, listening)
    else server.listen(host === '' ? { port, backlog } : { host, port, backlog }, listening)
  })
}

/** The system's side of a connection. */
interface ConnectionHandle {
  setNoDelay(on: boolean): void
  close(): void
}

/**
 * Has connections given as handles instead of sockets that would be thrown away at once: a third of what a connection
 * costs. Where the server has no such place, its sockets come as they always do.
 */
function takeConnections(server: Server, accept: (handle: ConnectionHandle) => void): void {
  type OnConnection = (status: number, handle: ConnectionHandle | undefined) => void
  const own = (server as unknown as { _handle: { onconnection?: OnConnection } | null })._handle
  if (typeof own?.onconnection !== 'function') return
  own.onconnection = (status, handle) => {
    // No file descriptor left, or the client was gone already: there will be others.
    if (status === 0 && handle !== undefined) accept(handle)
  }
}

/** Takes the handle out of its socket, which is left empty. */
function handleOf(socket: Socket): ConnectionHandle {
  const holder = socket as unknown as { _handle: ConnectionHandle | null }
  const handle = holder._handle!
  holder._handle = null
  return handle
}

/** Between the first word that the gateway goes (a `Connection: close`) and the end of the port; milliseconds. */
const lingerMs = 1_000

/** What both sides of a tunnel have to close in, once they have been told that it ends; milliseconds. */
const farewellMs = 1_000

/** A connection that has been idle for so long may be ended for the sake of another. Sooner, a request may be on its way. */
const idleEnoughMs = 1_000
/** Connections that are looked at for the sake of one. */
const looksForRoom = 64

/** Everybody who is connected to one port. */
class Clients {
  readonly #options: HttpListenerOptions
  readonly #parts: ListenerParts
  readonly #all = new Set<ClientConnection>()
  readonly #turnedAway: TurnedAway
  /** Heads are read into this by all of them: each is done with it when its event is over. */
  readonly #shared = Buffer.allocUnsafeSlow(bufferSize)
  #isDraining = false
  /** Connections without an exchange are closed as they become so. */
  #isClosing = false
  #settled: () => void = () => {}

  constructor(options: HttpListenerOptions, parts: ListenerParts) {
    this.#options = options
    this.#parts = parts
    this.#turnedAway = new TurnedAway(parts.wheel)
  }

  accept(handle: ConnectionHandle): void {
    const { limit, observer } = this.#parts
    if (limit.isReached && !this.#makeRoom()) {
      observer.refused(503, null)
      this.#turnedAway.take(handle, false)
      return
    }
    limit.opened()
    handle.setNoDelay(true)
    const session = new Session(this.#parts, () => this.#ended(connection))
    const connection = new ClientConnection(this.#options, session, this.#parts.wheel, this.#shared, false)
    session.connection = connection
    const socket = socketOver(handle, {
      first: this.#shared,
      next: () => connection.nextBuffer(),
      received: (size, buffer) => transport.received(size, buffer),
    })
    const transport = new Transport(socket, this.#eventsOf(connection))
    this.#all.add(connection)
    observer.connectionOpened()
    const { remoteAddress = '', remotePort = 0 } = socket
    // A dual-stack socket shows IPv4 peers as ::ffff:10.0.0.1; upstreams and rules know them by their own form.
    const address = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress
    connection.open(transport, address, remotePort)
    if (this.#isDraining) connection.drain(this.#isClosing)
  }

  /** Who hears first of what its socket reads. */
  #eventsOf(connection: ClientConnection): TransportEvents {
    const { proxyProtocol } = this.#options
    if (proxyProtocol === null) return connection
    const { trusted, wheel } = this.#parts
    return new ProxyPreface(connection, proxyProtocol, trusted, wheel, this.#shared)
  }

  /** Ends a connection that nobody has used for a while; false: a few looks have found none. */
  #makeRoom(): boolean {
    const now = this.#parts.clock.monotonic()
    let looks = 0
    for (const connection of this.#all) {
      if (connection.idleMs(now) >= idleEnoughMs) {
        connection.destroy()
        return true
      }
      if (++looks > looksForRoom) return false
      // To the end, so that the next search begins behind it. An iterator that is kept from one search to the next
      // would do as well, and keep every connection that there ever was: all tables that the set has outgrown.
      this.#all.delete(connection)
      this.#all.add(connection)
    }
    return false
  }

  running(): number {
    let running = 0
    for (const connection of this.#all) if (connection.isAnswering) running++
    return running
  }

  #ended(connection: ClientConnection): void {
    if (!connection.isClosed) {
      if (this.#isClosing) connection.drain(true)
      return
    }
    this.#all.delete(connection)
    this.#parts.limit.closed()
    this.#parts.observer.connectionClosed()
    if (this.#all.size === 0) this.#settled()
  }

  /**
   * First tells the clients, with the answers to what they send, that their connections end; then closes the port and
   * the idle connections. Closed at once, a connection would be reset under a request that is on its way.
   */
  drain(server: Server, ms: number): Promise<number> {
    const { clock } = this.#parts
    return new Promise((resolve) => {
      let cut = 0
      this.#isDraining = true
      for (const connection of this.#all) connection.drain(false)
      const close = (): void => {
        if (this.#isClosing) return
        this.#isClosing = true
        cancelLinger()
        server.close()
        this.#settled = () => {
          cancelFarewell()
          cancelCut()
          resolve(cut)
        }
        for (const connection of this.#all) connection.drain(true)
        if (this.#all.size === 0) this.#settled()
      }
      // A WebSocket that is told why it ends comes back elsewhere at once; one that is cut only after a while.
      const cancelFarewell = clock.after(Math.max(ms - farewellMs, ms / 2), () => {
        for (const connection of this.#all) connection.farewell()
      })
      const cancelCut = clock.after(ms, () => {
        close()
        for (const connection of this.#all) {
          if (connection.isAnswering) cut++
          connection.destroy()
        }
      })
      const cancelLinger = clock.after(Math.min(lingerMs, ms / 2), close)
      // Nobody to tell: done.
      if (this.#all.size === 0) close()
    })
  }
}

interface Reading {
  readonly first: Buffer
  next(): Buffer | null
  received(size: number, buffer: Buffer): void
}

/**
 * A socket that reads into buffers of ours instead of making a new one for each read. `net.connect` has an option for
 * that and a server has not: it is a quarter of what a request costs.
 */
function socketOver(handle: ConnectionHandle, reading: Reading): Socket {
  let isFirst = true
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: () => {
        if (!isFirst) return reading.next()
        isFirst = false
        return reading.first
      },
      callback: (size: number, buffer: Buffer) => {
        reading.received(size, buffer)
        return true
      },
    },
  }
  const socket = new Socket(options as object)
  socket.resume()
  return socket
}

const noFields = sectionOf([])

/** The requests of one connection, as exchanges. */
class Session implements RequestReceiver {
  connection: ClientConnection | null = null
  readonly #parts: ListenerParts
  readonly #ended: () => void
  #exchange: Exchange | null = null

  constructor(parts: ListenerParts, ended: () => void) {
    this.#parts = parts
    this.#ended = ended
  }

  /** HOT: once for each request. */
  request(connection: ClientConnection): void {
    const { handler, clock } = this.#parts
    const { head } = connection
    if ((head.target === '*' || head.has(fieldId.maxForwards)) && this.#answersItself(connection)) return
    const exchange = new Exchange(connection, {
      method: head.method,
      target: head.target,
      path: routePath(head.target),
      host: head.host,
      fields: head,
      body: connection.body,
      startedAt: clock.monotonic(),
    })
    this.#exchange = exchange
    handler.handle(exchange)
  }

  /** What is asked of the gateway itself, and not of who is behind it (RFC 9110 sections 7.6.2, 9.3.7). */
  #answersItself(connection: ClientConnection): boolean {
    const { head } = connection
    if (head.target !== '*' && !head.countHop()) return false
    if (head.method === 'TRACE') {
      // It would give back fields that the client cannot see, like what a proxy before us has added.
      const error = new GatewayError('GW_METHOD', 'TRACE ends here')
      const { lines, body } = this.refused(error, head.first('accept'))
      connection.answer(error.status, '', lines, body.length)
      connection.write(body)
    } else {
      const date = new Date(this.#parts.clock.now()).toUTCString()
      connection.answer(200, '', `Date: ${date}\r\n`, 0)
    }
    connection.end('')
    return true
  }

  drained(): void {
    if (this.#exchange !== null) this.#parts.handler.drained(this.#exchange)
  }

  gone(error: GatewayError): void {
    if (this.#exchange !== null) this.#parts.handler.clientGone(this.#exchange, error)
  }

  refused(error: GatewayError, accept: string): Refusal {
    const { handler, observer } = this.#parts
    // Where there is an exchange it was told already that the client's part of it has failed.
    if (this.#exchange !== null) return handler.refusal(error, accept, this.#exchange, this.connection!)
    const exchange = this.#nothingRead()
    exchange.status = error.status
    exchange.failure = error
    const refusal = handler.refusal(error, accept, exchange, this.connection!)
    exchange.bodySize = refusal.body.length
    observer.refused(error.status, exchange)
    return refusal
  }

  /** What is known of a request whose head cannot be believed: who sent it. */
  #nothingRead(): Exchange {
    const nothing = { method: '', target: '', path: '', host: '', fields: noFields, body: null }
    return new Exchange(this.connection!, { ...nothing, startedAt: this.#parts.clock.monotonic() })
  }

  idle(): void {
    this.#exchange = null
    this.#ended()
  }

  closed(): void {
    this.#exchange = null
    this.#ended()
  }
}
