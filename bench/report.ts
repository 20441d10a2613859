import type { Measured, Round } from './measure.ts'
import { ratioOf, type Spread, spreadOf } from './statistics.ts'

/** What the rounds of one proxy come to. */
export interface Summary {
  readonly name: string
  /** Microseconds of CPU time for a request. */
  readonly cpu: Spread
  /** How many times the CPU time of another proxy, by its name. */
  readonly ratios: Readonly<Record<string, Spread>>
  /** The part of one core that the proxy kept busy, 0 to 1: the rate is its own limit only near 1. */
  readonly core: Spread
  readonly requestsPerSecond: Spread
  /** Milliseconds. */
  readonly p50: Spread
  readonly p99: Spread
}

/**
 * Whom ratios are taken against: HAProxy, or where it is not measured the Node baselines. Gatehouse is compared with
 * itself where it is there in several forms.
 */
export function basesOf(names: readonly string[]): string[] {
  const ours = names.filter((name) => name.startsWith('gatehouse'))
  const own = ours.length > 1 ? ours.slice(0, 1) : []
  if (names.includes('haproxy')) return ['haproxy', ...own]
  return [...names.filter((name) => name === 'undici' || name === 'fastify'), ...own]
}

const cpuPerRequest = ({ cpuSeconds, requests }: Round): number => (cpuSeconds / requests) * 1e6

/** @param against whom ratios are taken against, by name */
export function summarise(
  measured: readonly Measured[],
  against: readonly string[] = basesOf(measured.map(({ name }) => name)),
): Summary[] {
  const bases = measured.filter(({ name }) => against.includes(name))
  return measured.map(({ name, rounds }) => {
    const cpu = rounds.map(cpuPerRequest)
    return {
      name,
      cpu: spreadOf(cpu),
      ratios: Object.fromEntries(
        bases.map((base) => [base.name, ratioOf(cpu, base.rounds.map(cpuPerRequest))]),
      ),
      core: spreadOf(rounds.map(({ cpuSeconds, seconds }) => cpuSeconds / seconds)),
      requestsPerSecond: spreadOf(rounds.map(({ requests, seconds }) => requests / seconds)),
      p50: spreadOf(rounds.map(({ p50 }) => p50)),
      p99: spreadOf(rounds.map(({ p99 }) => p99)),
    }
  })
}

/** The table of one case, a line for each proxy. */
export function renderSummaries(summaries: readonly Summary[]): string {
  const bases = Object.keys(summaries[0]?.ratios ?? {})
  return renderTable(
    [
      'proxy',
      'CPU us/request',
      ...bases.map((base) => `x ${base}`),
      'requests/s',
      'p50 ms',
      'p99 ms',
      'core',
    ],
    summaries.map(({ name, cpu, ratios, requestsPerSecond, p50, p99, core }) => [
      name,
      renderSpread(cpu, 1),
      ...bases.map((base) => ratioCell(base === name, ratios[base]!)),
      String(Math.round(requestsPerSecond.median)),
      p50.median.toFixed(2),
      p99.median.toFixed(2),
      `${Math.round(core.median * 100)} %`,
    ]),
  )
}

/** `1` for who is the measure of the others. */
export const ratioCell = (isBase: boolean, ratio: Spread): string => (isBase ? '1' : renderSpread(ratio, 2))

/** `21.3 [20.9-22.0]` */
export const renderSpread = ({ median, low, high }: Spread, digits: number): string =>
  `${median.toFixed(digits)} [${low.toFixed(digits)}-${high.toFixed(digits)}]`

/** Columns as wide as what stands in them; the first is text, the others are numbers. */
export function renderTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('   ')
      .trimEnd()
  return `${[heading, ...rows].map(line).join('\n')}\n`
}
