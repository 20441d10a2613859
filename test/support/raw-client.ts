import { connect, type Socket } from 'node:net'
import { waitFor } from './wait.ts'

/** A client that speaks in octets. */
export class RawClient {
  readonly socket: Socket
  #received = ''
  #isClosed = false
  readonly #closed: Promise<void>

  constructor(port: number, { host = '127.0.0.1', allowHalfOpen = false } = {}) {
    this.socket = connect({ port, host, allowHalfOpen })
    this.socket.setEncoding('latin1')
    this.socket.on('data', (chunk: string) => {
      this.#received += chunk
    })
    this.socket.on('error', () => {})
    this.#closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#isClosed = true
        resolve()
      })
    })
  }

  get received(): string {
    return this.#received
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** Resolves with all that came so far, once it holds `text`. */
  async until(text: string): Promise<string> {
    await waitFor(() => this.#received.includes(text), { what: `an answer with ${JSON.stringify(text)}` })
    return this.#received
  }

  /** Resolves with all that came, once the other side has closed. */
  async untilClosed(): Promise<string> {
    // Asked once for nearly all: the fuzzers open very many connections.
    await Promise.race([this.#closed, waitFor(() => this.#isClosed, { what: 'the connection to be closed' })])
    return this.#received
  }

  close(): void {
    this.socket.destroy()
  }
}
