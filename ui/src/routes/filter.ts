import type { Row, RowFigures } from './rows.ts'

/** What a row must be to be shown. */
export interface Filter {
  /** As they were written. */
  readonly words: readonly string[]
  /** Whether it looks at figures, and so has another outcome with each of them. */
  readonly isLive: boolean
  lets(row: Row, figures: RowFigures | null): boolean
}

type Test = (row: Row, figures: RowFigures | null) => boolean

/** `field:text`: the text is part of it. */
const fields: Readonly<Record<string, (row: Row) => string>> = {
  host: ({ host }) => (host === '' ? 'any host' : host),
  path: ({ path }) => path,
  service: ({ target }) => target.service,
  instance: ({ target }) => target.instance,
  address: ({ target }) => target.address,
  tag: ({ target }) => target.tags.join('\n'),
  option: ({ target }) => target.options,
  health: ({ target }) => target.health,
  reason: ({ target }) => target.reason,
  from: ({ from, target }) => `${from}\n${target.origin}`,
}

/** `is:word` */
const states: Readonly<Record<string, Test>> = {
  routed: ({ target }) => target.routed,
  unrouted: ({ target }) => !target.routed,
  ejected: (_, figures) => figures !== null && figures.ejectedUntil !== null,
  draining: (_, figures) => figures?.draining === true,
  failing: (_, figures) => figures !== null && figures.failures > 0,
  starting: (_, figures) => figures !== null && figures.rise < 1,
}

/** `field>number`: share and errors in percent, times in milliseconds. A row of which nothing is known never fits. */
const numbers: Readonly<Record<string, (row: Row, figures: RowFigures | null) => number | null>> = {
  share: ({ target }) => target.share * 100,
  weight: ({ target }) => target.weight,
  rate: (_, figures) => figures?.requests ?? null,
  errors: (_, figures) => (figures === null ? null : figures.errors * 100),
  p50: (_, figures) => figures?.p50 ?? null,
  p99: (_, figures) => figures?.p99 ?? null,
  inflight: (_, figures) => figures?.inFlight ?? null,
}

/** All words that stand before a sign. */
export const filterNames: readonly string[] = [
  ...Object.keys(fields).map((name) => `${name}:`),
  ...Object.keys(states).map((name) => `is:${name}`),
  ...Object.keys(numbers),
]

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
}

const liveNames: ReadonlySet<string> = new Set([
  ...['ejected', 'draining', 'failing', 'starting'],
  ...['rate', 'errors', 'p50', 'p99', 'inflight'],
])

/**
 * Reads what somebody typed: words between white space, all of which must fit; `"two words"` are one. A word is part
 * of what the row says anywhere, or `field:part`, `is:state`, `field>number`; `-` in front of it means that it must not
 * fit. What is no known field is an ordinary word: `10.0.0.1:80`.
 */
export function readFilter(text: string): Filter {
  const words = text.toLowerCase().match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []
  const read = words.map((word) => readWord(word))
  return {
    words,
    isLive: read.some(({ isLive }) => isLive),
    lets: (row, figures) => read.every(({ test }) => test(row, figures)),
  }
}

function readWord(word: string): { test: Test; isLive: boolean } {
  const isNegated = word.length > 1 && word.startsWith('-')
  const bare = (isNegated ? word.slice(1) : word).replaceAll('"', '')
  const { test, isLive } = testOf(bare)
  return { test: isNegated ? (row, figures) => !test(row, figures) : test, isLive }
}

function testOf(word: string): { test: Test; isLive: boolean } {
  const [, name = '', sign = '', value = ''] = /^([a-z\d]+)(:|[<>]=?)(.+)$/s.exec(word) ?? []
  if (sign === ':' && name === 'is' && Object.hasOwn(states, value)) {
    return { test: states[value]!, isLive: liveNames.has(value) }
  }
  if (sign === ':' && Object.hasOwn(fields, name)) {
    const field = fields[name]!
    return { test: (row) => field(row).toLowerCase().includes(value), isLive: false }
  }
  const number = Number.parseFloat(value)
  if (sign !== ':' && Object.hasOwn(numbers, name) && !Number.isNaN(number)) {
    const [read, compare] = [numbers[name]!, comparisons[sign]!]
    const test: Test = (row, figures) => {
      const found = read(row, figures)
      return found !== null && compare(found, number)
    }
    return { test, isLive: liveNames.has(name) }
  }
  return { test: ({ text }) => text.includes(word), isLive: false }
}

/** The rows that the filter lets through, in their order. No words: the rows themselves. */
export function matching(
  rows: readonly Row[],
  filter: Filter,
  figures: (row: Row) => RowFigures | null,
): readonly Row[] {
  if (filter.words.length === 0) return rows
  return rows.filter((row) => filter.lets(row, filter.isLive ? figures(row) : null))
}
