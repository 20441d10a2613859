/** The middle of a list and how far it reaches. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Throws where there is nothing to take the middle of. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('expected at least one value, got none')
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
  return { median, low: sorted[0]!, high: sorted.at(-1)! }
}

/**
 * How many times `base` the values are: the ratio of the medians, and the lowest and highest ratio of two values of
 * the same round. The lists have one value a round, in the order of the rounds.
 */
export function ratioOf(values: readonly number[], base: readonly number[]): Spread {
  if (values.length !== base.length) {
    throw new RangeError(`expected one value a round on both sides, got ${values.length} and ${base.length}`)
  }
  const { low, high } = spreadOf(values.map((value, round) => value / base[round]!))
  return { median: spreadOf(values).median / spreadOf(base).median, low, high }
}
