import { spreadOf } from '../statistics.ts'

/** How a process stood after so many requests. */
export interface Sample {
  readonly requests: number
  readonly rssMiB: number
  readonly files: number
}

/** What the heap of V8 does by itself from one collection to the next. */
const swingMiB = 16

/**
 * Whether memory stays where it is: the last quarter of the samples is not above the second by more than a tenth and
 * what collections do. The first quarter is not looked at: in it code is compiled and buffers are made.
 */
export function isFlat(samples: readonly Sample[]): { isFlat: boolean; says: string } {
  const quarter = Math.floor(samples.length / 4)
  if (quarter < 1) return { isFlat: false, says: `expected at least 4 samples, got ${samples.length}` }
  const median = (from: number, to: number): number =>
    spreadOf(samples.slice(from, to).map(({ rssMiB }) => rssMiB)).median
  const early = median(quarter, 2 * quarter)
  const late = median(samples.length - quarter, samples.length)
  const flat = late <= 1.1 * early + swingMiB
  const figures = `${early.toFixed(1)} MiB in the second quarter, ${late.toFixed(1)} MiB in the last`
  return { isFlat: flat, says: `${flat ? 'flat' : 'memory grows'}: ${figures}` }
}
