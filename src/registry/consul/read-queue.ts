import { Backoff } from '../../base/backoff.ts'
import { messageOf } from '../../base/errors.ts'
import { sleep, type World } from '../../base/world.ts'
import { type Answer, ConsulError } from './client.ts'

export interface ReadQueueOptions {
  /** How many reads may be under way at once. */
  readonly width: number
  readonly read: (key: string, signal: AbortSignal) => Promise<Answer>
  /** Throws where the answer is not what Consul documents. */
  readonly onAnswer: (key: string, answer: Answer) => void
  /** An answer that was an error or could not be taken. The read is tried again by itself. */
  readonly onError: (key: string, error: ConsulError) => void
  /** There was no answer at all: resolves when it is time to try again. */
  readonly waitForReturn: (error: ConsulError) => Promise<void>
  /** Whether an error of the server (500 and above) is that of all of Consul, which then has to be waited for. */
  readonly isLost: (error: ConsulError) => Promise<boolean>
  readonly world: World
  readonly signal: AbortSignal
}

/**
 * Reads keys, a few at a time, each once however often it was asked for. A key that is asked for while it is being
 * read is read again, because the answer under way may be older than the wish.
 *
 * A 429 halves the width; answers widen it again one by one (Consul limits connections and rates, and says so). A key
 * that is refused waits by itself and leaves its place to others, unless all are refused.
 */
export class ReadQueue {
  readonly #options: ReadQueueOptions
  /** Asked for, and neither answered nor taken back. */
  readonly #wanted = new Set<string>()
  readonly #waiting = new Set<string>()
  /** Being read, or refused and not yet to be read again. */
  readonly #reading = new Set<string>()
  readonly #backoffs = new Map<string, Backoff>()
  /** Keys that wait after a refusal and leave their place to others. */
  #aside = 0
  #refusalsInARow = 0
  #width: number

  constructor(options: ReadQueueOptions) {
    this.#options = options
    this.#width = options.width
  }

  add(key: string): void {
    this.#wanted.add(key)
    this.#waiting.add(key)
    this.#next()
  }

  /** It need not be read any more. An answer under way is still told. */
  remove(key: string): void {
    this.#wanted.delete(key)
    this.#waiting.delete(key)
    this.#backoffs.delete(key)
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#reading.size - this.#aside >= this.#width || this.#options.signal.aborted) return
      if (this.#reading.has(key)) continue
      this.#waiting.delete(key)
      this.#reading.add(key)
      void this.#read(key)
    }
  }

  async #read(key: string): Promise<void> {
    const { read, onAnswer, waitForReturn, isLost, signal } = this.#options
    let failure: ConsulError | null = null
    try {
      const answer = await read(key, signal)
      failure = taken(() => onAnswer(key, answer))
    } catch (thrown) {
      if (signal.aborted) return
      failure = thrown instanceof ConsulError ? thrown : new ConsulError(0, String(thrown), { cause: thrown })
    }
    if (failure === null) this.#answered(key)
    else {
      if (this.#wanted.has(key)) this.#waiting.add(key)
      const { status } = failure
      if (status === 0 || (status >= 500 && (await isLost(failure)))) await waitForReturn(failure)
      else await this.#refused(key, failure)
    }
    this.#reading.delete(key)
    this.#next()
  }

  #answered(key: string): void {
    if (!this.#waiting.has(key)) this.#wanted.delete(key)
    this.#backoffs.delete(key)
    this.#refusalsInARow = 0
    this.#width = Math.min(this.#options.width, this.#width + 1)
  }

  /** Resolves when the key may be asked for again. */
  async #refused(key: string, failure: ConsulError): Promise<void> {
    const { onError, world, signal } = this.#options
    if (failure.status === 429) this.#width = Math.max(1, Math.floor(this.#width / 2))
    onError(key, failure)
    let backoff = this.#backoffs.get(key)
    if (backoff === undefined) {
      backoff = new Backoff({ firstMs: 250, maxMs: 30_000, random: world.random })
      this.#backoffs.set(key, backoff)
    }
    // A few that are refused must not keep the others from being read. Where all are, each place takes its time.
    const leavesPlace = failure.status !== 429 && ++this.#refusalsInARow < this.#options.width
    if (leavesPlace) {
      this.#aside++
      this.#next()
    }
    await sleep(world.clock, backoff.next(), signal)
    if (leavesPlace) this.#aside--
  }
}

/** What stands in the way of taking an answer; null: nothing does. */
function taken(take: () => void): ConsulError | null {
  try {
    take()
    return null
  } catch (error) {
    return new ConsulError(200, messageOf(error), { cause: error })
  }
}
