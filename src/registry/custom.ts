import { Agent, interceptors, request } from 'undici'
import { messageOf, StartError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { type Clock, sleep } from '../base/world.ts'
import { type DecodedCommands, decodeCommands } from './custom-commands.ts'
import type { Registry, RegistryListener, RegistryStatus } from './registry.ts'

export interface CustomRegistryOptions {
  readonly scheme: 'http' | 'https'
  /** `registry.custom.host`: `host[:port]`. */
  readonly host: string
  /** `registry.custom.path`, without its first `/`. */
  readonly path: string
  /** `registry.custom.queryparams`: `a=b&c=d`; empty: none. */
  readonly queryParams: string
  /** `registry.custom.timeout`: milliseconds for a whole answer; 0: no limit. */
  readonly timeout: number
  /** `registry.custom.pollinterval`: milliseconds from the end of an attempt to the next. */
  readonly pollInterval: number
  /** `registry.custom.checkTLSSkipVerify` */
  readonly skipVerify: boolean
  /** `registry.custom.noroutehtml`; empty: none. */
  readonly noRouteHtml: string
  /** `registry.timeout`: milliseconds within which there must have been a good answer at the start. */
  readonly startTimeout: number
  /** `registry.retry`: milliseconds between two attempts at the start. */
  readonly retry: number
}

/** What is wrong with `registry.custom.host`, or null. */
export function customHostMistake(host: string): string | null {
  const isHost = /^[^/?#@\\\s]+$/.test(host) && URL.canParse(`https://${host}/`)
  return isHost ? null : `registry.custom.host: expected host or host:port, got ${JSON.stringify(host)}`
}

/** How the registry is asked. */
export interface CommandSource {
  /** Rejects when there is no whole answer, or the signal ends. */
  get(signal: AbortSignal): Promise<{ readonly status: number; readonly text: string }>
  close(): Promise<void>
}

/**
 * Routes from an HTTP endpoint that is asked again and again (fabio reference 5.1). An attempt that fails changes no
 * route; a command that cannot be understood costs only itself. Each answer is read by itself: nothing of an earlier
 * one is left in it (quirk 17).
 */
export class CustomRegistry implements Registry {
  readonly kind = 'custom'
  readonly address: string
  readonly datacenter = ''
  readonly #options: CustomRegistryOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #source: CommandSource
  readonly #closing = new AbortController()
  #listener: RegistryListener | null = null
  /** What was told last; null before the first time. */
  #text: string | null = null
  /** Why the last attempt failed; empty when it did not. */
  #failure = ''
  /** Of the last good answer. */
  #problems: readonly string[] = []
  #lastContactAt: number | null = null

  /** @param source another way to ask than HTTP */
  constructor(options: CustomRegistryOptions, clock: Clock, log: Log, source?: CommandSource) {
    this.#options = options
    // Without the query, which may hold a token.
    this.address = `${options.scheme}://${options.host}/${options.path.replace(/^\//, '')}`
    this.#clock = clock
    this.#log = log
    this.#source = source ?? httpSource(this.address, options)
  }

  status(): RegistryStatus {
    return {
      connected: this.#failure === '' && this.#lastContactAt !== null,
      lastContactAt: this.#lastContactAt,
      error: this.#failure === '' ? summaryOf(this.#problems) : this.#failure,
    }
  }

  /**
   * Rejects with a StartError for an address that is none, and when there was no good answer within `startTimeout`.
   * fabio serves an empty table then (quirk 18).
   */
  async start(listener: RegistryListener): Promise<void> {
    const { host, startTimeout, retry } = this.#options
    const mistake = customHostMistake(host)
    if (mistake !== null) throw new StartError(mistake)
    this.#listener = listener
    const deadline = this.#clock.monotonic() + startTimeout
    for (;;) {
      await this.#poll(Math.max(1, deadline - this.#clock.monotonic()))
      if (this.#text !== null) break
      if (this.#closing.signal.aborted || this.#clock.monotonic() + retry >= deadline) {
        throw new StartError(
          `registry.custom.host: expected route commands from ${this.address} within ${startTimeout / 1000} s, ` +
            `got: ${this.#failure}`,
        )
      }
      await sleep(this.#clock, retry, this.#closing.signal)
    }
    listener.noRoutePageChanged(this.#options.noRouteHtml)
    void this.#pollForEver()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#source.close()
  }

  async #pollForEver(): Promise<void> {
    const { signal } = this.#closing
    for (;;) {
      await sleep(this.#clock, this.#options.pollInterval, signal)
      if (signal.aborted) return
      await this.#poll(Number.POSITIVE_INFINITY)
    }
  }

  /**
   * One attempt. Never rejects.
   *
   * @param most milliseconds that it may take, whatever the time-out allows
   */
  async #poll(most: number): Promise<void> {
    let decoded: DecodedCommands
    try {
      decoded = await this.#ask(most)
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#failed(oneLine(messageOf(error)))
      return
    }
    if (this.#closing.signal.aborted) return
    this.#lastContactAt = this.#clock.now()
    if (this.#failure !== '') this.#log.info('custom', 'update-recovered', `${this.address} answers again`)
    const isStatusChanged = this.#text === null || this.#failure !== '' || !this.#areKnown(decoded.problems)
    this.#failure = ''
    this.#report(decoded.problems)
    this.#tell(decoded.text)
    if (isStatusChanged) this.#safely(() => this.#listener?.statusChanged())
  }

  /** Throws what went wrong: no whole answer, another status than 200, no JSON array. */
  async #ask(most: number): Promise<DecodedCommands> {
    const { timeout } = this.#options
    const limit = timeout === 0 ? most : Math.min(timeout, most)
    const attempt = new AbortController()
    const end = (): void => attempt.abort()
    const closing = this.#closing.signal
    closing.addEventListener('abort', end)
    const cancel = Number.isFinite(limit) ? this.#clock.after(limit, end) : () => {}
    try {
      const { status, text } = await this.#source.get(attempt.signal)
      if (status !== 200) throw new Error(`expected status 200, got ${status}`)
      return decodeCommands(text)
    } catch (error) {
      if (!attempt.signal.aborted) throw error
      // Where the end of the start cut it short, what went wrong before says more.
      if (limit !== timeout && this.#failure !== '') throw new Error(this.#failure)
      throw new Error(`expected a whole answer within ${Math.round(limit) / 1000} s, got none`)
    } finally {
      cancel()
      closing.removeEventListener('abort', end)
    }
  }

  /** Logged once for each state: an endpoint that is down for a night must not fill the log. */
  #failed(failure: string): void {
    if (failure === this.#failure) return
    this.#failure = failure
    const then = this.#text === null ? '' : '; keeping the routes'
    this.#log.error('custom', 'update-failed', `${prefix}${this.address}: ${failure}${then}`)
    this.#safely(() => this.#listener?.statusChanged())
  }

  /** Each is logged when it appears, once. */
  #report(problems: readonly string[]): void {
    const known = new Set(this.#problems)
    for (const problem of problems) {
      if (!known.has(problem)) this.#log.error('custom', 'command-rejected', `${prefix}${problem}`)
    }
    this.#problems = problems
  }

  #areKnown(problems: readonly string[]): boolean {
    return (
      problems.length === this.#problems.length && problems.every((each, at) => each === this.#problems[at])
    )
  }

  #tell(text: string): void {
    if (text === this.#text) return
    this.#text = text
    this.#safely(() => this.#listener?.commandsChanged([{ name: this.address, text }]))
  }

  /** What others do with the news must not end the polling. */
  #safely(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.#log.error('custom', 'listener-failed', messageOf(error))
    }
  }
}

/** The first ones: a status is a line, and an endpoint may have all of its commands wrong. */
function summaryOf(problems: readonly string[]): string {
  const more = problems.length - mostShown
  return [...problems.slice(0, mostShown), ...(more > 0 ? [`${more} more`] : [])].join('; ')
}

const mostShown = 3

/** fabio's words (reference 5.1), which people search their logs for. */
const prefix = 'error during update from custom back end - '

/** A parser's message repeats what it could not read, line breaks included. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ')

const mostRedirects = 10
/** Far above any route table, and little enough to hold in memory. */
const largestAnswer = 64 * 1024 * 1024

function httpSource(
  address: string,
  { queryParams, skipVerify }: Pick<CustomRegistryOptions, 'queryParams' | 'skipVerify'>,
): CommandSource {
  const agent = new Agent({
    // A connection for each question, as fabio has it: a kept one may have died since.
    pipelining: 0,
    connect: { rejectUnauthorized: !skipVerify, timeout: 0 },
    // The signal is the one limit.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: largestAnswer,
  })
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: mostRedirects }))
  const url = queryParams === '' ? address : `${address}?${queryParams}`
  return {
    async get(signal) {
      const { statusCode, body } = await request(url, {
        dispatcher,
        signal,
        headers: { accept: 'application/json' },
      })
      return { status: statusCode, text: await body.text() }
    },
    close: () => agent.destroy(),
  }
}
