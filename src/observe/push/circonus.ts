import { samplesOf } from './durations.ts'
import { type Format, flatNames, type NameOptions } from './formats.ts'
import type { Pushed } from './interval.ts'

/** One metric of an HTTPTrap: `L` is a count, `n` a number, `h` a histogram. */
interface Value {
  readonly _type: 'L' | 'n' | 'h'
  readonly _value: number | readonly string[]
}

const nanosecondsInMs = 1e6

/**
 * The bin of Circonus' log-linear histograms that has the value, by its lower bound of two digits: `1.2e+06`.
 * As its own libraries write it, with two digits in the exponent.
 */
function binOf(value: number): string {
  const [digits = '', exponent = ''] = value.toExponential(12).split('e')
  return `${digits.slice(0, 3)}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/** `H[1.2e+06]=3`: how many values there are in each bin, in nanoseconds as fabio has them. */
function binsOf({ counts, sum }: Pushed & { kind: 'timer' }, bounds: readonly number[]): string[] {
  const bins = new Map<string, number>()
  for (const { value, count } of samplesOf(counts, sum, bounds)) {
    const bin = binOf(value * nanosecondsInMs)
    bins.set(bin, (bins.get(bin) ?? 0) + count)
  }
  return [...bins].map(([bin, count]) => `H[${bin}]=${count}`)
}

/**
 * `circonus`: one JSON object for an HTTPTrap check (fabio reference 11.3), with the names of StatsD behind the prefix
 * and a backtick.
 */
export function circonus(options: Pick<NameOptions, 'prefix' | 'routeName'>): Format {
  const nameOf = flatNames({ ...options, separator: '`' })
  const metricOf = (pushed: Pushed, bounds: readonly number[]): Value => {
    if (pushed.kind === 'timer') return { _type: 'h', _value: binsOf(pushed, bounds) }
    return { _type: pushed.kind === 'counter' ? 'L' : 'n', _value: pushed.value }
  }
  return (all, bounds) => {
    const entries = all.map((pushed) => [nameOf(pushed), metricOf(pushed, bounds)])
    return entries.length === 0 ? [] : [JSON.stringify(Object.fromEntries(entries))]
  }
}
