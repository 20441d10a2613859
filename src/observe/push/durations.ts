/** Values that stand for the durations of an interval: each with how many it stands for. */
export interface Sample {
  /** Milliseconds. */
  readonly value: number
  readonly count: number
}

/**
 * A value for each bucket: in the middle of what was counted there, and all of them moved so that their sum is the one
 * that was measured, as far as they stay within their buckets. So means are right and percentiles are off by no more
 * than a bucket.
 *
 * @param bounds upper bounds, milliseconds; one bucket more for what took longer
 */
export function samplesOf(counts: readonly number[], sum: number, bounds: readonly number[]): Sample[] {
  const all: { low: number; high: number; value: number; count: number }[] = []
  for (const [i, count] of counts.entries()) {
    if (count <= 0) continue
    const low = i === 0 ? 0 : bounds[i - 1]!
    // Nobody knows how much longer: twice the last bound, unless the sum says more.
    const high = bounds[i] ?? Math.max(2 * low, sum)
    all.push({ low, high, value: i < bounds.length ? (low + high) / 2 : low, count })
  }
  const guessed = all.reduce((total, { value, count }) => total + value * count, 0)
  const short = sum - guessed
  const room = all.reduce(
    (total, { low, high, value, count }) => total + count * (short > 0 ? high - value : value - low),
    0,
  )
  const part = room === 0 ? 0 : Math.min(1, Math.abs(short) / room)
  return all.map(({ low, high, value, count }) => ({
    value: short > 0 ? value + part * (high - value) : value - part * (value - low),
    count,
  }))
}

/**
 * The duration that a part `q` (0 to 1) did not exceed: within its bucket they are taken as evenly spread.
 * Longer than all bounds: the last of them.
 */
export function quantileOf(q: number, counts: readonly number[], bounds: readonly number[]): number {
  const all = counts.reduce((sum, count) => sum + count, 0)
  let left = q * all
  for (const [i, bound] of bounds.entries()) {
    const count = counts[i]!
    if (count > 0 && left <= count) {
      const low = i === 0 ? 0 : bounds[i - 1]!
      return low + (left / count) * (bound - low)
    }
    left -= count
  }
  return bounds.at(-1) ?? 0
}
