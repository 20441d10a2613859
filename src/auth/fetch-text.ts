import { Agent, request } from 'undici'
import type { Clock } from '../base/world.ts'

/** Reads small texts of other servers. Redirects are not followed: the operator says whom to ask. */
export class TextFetcher {
  readonly #clock: Clock
  readonly #timeout: number
  /** A question every few minutes needs no kept connection. */
  readonly #agent = new Agent({ connections: 1, pipelining: 1, keepAliveTimeout: 1, keepAliveMaxTimeout: 1 })

  /** @param timeout for a whole answer, milliseconds */
  constructor(timeout: number, clock: Clock) {
    this.#timeout = timeout
    this.#clock = clock
  }

  /** Rejects where the answer is not 200, is longer than `most` octets, or does not come in time. */
  async get(url: string, most: number): Promise<string> {
    const abort = new AbortController()
    const cancel = this.#clock.after(this.#timeout, () =>
      abort.abort(new Error(`no answer from ${url} within ${this.#timeout} ms`)),
    )
    try {
      const answer = await request(url, {
        dispatcher: this.#agent,
        headers: { accept: 'application/json' },
        signal: abort.signal,
      })
      const chunks: Buffer[] = []
      let length = 0
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        length += chunk.length
        if (length > most) throw new Error(`${url}: expected at most ${most} octets`)
        chunks.push(chunk)
      }
      if (answer.statusCode !== 200) {
        throw new Error(`${url}: expected status 200, got ${answer.statusCode}`)
      }
      return Buffer.concat(chunks).toString('utf8')
    } finally {
      cancel()
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}
