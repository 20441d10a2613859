const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Go counts a duration in nanoseconds in 63 bits. */
const longestMs = 2 ** 63 / 1e6

/** A timer of Node that is asked for more fires at once. 24.8 days, so nobody waits to see the difference. */
export const longestTimerMs = 2 ** 31 - 1

/**
 * A Go duration in ms, fractions kept, negative where it says so: `1m30s`, `250ms`, `1.5h`, `0`, `-2s`. Null where the
 * text is none.
 */
export function durationMs(text: string): number | null {
  const match = /^([+-]?)(0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text)
  if (match === null) return null
  let ms = 0
  for (const [, number, unit] of match[2]!.matchAll(/([\d.]+)([^\d.]+)/g))
    ms += Number(number) * unitMs[unit!]!
  if (ms >= longestMs) return null
  return match[1] === '-' ? 0 - ms : ms
}
