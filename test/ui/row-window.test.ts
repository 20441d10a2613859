import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isFirstOfRoute, type Layout, layoutOf, lineAt, topOf } from '../../ui/src/routes/lines.ts'
import { drawn, overscan, rangeOf } from '../../ui/src/routes/row-window.ts'
import { type Row, rowsOf } from '../../ui/src/routes/rows.ts'
import { route, sample, tableOf, target } from './tables.ts'

const rows = rowsOf(sample)
const heights = { host: 30, row: 50 }

/** So many rows below each of the hosts. */
function table(...perHost: number[]): Layout {
  const [any] = rowsOf(tableOf([route('', '/', target())]))
  const of = (host: number, rows: number): Row[] =>
    Array.from({ length: rows }, (_, i) => ({ ...any!, host: `h${host}`, key: `h${host} ${i}` }))
  return layoutOf(
    perHost.flatMap((count, host) => of(host, count)),
    true,
  )
}

describe('the lines of a table', () => {
  test('are its rows with the name of each host above them, in its own order', () => {
    const layout = layoutOf(rows, true)
    const { lines, hostsAbove } = layout
    expect(lines.map((line) => (line.kind === 'host' ? line.host : line.path))).toEqual([
      ...['api.example.com', '/v2/orders', '/v2/orders', '/v2/orders', '/'],
      ...['mysite.com', '/foo', '/foo', '/foo'],
      ...[':5432', ''],
      ...['', '/old', '/'],
    ])
    expect([...hostsAbove]).toEqual([0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4])
    expect(lines.flatMap((line) => (line.kind === 'host' ? [line.rows.length] : []))).toEqual([4, 3, 1, 2])
    const firsts = lines.flatMap((line, i) => (line.kind === 'row' && isFirstOfRoute(layout, i) ? [i] : []))
    expect(firsts).toEqual([1, 4, 6, 10, 12, 13])
  })

  test('are its rows alone in any other order', () => {
    const { lines } = layoutOf(rows, false)
    expect(lines.map((line) => line.key)).toEqual(rows.map((row) => row.key))
  })

  test('lie below each other without a gap, and each is found at every height of its own', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 }), (hosts) => {
        const layout = table(...hosts)
        let top = 0
        for (const [i, line] of layout.lines.entries()) {
          const height = heights[line.kind]
          expect(topOf(layout, i, heights)).toBe(top)
          expect([lineAt(layout, top, heights), lineAt(layout, top + height - 1, heights)]).toEqual([i, i])
          top += height
        }
        const all = layout.lines.length
        expect([topOf(layout, all, heights), lineAt(layout, top + 1000, heights)]).toEqual([top, all])
        expect(lineAt(layout, -1, heights)).toBe(0)
      }),
    )
  })
})

describe('the lines to draw', () => {
  const screen = { layout: table(999), heights, viewportHeight: 500 }
  test.each([
    ['at the top of the table', 200, { first: 0, end: 7 + overscan }],
    ['within the table', -2_500, { first: 50 - overscan, end: 61 + overscan }],
    ['at its end', -49_480, { first: 990 - overscan, end: 1_000 }],
    ['while it is still below the screen', 5_000, { first: 0, end: 1 + overscan }],
    ['when it was scrolled past', -100_000, { first: 1_000 - overscan, end: 1_000 }],
  ])('%s', (_, top, range) => {
    expect(rangeOf({ ...screen, top })).toEqual(range)
  })

  test('cover the screen and never leave the table, wherever it was scrolled to', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 10 }),
        fc.record({ host: fc.integer({ min: 10, max: 200 }), row: fc.integer({ min: 10, max: 200 }) }),
        fc.integer({ min: -2_000_000, max: 5_000 }),
        fc.integer({ min: 100, max: 4_000 }),
        (hosts, sizes, top, viewportHeight) => {
          const layout = table(...hosts)
          const all = layout.lines.length
          const { first, end } = rangeOf({ layout, heights: sizes, top, viewportHeight })
          expect(first).toBeGreaterThanOrEqual(0)
          expect(first).toBeLessThanOrEqual(end)
          expect(end).toBeLessThanOrEqual(all)
          const above = first === 0 || top + topOf(layout, first, sizes) <= 0
          const below = end === all || top + topOf(layout, end, sizes) >= viewportHeight
          expect([above, below]).toEqual([true, true])
          const least = Math.min(sizes.host, sizes.row)
          expect(end - first).toBeLessThanOrEqual(viewportHeight / least + 2 * overscan + 2)
        },
      ),
    )
  })
})

describe('the line with the focus stays in the document', () => {
  test.each([
    ['no line has it', -1, [3, 4, 5]],
    ['a line within the range', 4, [3, 4, 5]],
    ['a line above', 0, [0, 3, 4, 5]],
    ['the line just below', 6, [3, 4, 5, 6]],
  ])('%s', (_, focused, indices) => {
    expect(drawn({ first: 3, end: 6 }, focused)).toEqual(indices)
  })
})
