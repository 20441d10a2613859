import { Pool } from 'undici'
import { messageOf } from '../../base/errors.ts'

/** How Consul is reached. */
export interface ConsulAddress {
  readonly scheme: 'http' | 'https'
  /** IPv6 in brackets. */
  readonly host: string
  readonly port: number
}

export interface ConsulClientOptions {
  readonly address: ConsulAddress
  /** Empty: none. */
  readonly token: string
  /** Empty: the default one. */
  readonly namespace: string
  /** Which servers may answer (Consul, "Consistency Modes"). */
  readonly consistency: 'stale' | 'default' | 'consistent'
  /** The most connections to Consul; null: no limit. */
  readonly maxConnections: number | null
  readonly tls: {
    readonly ca: string | undefined
    readonly cert: string | undefined
    readonly key: string | undefined
    readonly skipVerify: boolean
  }
}

/** An answer to a read, with what Consul says about it. */
export interface Answer {
  /** Never 0: a missing or unreadable index counts as 1, which is always safe to ask from. */
  readonly index: bigint
  readonly body: unknown
}

/** Consul, or what stands between us and it, answered something other than 200 or not in JSON. */
export class ConsulError extends Error {
  override readonly name = 'ConsulError'
  /** 0 when there was no whole answer: refused, reset, cut or timed out. */
  readonly status: number

  constructor(status: number, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.status = status
  }
}

/**
 * Reads Consul's HTTP API over connections of its own, apart from those of the traffic.
 *
 * The `consul` package is not used for this: where a connection is cut within a body its promise never settles, and a
 * watch would wait for minutes.
 */
export class ConsulClient {
  readonly url: string
  readonly #pool: Pool
  readonly #headers: Record<string, string>
  readonly #query: string

  constructor(options: ConsulClientOptions) {
    const { scheme, host, port } = options.address
    this.url = `${scheme}://${host}:${port}`
    this.#headers = options.token === '' ? {} : { 'x-consul-token': options.token }
    const query = new URLSearchParams()
    if (options.consistency !== 'default') query.set(options.consistency, '')
    if (options.namespace !== '') query.set('ns', options.namespace)
    this.#query = query.toString()
    const { ca, cert, key, skipVerify } = options.tls
    this.#pool = new Pool(this.url, {
      connections: options.maxConnections,
      pipelining: 1,
      connect: {
        timeout: 5_000,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        rejectUnauthorized: !skipVerify,
      },
    })
  }

  /** Reads at once. Rejects with a ConsulError. */
  read(path: string, signal: AbortSignal): Promise<Answer> {
    return this.#get(path, {}, 10_000, signal)
  }

  /**
   * A blocking query: answers when the index has passed `index`, or after about `waitMs` with the old one. Rejects
   * with a ConsulError.
   */
  block(path: string, index: bigint, waitMs: number, signal: AbortSignal): Promise<Answer> {
    // Consul adds up to a sixteenth to the wait, and an answer takes its time. A socket that is silent for longer is
    // dead, and without this deadline nobody would notice.
    const deadline = waitMs * (1 + 1 / 16) + 10_000
    return this.#get(path, { index: String(index), wait: `${Math.round(waitMs)}ms` }, deadline, signal)
  }

  close(): Promise<void> {
    return this.#pool.destroy()
  }

  async #get(
    path: string,
    query: Record<string, string>,
    deadline: number,
    signal: AbortSignal,
  ): Promise<Answer> {
    const parameters = [new URLSearchParams(query).toString(), this.#query].filter(Boolean).join('&')
    let status = 0
    try {
      const response = await this.#pool.request({
        method: 'GET',
        path: parameters === '' ? path : `${path}?${parameters}`,
        headers: this.#headers,
        headersTimeout: deadline,
        bodyTimeout: 10_000,
        signal,
      })
      const text = await response.body.text()
      status = response.statusCode
      if (status !== 200) {
        throw new ConsulError(
          status,
          `${this.url}${path}: expected 200, got ${status}: ${text.trim().slice(0, 200)}`,
        )
      }
      return { index: indexOf(response.headers['x-consul-index']), body: JSON.parse(text) }
    } catch (error) {
      if (error instanceof ConsulError) throw error
      throw new ConsulError(status, `${this.url}${path}: ${messageOf(error)}`, { cause: error })
    }
  }
}

/** The index is an unsigned 64-bit number: more than a JavaScript number holds. */
function indexOf(header: string | string[] | undefined): bigint {
  const text = typeof header === 'string' && /^\d{1,20}$/u.test(header) ? header : '0'
  const index = BigInt(text)
  return index < 1n ? 1n : index
}
