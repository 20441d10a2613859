import { Backoff } from '../../base/backoff.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { sleep, type World } from '../../base/world.ts'
import { type Answer, ConsulError } from './client.ts'

export interface WatchOptions {
  /** Answers at once for index 0, else when the index has passed or the wait is over. Rejects with a ConsulError. */
  readonly ask: (index: bigint, waitMs: number, signal: AbortSignal) => Promise<Answer>
  /** An answer that may bring something new. Returns whether it did. */
  readonly onAnswer: (body: unknown) => boolean
  /** An answer that was an error, with its words. The data that was told before stays. */
  readonly onError: (error: ConsulError) => void
  /** There was no answer at all: resolves when it is time to try again. */
  readonly waitForReturn: (error: ConsulError) => Promise<void>
  readonly world: World
  readonly signal: AbortSignal
}

/**
 * The loop of one blocking query; ends with the signal (Consul, "Blocking Queries").
 *
 * Index rules: one that went back means that Consul lost its state, so the data counts and the next question starts
 * from 0. After an error too: a Consul that restarted has a lower index, and a query with the old one would be held
 * for minutes and miss every change meanwhile.
 *
 * Rate: an answer at once is free, a storm is not. News is read at most four times a second; answers that brought
 * nothing (another check's output, an index that flaps) slow the loop down further, until something changes.
 */
export async function watch(options: WatchOptions): Promise<void> {
  const { ask, onAnswer, onError, waitForReturn, world, signal } = options
  const bucket = new TokenBucket(burst, () => world.clock.monotonic())
  const backoff = new Backoff({ firstMs: 250, maxMs: 30_000, random: world.random })
  let refillMs = minRefillMs
  for (let index = 0n; !signal.aborted; ) {
    await sleep(world.clock, bucket.take(refillMs), signal)
    if (signal.aborted) return
    let answer: Answer
    try {
      answer = await ask(index, waitMs(world.random), signal)
    } catch (error) {
      if (signal.aborted) return
      index = 0n
      const failure =
        error instanceof ConsulError ? error : new ConsulError(0, String(error), { cause: error })
      if (failure.status === 0) await waitForReturn(failure)
      else {
        onError(failure)
        await sleep(world.clock, backoff.next(), signal)
      }
      continue
    }
    backoff.succeeded()
    const isSame = index !== 0n && answer.index === index
    index = answer.index < index ? 0n : answer.index
    // The wait ran out: no news, and no load either.
    if (isSame) continue
    refillMs = onAnswer(answer.body) ? minRefillMs : Math.min(maxRefillMs, refillMs * 2)
  }
}

const burst = 4
const minRefillMs = 250
const maxRefillMs = 4_000

/** Five minutes, give or take a tenth, so that a thousand watches do not re-arm together. */
const waitMs = (random: () => number): number => 300_000 * (0.9 + 0.2 * random())
