import { StringDecoder } from 'node:string_decoder'
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
  readonly consistency: Consistency
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
  /** Null for a key that is not there: Consul answers 404 with an index. */
  readonly body: unknown
  /** Milliseconds since the server that answered heard of its leader; 0 from the leader itself. */
  readonly lastContactMs: number
  /** False: the servers have no leader, and what they say may be old. */
  readonly knownLeader: boolean
}

/** Which servers may answer (Consul, "Consistency Modes"). */
export type Consistency = 'stale' | 'default' | 'consistent'

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
  readonly #namespace: string
  readonly #consistency: Consistency

  constructor(options: ConsulClientOptions) {
    const { scheme, host, port } = options.address
    this.url = `${scheme}://${host}:${port}`
    this.#headers = options.token === '' ? {} : { 'x-consul-token': options.token }
    this.#namespace = options.namespace
    this.#consistency = options.consistency
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

  /**
   * Reads at once. Rejects with a ConsulError.
   *
   * @param consistency what is asked for in place of the client's own
   */
  read(path: string, signal: AbortSignal, consistency: Consistency = this.#consistency): Promise<Answer> {
    return this.#get(path, {}, 10_000, signal, consistency)
  }

  /**
   * A blocking query: answers when the index has passed `index`, or after about `waitMs` with the old one. Rejects
   * with a ConsulError.
   */
  block(
    path: string,
    index: bigint,
    waitMs: number,
    signal: AbortSignal,
    consistency: Consistency = this.#consistency,
  ): Promise<Answer> {
    // Consul adds up to a sixteenth to the wait, and an answer takes its time. A socket that is silent for longer is
    // dead, and without this deadline nobody would notice.
    const deadline = waitMs * (1 + 1 / 16) + 10_000
    const query = { index: String(index), wait: `${Math.round(waitMs)}ms` }
    return this.#get(path, query, deadline, signal, consistency)
  }

  /**
   * Reads an answer that may be large, piece by piece. Resolves with its index when it was whole; rejects with a
   * ConsulError, or with what `take` threw.
   */
  async stream(path: string, take: (piece: string) => void): Promise<bigint> {
    const separator = path.includes('?') ? '&' : '?'
    const parameters = this.#parameters({}, this.#consistency)
    const response = await this.#pool.request({
      method: 'GET',
      path: parameters.size === 0 ? path : `${path}${separator}${parameters}`,
      headers: this.#headers,
      headersTimeout: 30_000,
      bodyTimeout: 10_000,
    })
    if (response.statusCode !== 200) {
      const text = await response.body.text()
      throw new ConsulError(
        response.statusCode,
        `${this.url}${path}: expected 200, got ${response.statusCode}: ${text.trim().slice(0, 200)}`,
      )
    }
    // A piece may end within a character.
    const decoder = new StringDecoder('utf8')
    for await (const piece of response.body) take(decoder.write(piece as Buffer))
    take(decoder.end())
    return indexOf(response.headers['x-consul-index'])
  }

  /**
   * Writes, once: what became of it is unknown where this rejects without an answer. Resolves with the body of the
   * answer; rejects with a ConsulError.
   *
   * @param path with a query or without
   */
  async put(path: string, body: string, signal: AbortSignal): Promise<unknown> {
    const parameters = this.#parameters({}, 'default')
    const separator = path.includes('?') ? '&' : '?'
    let status = 0
    try {
      const response = await this.#pool.request({
        method: 'PUT',
        path: parameters.size === 0 ? path : `${path}${separator}${parameters}`,
        headers: this.#headers,
        body,
        headersTimeout: 10_000,
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
      return JSON.parse(text)
    } catch (error) {
      if (error instanceof ConsulError) throw error
      throw new ConsulError(status, `${this.url}${path}: ${messageOf(error)}`, { cause: error })
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy()
  }

  #parameters(query: Record<string, string>, consistency: Consistency): URLSearchParams {
    const parameters = new URLSearchParams(query)
    if (consistency !== 'default') parameters.set(consistency, '')
    if (this.#namespace !== '') parameters.set('ns', this.#namespace)
    return parameters
  }

  async #get(
    path: string,
    query: Record<string, string>,
    deadline: number,
    signal: AbortSignal,
    consistency: Consistency,
  ): Promise<Answer> {
    const parameters = this.#parameters(query, consistency)
    const separator = path.includes('?') ? '&' : '?'
    let status = 0
    try {
      const response = await this.#pool.request({
        method: 'GET',
        path: parameters.size === 0 ? path : `${path}${separator}${parameters}`,
        headers: this.#headers,
        headersTimeout: deadline,
        bodyTimeout: 10_000,
        signal,
      })
      const text = await response.body.text()
      status = response.statusCode
      const { headers } = response
      const index = indexOf(headers['x-consul-index'])
      const isMissingKey = status === 404 && path.startsWith('/v1/kv/')
      if (status !== 200 && !isMissingKey) {
        throw new ConsulError(
          status,
          `${this.url}${path}: expected 200, got ${status}: ${text.trim().slice(0, 200)}`,
        )
      }
      return {
        index,
        body: isMissingKey ? null : JSON.parse(text),
        lastContactMs: Number(headers['x-consul-lastcontact'] ?? 0) || 0,
        knownLeader: headers['x-consul-knownleader'] !== 'false',
      }
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
