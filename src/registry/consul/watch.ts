import { Backoff } from '../../base/backoff.ts'
import { messageOf } from '../../base/errors.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { sleep, type World } from '../../base/world.ts'
import { type Answer, ConsulError } from './client.ts'

/** What watches have gone through, added up. */
export class WatchFigures {
  answers = 0
  /** Answers that brought nothing new although the index moved. */
  wakesWithoutNews = 0
  /** Indexes that went back: Consul lost its state. */
  indexResets = 0
  /** Answers that were errors or could not be taken. */
  refusals = 0
  /** Questions that got no answer at all, or that of a Consul that has lost its leader. */
  losses = 0
  /** Questions that had to wait because many came before. */
  delays = 0
}

export interface WatchOptions {
  /** Resolves when Consul is there, with whether contact was lost since the last question. */
  readonly whenThere: () => Promise<boolean>
  /** Answers at once for index 0, else when the index has passed or the wait is over. Rejects with a ConsulError. */
  readonly ask: (index: bigint, waitMs: number, signal: AbortSignal) => Promise<Answer>
  /** An answer that may bring something new. Returns whether it did; throws where it is not what Consul documents. */
  readonly onAnswer: (answer: Answer) => boolean
  /** An answer that was an error or could not be taken, with its words. The data that was told before stays. */
  readonly onError: (error: ConsulError) => void
  /** There was no answer at all: resolves when it is time to try again. */
  readonly waitForReturn: (error: ConsulError) => Promise<void>
  /** Whether an error of the server (500 and above) is that of all of Consul, which then has to be waited for. */
  readonly isLost: (error: ConsulError) => Promise<boolean>
  /** Least milliseconds between two questions once a burst is used; 250 if absent. */
  readonly paceMs?: number
  /** What that pace rises to while answers bring nothing; 1000 if absent. */
  readonly idlePaceMs?: number
  readonly figures?: WatchFigures
  readonly world: World
  readonly signal: AbortSignal
}

/** Starts a watch with all that they have in common. It ends with its own signal or with the registry. */
export type StartWatch = (options: {
  readonly path: string
  /** Returns whether the answer brought anything new. Where it throws, the last good state stays and the watch asks again. */
  readonly onAnswer: (answer: Answer) => boolean
  /** An answer that was an error or could not be taken. */
  readonly onRefused: (error: ConsulError) => void
  /** Contact was lost and is back. */
  readonly onReturn?: () => void
  readonly paceMs?: number
  readonly idlePaceMs?: number
  readonly signal: AbortSignal
}) => void

/**
 * The loop of one blocking query; ends with the signal (Consul, "Blocking Queries").
 *
 * Index rules: one that went back means that Consul lost its state, so the data counts and the next question starts
 * from 0. After an error too: a Consul that restarted has a lower index, and a query with the old one would be held
 * for minutes and miss every change meanwhile. And after an answer that could not be taken: the next one would only
 * come with the next change, and what the bad one hid would be missed until then.
 *
 * Rate: an answer at once is free, a storm is not. News is read at the pace of `paceMs`; answers that brought
 * nothing (another check's output, an index that flaps) slow the loop down further, until something changes.
 */
export async function watch(options: WatchOptions): Promise<void> {
  const { whenThere, ask, onAnswer, onError, waitForReturn, isLost, world, signal } = options
  const { paceMs = 250, idlePaceMs = 1_000, figures = new WatchFigures() } = options
  const bucket = new TokenBucket(burst, () => world.clock.monotonic())
  const backoff = new Backoff({ firstMs: 250, maxMs: 30_000, random: world.random })
  let refillMs = paceMs
  const refused = (failure: ConsulError): Promise<void> => {
    figures.refusals++
    onError(failure)
    return sleep(world.clock, backoff.next(), signal)
  }
  for (let index = 0n; !signal.aborted; ) {
    const pause = bucket.take(refillMs)
    if (pause > 0) figures.delays++
    await sleep(world.clock, pause, signal)
    // Others may have lost contact while this one paused.
    if (await whenThere()) index = 0n
    if (signal.aborted) return
    let answer: Answer
    try {
      answer = await ask(index, waitMs(world.random), signal)
    } catch (error) {
      if (signal.aborted) return
      index = 0n
      const failure =
        error instanceof ConsulError ? error : new ConsulError(0, String(error), { cause: error })
      if (failure.status === 0 || (failure.status >= 500 && (await isLost(failure)))) {
        figures.losses++
        await waitForReturn(failure)
      } else await refused(failure)
      continue
    }
    const isSame = index !== 0n && answer.index === index
    let isNews: boolean
    try {
      // The wait ran out, or Consul woke for nothing (it promises no more): contact, and no news.
      isNews = !isSame && onAnswer(answer)
    } catch (error) {
      index = 0n
      await refused(new ConsulError(200, messageOf(error), { cause: error }))
      continue
    }
    backoff.succeeded()
    figures.answers++
    const wentBack = answer.index < index
    if (wentBack) figures.indexResets++
    index = wentBack ? 0n : answer.index
    if (!isSame && !isNews) figures.wakesWithoutNews++
    refillMs = isNews ? paceMs : Math.min(idlePaceMs, refillMs * 2)
  }
}

const burst = 4

/**
 * Two minutes, give or take a tenth, so that a thousand watches do not re-arm together. It is also how long a connection
 * that went silent without a word stays unnoticed, so not Consul's own five.
 */
const waitMs = (random: () => number): number => 120_000 * (0.9 + 0.2 * random())
