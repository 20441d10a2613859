import { Backoff } from '../../base/backoff.ts'
import { sleep, type World } from '../../base/world.ts'
import { type Answer, ConsulError } from './client.ts'

export interface ReadQueueOptions {
  /** How many reads may be under way at once. */
  readonly width: number
  readonly read: (key: string, signal: AbortSignal) => Promise<Answer>
  readonly onAnswer: (key: string, answer: Answer) => void
  /** An answer that was an error. The read is tried again by itself. */
  readonly onError: (key: string, error: ConsulError) => void
  /** There was no answer at all: resolves when it is time to try again. */
  readonly waitForReturn: (error: ConsulError) => Promise<void>
  readonly world: World
  readonly signal: AbortSignal
}

/**
 * Reads keys, a few at a time, each once however often it was asked for. A key that is asked for while it is being
 * read is read again, because the answer under way may be older than the wish.
 *
 * A 429 halves the width; answers widen it again one by one (Consul limits connections and rates, and says so).
 */
export class ReadQueue {
  readonly #options: ReadQueueOptions
  readonly #waiting = new Set<string>()
  readonly #reading = new Set<string>()
  readonly #backoff: Backoff
  #width: number

  constructor(options: ReadQueueOptions) {
    this.#options = options
    this.#width = options.width
    this.#backoff = new Backoff({ firstMs: 250, maxMs: 30_000, random: options.world.random })
  }

  add(key: string): void {
    this.#waiting.add(key)
    this.#next()
  }

  /** It need not be read any more. An answer under way is still told. */
  remove(key: string): void {
    this.#waiting.delete(key)
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#reading.size >= this.#width || this.#options.signal.aborted) return
      if (this.#reading.has(key)) continue
      this.#waiting.delete(key)
      this.#reading.add(key)
      void this.#read(key)
    }
  }

  async #read(key: string): Promise<void> {
    const { read, onAnswer, onError, waitForReturn, world, signal } = this.#options
    try {
      const answer = await read(key, signal)
      this.#backoff.succeeded()
      this.#width = Math.min(this.#options.width, this.#width + 1)
      onAnswer(key, answer)
    } catch (thrown) {
      if (signal.aborted) return
      const error =
        thrown instanceof ConsulError ? thrown : new ConsulError(0, String(thrown), { cause: thrown })
      this.#waiting.add(key)
      if (error.status === 429) this.#width = Math.max(1, Math.floor(this.#width / 2))
      if (error.status === 0) await waitForReturn(error)
      else {
        onError(key, error)
        // The key keeps its place among those being read: what is refused must not be asked for in a loop.
        await sleep(world.clock, this.#backoff.next(), signal)
      }
    }
    this.#reading.delete(key)
    this.#next()
  }
}
