import { Backoff } from '../../base/backoff.ts'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { World } from '../../base/world.ts'
import type { Span, SpanSink } from './span.ts'

/** What became of spans that were sent. */
export interface Sent {
  /** Those that the collector did not take. */
  readonly rejected: number
  /** Null: it has them; else why not. */
  readonly error: string | null
  /** It may take them a little later. */
  readonly mayRetry: boolean
}

/** Sends spans to the collector. May reject: then they may be sent again. */
export type SendSpans = (spans: readonly Span[]) => Promise<Sent>

/** Spans of one message: to write more at a time would hold up requests. */
const batchSize = 128
/** The longest that a span waits for others; milliseconds. */
const gatherMs = 5_000
/** How often the same spans are sent at most. */
const mostAttempts = 5

/** Spans on their way to the collector, as many as may wait. One message at a time; what finds no room is dropped. */
export class SpanQueue implements SpanSink {
  /** Spans that the collector has, and spans that are lost. */
  exported = 0
  dropped = 0
  readonly #send: SendSpans
  readonly #limit: number
  readonly #world: World
  readonly #log: Log
  readonly #backoff: Backoff
  #waiting: Span[] = []
  #isSending = false
  #isFailing = false
  #isClosing = false
  #cancel: (() => void) | null = null
  #settled: (() => void) | null = null

  constructor(send: SendSpans, limit: number, { world, log }: { world: World; log: Log }) {
    this.#send = send
    this.#limit = limit
    this.#world = world
    this.#log = log
    this.#backoff = new Backoff({ firstMs: 1_000, maxMs: 15_000, random: world.random })
  }

  get waiting(): number {
    return this.#waiting.length
  }

  add(span: Span): void {
    if (this.#waiting.length >= this.#limit) {
      this.dropped++
      return
    }
    this.#waiting.push(span)
    if (this.#isSending) return
    if (this.#waiting.length >= batchSize) this.#flush()
    else this.#cancel ??= this.#world.clock.after(gatherMs, () => this.#flush())
  }

  #flush(): void {
    this.#cancel?.()
    this.#cancel = null
    if (this.#isSending || this.#waiting.length === 0) return
    this.#isSending = true
    const batch = this.#waiting.splice(0, batchSize)
    void this.#deliver(batch).then(() => {
      this.#isSending = false
      if (this.#waiting.length >= batchSize || (this.#isClosing && this.#waiting.length > 0)) this.#flush()
      else if (this.#waiting.length > 0) this.#cancel = this.#world.clock.after(gatherMs, () => this.#flush())
      if (!this.#isSending) this.#settled?.()
    })
  }

  async #deliver(batch: readonly Span[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const sent = await this.#send(batch).catch(
        (error: unknown): Sent => ({ rejected: batch.length, error: messageOf(error), mayRetry: true }),
      )
      if (sent.error === null) {
        this.exported += batch.length - sent.rejected
        this.dropped += sent.rejected
        this.#backoff.succeeded()
        if (this.#isFailing) this.#log.info('tracing', 'export-back', 'the collector takes spans again')
        this.#isFailing = false
        return
      }
      if (!this.#isFailing) this.#log.warn('tracing', 'export-failed', `${sent.error}; spans are lost`)
      this.#isFailing = true
      if (!sent.mayRetry || attempt >= mostAttempts || this.#isClosing) {
        this.dropped += batch.length
        return
      }
      await new Promise<void>((resolve) => this.#world.clock.after(this.#backoff.next(), resolve))
    }
  }

  /** Sends what is left, for `ms` at most. */
  async close(ms: number): Promise<void> {
    this.#isClosing = true
    this.#flush()
    if (!this.#isSending) return
    await new Promise<void>((resolve) => {
      const cancel = this.#world.clock.after(ms, resolve)
      this.#settled = () => {
        cancel()
        resolve()
      }
    })
  }
}
