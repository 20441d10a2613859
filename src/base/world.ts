/** What a part needs of the world around it. Handed in, so that tests hold time and chance in their hands. */
export interface World {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  random(): number
}

export interface Clock {
  /** Milliseconds since the epoch: for people to read, never for durations (it may jump). */
  now(): number
  /** Milliseconds on a clock that only goes forward: for durations and deadlines. */
  monotonic(): number
  /** Calls back once after `ms`; the returned function cancels. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

export const systemWorld: World = { clock: systemClock, random: Math.random }

/** Lets everything else that waits go on: between two pieces of long work. */
export type Breathe = () => Promise<void>

export const breathe: Breathe = () => new Promise((resolve) => setImmediate(resolve))

/** Resolves after `ms`, or at once when there is nothing to wait for or the signal ends. Never rejects: the caller asks the signal what happened. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || ms <= 0) return resolve()
    const wake = (): void => {
      cancel()
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const cancel = clock.after(ms, wake)
    signal.addEventListener('abort', wake, { once: true })
  })
}
