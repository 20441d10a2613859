import { connect, type Socket } from 'node:net'

/** Requests that are sent all the time, each of them counted. */
export interface SteadyLoad {
  /** How many have ended. */
  ended(): number
  /** Ends it once every request has; resolves with what became of them. */
  stop(): Promise<LoadReport>
}

export interface LoadReport {
  readonly sent: number
  /** With status 200 and the whole body. */
  readonly served: number
  /** What went wrong and how often: `GET 502 GW_RESET`, `POST cut`. */
  readonly failures: Readonly<Record<string, number>>
  /** Of all that were served, milliseconds, ascending. */
  readonly durations: readonly number[]
  /** How many were served by each instance. */
  readonly byInstance: Readonly<Record<string, number>>
}

export interface LoadOptions {
  /** Clients, each with one request at a time. */
  readonly clients?: number
  /** Milliseconds that a client rests after a request. */
  readonly pause?: number
  /** Methods in turn. */
  readonly methods?: readonly string[]
  readonly path?: string
  /** A connection for each request instead of a kept one. */
  readonly reconnecting?: boolean
  /** Milliseconds after which a client gives up. */
  readonly timeout?: number
}

/**
 * Asks in octets over connections of its own, so that nothing is repeated that a client library would repeat: what
 * fails here has failed. A request counts as lost when it was sent on a connection that had not been announced to end.
 */
export function steadyLoad(port: number, options: LoadOptions = {}): SteadyLoad {
  const {
    clients = 16,
    pause = 2,
    methods = ['GET'],
    path = '/',
    reconnecting = false,
    timeout = 15_000,
  } = options
  const failures: Record<string, number> = {}
  const byInstance: Record<string, number> = {}
  const durations: number[] = []
  let sent = 0
  let isOver = false

  const client = async (number: number): Promise<void> => {
    let connection: Connection | null = null
    for (let turn = number; !isOver; turn++) {
      const method = methods[turn % methods.length]!
      if (connection === null || connection.isOver) connection = new Connection(port)
      sent++
      const begun = performance.now()
      const outcome = await connection.ask(method, path, reconnecting, timeout)
      if (typeof outcome === 'string') {
        const kind = `${method} ${outcome}`
        failures[kind] = (failures[kind] ?? 0) + 1
        connection.close()
      } else {
        durations.push(performance.now() - begun)
        byInstance[outcome.instance] = (byInstance[outcome.instance] ?? 0) + 1
      }
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    }
    connection?.close()
  }

  const all = Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  return {
    ended: () => durations.length + Object.values(failures).reduce((sum, count) => sum + count, 0),
    async stop() {
      isOver = true
      await all
      durations.sort((a, b) => a - b)
      return { sent, served: durations.length, failures, durations, byInstance }
    },
  }
}

type Outcome = { readonly instance: string } | string

/** One kept connection that asks one thing at a time. */
class Connection {
  readonly #socket: Socket
  #received = ''
  #told: ((outcome: Outcome) => void) | null = null
  isOver = false

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text: string) => {
      this.#received += text
      this.#look()
    })
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message))
    this.#socket.on('close', () => this.#end('cut'))
    this.#socket.on('end', () => this.#end('cut'))
  }

  ask(method: string, path: string, isLast: boolean, timeout: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end('no answer'), timeout)
      this.#told = (outcome) => {
        clearTimeout(timer)
        resolve(outcome)
      }
      const body = method === 'POST' || method === 'PUT' ? 'a small body' : ''
      this.#socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: shop.test\r\n` +
          (isLast ? 'Connection: close\r\n' : '') +
          (body === '' ? '' : `Content-Length: ${body.length}\r\n`) +
          `\r\n${body}`,
      )
    })
  }

  #look(): void {
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1 || this.#told === null) return
    const head = this.#received.slice(0, headEnd)
    const field = (name: string): string => new RegExp(`\r\n${name}: ([^\r]*)`, 'i').exec(head)?.[1] ?? ''
    const body = this.#received.slice(headEnd + 4)
    const length = field('content-length')
    const isWhole = length === '' ? body.endsWith('0\r\n\r\n') : body.length >= Number(length)
    if (!isWhole) return
    const status = head.slice(9, 12)
    this.#received = ''
    if (/close/i.test(field('connection'))) this.isOver = true
    this.#tell(
      status === '200' ? { instance: field('x-instance') } : `${status} ${field('x-gatehouse-error')}`.trim(),
    )
  }

  #tell(outcome: Outcome): void {
    const told = this.#told
    this.#told = null
    told?.(outcome)
  }

  #end(why: string): void {
    this.isOver = true
    this.#tell(why)
  }

  close(): void {
    this.isOver = true
    this.#socket.destroy()
  }
}

/** The p-th percentile of ascending numbers, 0 to 100. */
export const percentile = (ascending: readonly number[], p: number): number =>
  ascending[Math.min(ascending.length - 1, Math.floor((ascending.length * p) / 100))] ?? 0
