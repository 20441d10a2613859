import { StringDecoder } from 'node:string_decoder'
import { type Dispatcher, Pool } from 'undici'
import { messageOf } from '../../base/errors.ts'
import { adviceOn } from './rights.ts'

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
  /** Admin partition, Consul Enterprise; empty: the default one. */
  readonly partition: string
  readonly consistency: Consistency
  /** The most connections to Consul; null: no limit. */
  readonly maxConnections: number | null
  readonly tls: {
    readonly ca: string | undefined
    readonly cert: string | undefined
    readonly key: string | undefined
    /** What the certificate has to be for; empty: the host of the address. */
    readonly serverName: string
    readonly skipVerify: boolean
  }
}

/** An answer to a read, with what Consul says about it. */
export interface Answer {
  /** Never 0: a missing or unreadable index counts as 1, which is always safe to ask from. */
  readonly index: bigint
  /** Of a key that is not there, an empty list: Consul answers 404 with an index. */
  readonly body: unknown
  /** Milliseconds since the server that answered heard of its leader; 0 from the leader itself. */
  readonly lastContactMs: number
  /** False: the servers have no leader, and what they say may be old. */
  readonly knownLeader: boolean
}

/** Which servers may answer (Consul, "Consistency Modes"). */
export type Consistency = 'stale' | 'default' | 'consistent'

/** Consul, or what stands between us and it, answered something other than 200, or something that it does not document. */
export class ConsulError extends Error {
  override readonly name = 'ConsulError'
  /** 0 when there was no whole answer: refused, reset, cut or timed out. 200 when it was not what Consul documents. */
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
  readonly #token: string
  /** Of every question. */
  readonly #where: Readonly<Record<string, string>>
  readonly #consistency: Consistency

  constructor(options: ConsulClientOptions) {
    const { scheme, host, port } = options.address
    this.url = `${scheme}://${host}:${port}`
    this.#token = options.token
    this.#headers = options.token === '' ? {} : { 'x-consul-token': options.token }
    const where = { ns: options.namespace, partition: options.partition }
    this.#where = Object.fromEntries(Object.entries(where).filter(([, name]) => name !== ''))
    this.#consistency = options.consistency
    const { ca, cert, key, serverName, skipVerify } = options.tls
    this.#pool = new Pool(this.url, {
      connections: options.maxConnections,
      pipelining: 1,
      connect: {
        timeout: 5_000,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(serverName === '' ? {} : { servername: serverName }),
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
   * Reads an answer that may be large, piece by piece. Resolves with its index when it was whole. Rejects with a
   * ConsulError, also where `take` throws.
   */
  stream(path: string, take: (piece: string) => void): Promise<bigint> {
    const question: Question = { method: 'GET', path, deadline: 30_000, consistency: this.#consistency }
    return this.#ask(question, async ({ body, headers }) => {
      // A piece may end within a character.
      const decoder = new StringDecoder('utf8')
      for await (const piece of body) take(decoder.write(piece as Buffer))
      take(decoder.end())
      return () => indexOf(headers['x-consul-index'])
    })
  }

  /**
   * Writes, once: what became of it is unknown where this rejects without an answer. Resolves with the body of the
   * answer; rejects with a ConsulError.
   *
   * @param path with a query or without
   */
  put(path: string, body: string, signal: AbortSignal): Promise<unknown> {
    const question: Question = { method: 'PUT', path, body, deadline: 10_000, consistency: 'default', signal }
    return this.#ask(question, async (answer) => {
      const text = await answer.body.text()
      return () => JSON.parse(text)
    })
  }

  close(): Promise<void> {
    return this.#pool.destroy()
  }

  #get(
    path: string,
    query: Readonly<Record<string, string>>,
    deadline: number,
    signal: AbortSignal,
    consistency: Consistency,
  ): Promise<Answer> {
    const isKey = path.startsWith('/v1/kv/')
    const question: Question = {
      method: 'GET',
      path,
      query,
      deadline,
      consistency,
      signal,
      mayBeMissing: isKey,
    }
    return this.#ask(question, async ({ body, headers, statusCode }) => {
      const text = await body.text()
      return () => ({
        index: indexOf(headers['x-consul-index']),
        body: statusCode === 404 ? [] : JSON.parse(text),
        lastContactMs: Number(headers['x-consul-lastcontact'] ?? 0) || 0,
        knownLeader: headers['x-consul-knownleader'] !== 'false',
      })
    })
  }

  /**
   * One question and its answer.
   *
   * @param read takes the whole body, and returns what makes something of it: where that throws there was an answer,
   *   and where reading fails there was none
   */
  async #ask<T>(
    question: Question,
    read: (response: Dispatcher.ResponseData) => Promise<() => T>,
  ): Promise<T> {
    const { method, path, query = {}, body = null, deadline, consistency, signal } = question
    const parameters = new URLSearchParams(query)
    if (consistency !== 'default') parameters.set(consistency, '')
    for (const [name, value] of Object.entries(this.#where)) parameters.set(name, value)
    const separator = path.includes('?') ? '&' : '?'
    let status = 0
    try {
      const response = await this.#pool.request({
        method,
        path: parameters.size === 0 ? path : `${path}${separator}${parameters}`,
        headers: this.#headers,
        body,
        headersTimeout: deadline,
        bodyTimeout: 10_000,
        ...(signal === undefined ? {} : { signal }),
      })
      const { statusCode } = response
      if (statusCode !== 200 && !(statusCode === 404 && question.mayBeMissing)) {
        const words = (await response.body.text()).trim().slice(0, 200)
        const advice = statusCode === 403 ? adviceOn(method, path, words, this.#token) : ''
        throw new ConsulError(
          statusCode,
          `${this.url}${path}: expected 200, got ${statusCode}: ${words}${advice}`,
        )
      }
      const make = await read(response)
      status = statusCode
      return make()
    } catch (error) {
      if (error instanceof ConsulError) throw error
      throw new ConsulError(status, `${this.url}${path}: ${messageOf(error)}`, { cause: error })
    }
  }
}

interface Question {
  readonly method: 'GET' | 'PUT'
  /** With a query or without. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: string
  /** Milliseconds until the head of the answer. */
  readonly deadline: number
  readonly consistency: Consistency
  readonly signal?: AbortSignal
  /** A 404 says that there is nothing, and is no error. */
  readonly mayBeMissing?: boolean
}

/** The index is an unsigned 64-bit number: more than a JavaScript number holds. */
function indexOf(header: string | string[] | undefined): bigint {
  const text = typeof header === 'string' && /^\d{1,20}$/u.test(header) ? header : '0'
  const index = BigInt(text)
  return index < 1n ? 1n : index
}
