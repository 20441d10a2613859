import { type AddressInfo, connect, createServer, type Server } from 'node:net'

/** What went through since the last `take`. */
export interface Traffic {
  readonly requests: number
  /** Octets of the answers. */
  readonly received: number
}

/** Stands between a client and Consul and counts; it does not look into the answers. */
export class CountingProxy {
  #requests = 0
  #received = 0
  #open = 0
  #mostOpen = 0
  #server: Server | null = null

  get open(): number {
    return this.#open
  }

  /** The most connections at once since the start. */
  get mostOpen(): number {
    return this.#mostOpen
  }

  take(): Traffic {
    const taken = { requests: this.#requests, received: this.#received }
    this.#requests = 0
    this.#received = 0
    return taken
  }

  async listen(target: number): Promise<number> {
    const server = createServer((client) => {
      this.#open++
      this.#mostOpen = Math.max(this.#mostOpen, this.#open)
      const upstream = connect(target, '127.0.0.1')
      client.setNoDelay(true)
      upstream.setNoDelay(true)
      // Every request of a client without pipelining begins a segment of its own.
      client.on('data', (chunk: Buffer) => {
        if (/^(GET|PUT|POST|DELETE) /.test(chunk.toString('latin1', 0, 8))) this.#requests++
      })
      upstream.on('data', (chunk: Buffer) => {
        this.#received += chunk.length
      })
      client.pipe(upstream).pipe(client)
      client.on('close', () => {
        this.#open--
        upstream.destroy()
      })
      upstream.on('close', () => client.destroy())
      client.on('error', () => {})
      upstream.on('error', () => {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#server = server
    return (server.address() as AddressInfo).port
  }

  close(): void {
    this.#server?.close()
  }
}
