import { type Dispatcher, Pool } from 'undici'
import { messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Clock } from '../base/world.ts'

/** A service that is asked about each request. Plain data. */
export interface ForwardOptions {
  readonly type: 'forward'
  readonly name: string
  /** `http://127.0.0.1:4180/verify`: GET, without a body. */
  readonly url: string
  /** For a whole answer, milliseconds. */
  readonly timeout: number
  /** Any certificate of the service will do. */
  readonly tlsSkipVerify: boolean
  /** Fields of the request that the service gets; null: all of them. */
  readonly requestHeaders: readonly string[] | null
  /** Fields of its answer that go upstream where it lets the request pass. */
  readonly upstreamHeaders: readonly string[]
  /** Fields of its answer that go to the client where it lets the request pass. */
  readonly responseHeaders: readonly string[]
}

/** What the service says. Of an answer that lets the request pass the body is left out. */
export interface ServiceAnswer {
  /** 200 to 499. */
  readonly status: number
  /** Name, value, name, value… in latin1. */
  readonly fields: readonly string[]
  readonly body: Buffer
}

/** A question that is under way. */
export interface Question {
  /** Rejects where the service does not answer in time, or with a status that says nothing about the request. */
  readonly answer: Promise<ServiceAnswer>
  /** Nobody waits for the answer any more. */
  abort(): void
}

export interface ForwardParts {
  readonly clock: Clock
  readonly log: Log
}

/** Connections to one service. More questions than that wait, no longer than the timeout. */
const mostConnections = 256
/** Octets of the body of a refusal. */
const largestBody = 256 * 1024

/** Asks the service. */
export class ForwardClient {
  readonly #options: ForwardOptions
  readonly #parts: ForwardParts
  readonly #path: string
  readonly #pool: Pool
  #isFailing = false

  constructor(options: ForwardOptions, parts: ForwardParts) {
    const { origin, pathname, search } = new URL(options.url)
    this.#options = options
    this.#parts = parts
    this.#path = pathname + search
    this.#pool = new Pool(origin, {
      connections: mostConnections,
      pipelining: 1,
      // The time of the whole is what counts.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 4_000,
      connect: { timeout: options.timeout, rejectUnauthorized: !options.tlsSkipVerify },
    })
  }

  /** @param fields name, value, name, value… without Host and what frames a body */
  ask(fields: readonly string[]): Question {
    const { name, url, timeout } = this.#options
    const { clock, log } = this.#parts
    // Also of what follows an answer that has let the request pass: a body without an end would keep its connection.
    const asked = new AskedService(() => cancel())
    const cancel = clock.after(timeout, () => asked.abort(new Error(`no answer within ${timeout} ms`)))
    try {
      this.#pool.dispatch({ method: 'GET', path: this.#path, headers: [...fields] }, asked)
    } catch (error) {
      cancel()
      asked.abort(error as Error)
    }
    const answer = asked.answer.then(
      (given) => {
        if (this.#isFailing) log.info('auth', 'service-back', `${name}: ${url} answers again`)
        this.#isFailing = false
        return given
      },
      (error: unknown) => {
        const words = `${name}: ${url}: ${messageOf(error)}`
        if (!this.#isFailing && !asked.isUnwanted) log.error('auth', 'service-lost', words)
        if (!asked.isUnwanted) this.#isFailing = true
        throw new Error(words, { cause: error })
      },
    )
    return { answer, abort: () => asked.leave() }
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}

/** Takes in one answer. */
class AskedService implements Dispatcher.DispatchHandler {
  readonly answer: Promise<ServiceAnswer>
  /** The client has gone. */
  isUnwanted = false
  #resolve!: (answer: ServiceAnswer) => void
  #reject!: (error: Error) => void
  #controller: Dispatcher.DispatchController | null = null
  #aborted: Error | null = null
  #status = 0
  #fields: readonly string[] = []
  readonly #chunks: Buffer[] = []
  #length = 0
  readonly #isOver: () => void

  /** @param isOver called when its connection is free, or gone */
  constructor(isOver: () => void) {
    this.#isOver = isOver
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  leave(): void {
    this.isUnwanted = true
    this.abort(new Error('the client went away'))
  }

  abort(error: Error): void {
    this.#aborted = error
    this.#controller?.abort(error)
    this.#reject(error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#aborted !== null) controller.abort(this.#aborted)
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return
    const raw = controller.rawHeaders
    this.#status = status
    this.#fields = Array.isArray(raw) ? raw.map((item) => item.toString('latin1')) : []
    if (status >= 500) this.#reject(new Error(`expected a status below 500, got ${status}`))
    else if (status < 300) this.#settle()
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    if (this.#length > largestBody)
      this.abort(new Error(`expected an answer of at most ${largestBody} octets`))
    else if (this.#status >= 300) this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#isOver()
    this.#settle()
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#isOver()
    this.#reject(error)
  }

  #settle(): void {
    this.#resolve({ status: this.#status, fields: this.#fields, body: Buffer.concat(this.#chunks) })
  }
}
