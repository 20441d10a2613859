import { createHash } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { answerSizes, bodyOf } from './cases.ts'

/** What reached the upstream, as JSON. */
export interface Echo {
  /** Counts the upstream's connections. */
  readonly connection: number
  /** The request's head as it came, with the empty line at its end. */
  readonly head: string
  readonly bodySize: number
  /** SHA-256 of the body, in hex. */
  readonly bodyHash: string
}

const date = new Date().toUTCString()
const headOf = (status: string, type: string, length: number): string =>
  `HTTP/1.1 ${status}\r\nDate: ${date}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n`

const answers = new Map(
  Object.entries(answerSizes).map(([path, size]) => {
    const head = `${headOf('200 OK', 'application/octet-stream', size)}\r\n`
    return [path, Buffer.concat([Buffer.from(head, 'latin1'), bodyOf(size)])]
  }),
)
const notFound = Buffer.from(`${headOf('404 Not Found', 'text/plain', 0)}\r\n`, 'latin1')
/** Of a body whose length is not stated nobody could say where the next request begins. */
const lengthRequired = Buffer.from(
  `${headOf('411 Length Required', 'text/plain', 0)}Connection: close\r\n\r\n`,
  'latin1',
)

class Connection {
  readonly #socket: Socket
  readonly #number: number
  /** The beginning of a head whose end has not come yet. */
  #pending = ''
  #head = ''
  #path = ''
  #bodyLeft = 0
  /** The body's octets, for the echo alone. */
  #body: Buffer[] = []

  constructor(socket: Socket, number: number) {
    this.#socket = socket
    this.#number = number
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#read(chunk))
    // A proxy that has not read its answers gets no more of them.
    socket.on('drain', () => socket.resume())
    socket.on('error', () => socket.destroy())
  }

  #read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#bodyLeft > 0) {
        const taken = chunk.subarray(at, at + this.#bodyLeft)
        if (this.#path === '/echo') this.#body.push(Buffer.from(taken))
        at += taken.length
        this.#bodyLeft -= taken.length
      } else {
        const text = this.#pending + chunk.toString('latin1', at)
        const end = text.indexOf('\r\n\r\n')
        if (end === -1) {
          this.#pending = text
          return
        }
        at += end + 4 - this.#pending.length
        this.#pending = ''
        if (!this.#begin(text.slice(0, end + 4))) return
      }
      if (this.#bodyLeft === 0) this.#answer()
    }
  }

  /** False: the connection ends here. */
  #begin(head: string): boolean {
    const method = head.slice(0, head.indexOf(' '))
    this.#head = head
    this.#path = head.slice(method.length + 1, head.indexOf(' ', method.length + 1))
    if (method === 'GET') return true
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1]
    if (length === undefined) {
      this.#socket.end(lengthRequired)
      return false
    }
    this.#bodyLeft = Number(length)
    return true
  }

  #answer(): void {
    const answer = this.#path === '/echo' ? this.#echo() : (answers.get(this.#path) ?? notFound)
    if (!this.#socket.write(answer)) this.#socket.pause()
  }

  #echo(): Buffer {
    const body = Buffer.concat(this.#body)
    this.#body = []
    const bodyHash = createHash('sha256').update(body).digest('hex')
    const echo: Echo = { connection: this.#number, head: this.#head, bodySize: body.length, bodyHash }
    const json = Buffer.from(JSON.stringify(echo))
    return Buffer.concat([Buffer.from(`${headOf('200 OK', 'application/json', json.length)}\r\n`), json])
  }
}

/**
 * The service behind every proxy: ready-made answers by path, straight from a socket. It must never be what limits a
 * proxy, so it reads of a request what it needs to find the next one, and no more.
 *
 * `/echo` answers with what came, for the checks: an `Echo`.
 */
export function createUpstream(): Server {
  let connections = 0
  return createServer((socket) => new Connection(socket, ++connections))
}
