/** Milliseconds; `NaN` where there was nothing to measure. */
export interface Latencies {
  readonly p50: number
  readonly p99: number
  readonly most: number
  readonly count: number
}

export const round = (value: number): number => Math.round(value * 10) / 10

/** @param list milliseconds; negative ones are no measurements */
export function latenciesOf(list: readonly number[]): Latencies {
  const sorted = list.filter((ms) => ms >= 0).toSorted((a, b) => a - b)
  const at = (part: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN)
  return { p50: at(0.5), p99: at(0.99), most: at(1), count: sorted.length }
}
