import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunProgram } from '../processes.ts'
import { connections, fieldArguments, type Load, type LoadResult, urlOf } from './generator.ts'

/** Seconds at the beginning that are not looked at: connections open, and those that wait catch up. */
const settling = 1

/**
 * Sends at a rate, whatever the answers do, as far as each of 64 connections is free: at half load nearly always. wrk
 * cannot: it sends the next request when an answer is there.
 */
export const h2load = (run: RunProgram, folder: string) => ({
  name: 'h2load',
  /** @param rate requests per second, over all connections. Rejects where the generator does not come up to it. */
  async run(load: Load, rate: number): Promise<LoadResult> {
    const log = join(folder, 'h2load.tsv')
    // It goes on where an earlier one has ended.
    await rm(log, { force: true })
    await run('h2load', [
      '--h1',
      ...['-t', '1', '-c', String(connections), '-D', String(load.seconds + settling)],
      ...['--rps', String(rate / connections), '--log-file', log],
      ...fieldArguments(load),
      urlOf(load),
    ])
    const result = parseLog(await readFile(log, 'utf8'), load.seconds)
    const { requests, seconds } = result
    if (requests < 0.95 * rate * seconds) {
      throw new Error(
        `h2load: expected ${Math.round(rate * seconds)} answers in ${seconds} s, got ${requests}`,
      )
    }
    return result
  },
})

/** Reads what `h2load --log-file` has written: start, status and duration of each request, in microseconds. */
export function parseLog(text: string, seconds: number): LoadResult {
  const rows = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const row = line.split('\t').map(Number)
      if (row.length < 3 || !row.every(Number.isFinite))
        throw new Error(`h2load: expected numbers in columns, got ${JSON.stringify(line)}`)
      return row as [start: number, status: number, duration: number]
    })
  if (rows.length === 0) throw new Error('h2load: expected at least one request in its log, got none')
  const begin = rows.reduce((least, [start]) => Math.min(least, start), Number.POSITIVE_INFINITY)
  const from = begin + settling * 1e6
  const counted = rows.filter(([start]) => start >= from && start < from + seconds * 1e6)
  const durations = Float64Array.from(counted, ([, , duration]) => duration / 1_000).sort()
  const at = (part: number): number =>
    durations[Math.min(durations.length - 1, Math.floor(durations.length * part))]!
  return {
    requests: counted.length,
    seconds,
    p50: at(0.5),
    p99: at(0.99),
    // h2load writes 0xffff where an answer never came.
    errors: counted.filter(([, status]) => status > 999).length,
    refused: counted.filter(([, status]) => status <= 999 && (status < 200 || status > 299)).length,
  }
}
