import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { createConnection, isIPv6, type Socket } from 'node:net'
import { Backoff } from '../../base/backoff.ts'
import type { Log } from '../../base/log.ts'
import type { World } from '../../base/world.ts'
import type { LineSink } from './line-writer.ts'

export type SyslogTarget =
  | { readonly transport: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly transport: 'unix'; readonly path: string }

/** Who the messages are from. */
export interface SyslogSource {
  readonly hostname: string
  readonly pid: number
}

/** RFC 5424 section 6.2.1: facility local0, severity informational. */
const priority = 16 * 8 + 6
/** Octets of a message that a datagram may have: RFC 5426 section 3.2 wants 2048 taken, and most take more. */
const longest = 8_192

/** `<134>1 TIME HOST gatehouse PID access - ` before each line (RFC 5424 section 6). */
function headerOf({ hostname, pid }: SyslogSource, now: number): string {
  const host = /^[\x21-\x7e]{1,255}$/.test(hostname) ? hostname : '-'
  return `<${priority}>1 ${new Date(now).toISOString()} ${host} gatehouse ${pid} access - `
}

/** Each line with its header. The line feed behind each is what ends a message on a stream (RFC 6587 section 3.4.2). */
export const framed = (lines: string, header: string): string =>
  `${header}${lines.slice(0, -1).replaceAll('\n', `\n${header}`)}\n`

export interface SyslogParts {
  readonly world: World
  readonly log: Log
}

export const syslogSink = (target: SyslogTarget, source: SyslogSource, parts: SyslogParts): LineSink =>
  target.transport === 'udp' ? new DatagramSink(target, source, parts) : new StreamSink(target, source, parts)

/** A datagram for each line (RFC 5426). What nobody takes is lost and not heard of, as UDP is. */
class DatagramSink implements LineSink {
  readonly #host: string
  readonly #port: number
  readonly #source: SyslogSource
  readonly #parts: SyslogParts
  #socket: DatagramSocket | null = null
  #isClosed = false

  constructor({ host, port }: { host: string; port: number }, source: SyslogSource, parts: SyslogParts) {
    this.#host = host
    this.#port = port
    this.#source = source
    this.#parts = parts
  }

  write(lines: string, count: number, done: (lost: number) => void): void {
    this.#connected()
      .then((socket) => this.#send(socket, lines.slice(0, -1).split('\n'), done))
      .catch((error: unknown) => {
        this.#failed(error as Error)
        done(count)
      })
  }

  /** Connected, it looks up no name for each line. */
  async #connected(): Promise<DatagramSocket> {
    if (this.#socket !== null) return this.#socket
    const { address } = await lookup(this.#host)
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    socket.unref()
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(this.#port, address, () => {
        socket.removeListener('error', reject)
        resolve()
      })
    })
    // Nobody there (ECONNREFUSED) is told later, and of an earlier line: they are lost like others on their way.
    socket.on('error', () => {})
    if (this.#isClosed) socket.close()
    else this.#socket = socket
    return socket
  }

  #send(socket: DatagramSocket, lines: readonly string[], done: (lost: number) => void): void {
    const header = headerOf(this.#source, this.#parts.world.clock.now())
    let lost = 0
    let open = lines.length
    for (const line of lines) {
      socket.send(Buffer.from((header + line).slice(0, longest), 'latin1'), (error) => {
        if (error !== null) {
          if (lost === 0) this.#failed(error)
          lost++
        }
        if (--open === 0) done(lost)
      })
    }
  }

  #failed(error: Error): void {
    const where = `syslog+udp://${this.#host}:${this.#port}`
    this.#parts.log.error('access-log', 'write-failed', `${where}: ${error.message}; its lines are lost`)
  }

  reopen(): void {}

  close(): void {
    this.#isClosed = true
    this.#socket?.close()
    this.#socket = null
  }
}

/** A connection over which lines go one behind the other. It comes back by itself; until then lines are lost. */
class StreamSink implements LineSink {
  readonly #target: Exclude<SyslogTarget, { transport: 'udp' }> | SyslogTarget
  readonly #source: SyslogSource
  readonly #parts: SyslogParts
  readonly #backoff: Backoff
  #socket: Socket | null = null
  /** Not before that moment, monotonic milliseconds. */
  #nextAttempt = 0

  constructor(target: SyslogTarget, source: SyslogSource, parts: SyslogParts) {
    this.#target = target
    this.#source = source
    this.#parts = parts
    this.#backoff = new Backoff({ firstMs: 500, maxMs: 10_000, random: parts.world.random })
  }

  write(lines: string, count: number, done: (lost: number) => void): void {
    const socket = this.#socket ?? this.#connect()
    if (socket === null) {
      done(count)
      return
    }
    const text = framed(lines, headerOf(this.#source, this.#parts.world.clock.now()))
    let isDone = false
    const ended = (error?: Error | null): void => {
      if (isDone) return
      isDone = true
      socket.removeListener('close', closed)
      done(error ? count : 0)
    }
    const closed = (): void => ended(new Error('closed'))
    // A connection that ends calls back for what it had taken, or does not: either way there is an end.
    socket.once('close', closed)
    socket.write(Buffer.from(text, 'latin1'), ended)
  }

  #connect(): Socket | null {
    const { clock } = this.#parts.world
    if (clock.monotonic() < this.#nextAttempt) return null
    const target = this.#target
    const socket =
      target.transport === 'unix'
        ? createConnection({ path: target.path })
        : createConnection({ host: target.host, port: target.port })
    socket.unref()
    this.#socket = socket
    socket.on('connect', () => this.#backoff.succeeded())
    // Nobody says anything there; but the end of it has to be heard.
    socket.resume()
    let why = 'the connection was closed'
    socket.on('error', (error: NodeJS.ErrnoException) => {
      why =
        error.code === 'EPROTOTYPE'
          ? 'expected a stream socket, found one for datagrams, which Node cannot write to: take syslog+udp://127.0.0.1:514, with the syslog server listening there'
          : error.message
    })
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#socket = null
      this.#nextAttempt = clock.monotonic() + this.#backoff.next()
      const where = target.transport === 'unix' ? target.path : `${target.host}:${target.port}`
      const words = `syslog+${target.transport}://${where}: ${why}; its lines are lost until it is back`
      this.#parts.log.error('access-log', 'write-failed', words)
    })
    return socket
  }

  reopen(): void {}

  close(): void {
    const socket = this.#socket
    this.#socket = null
    socket?.end()
  }
}
