import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawn, overscan, rangeOf } from '../../ui/src/routes/row-window.ts'

describe('the rows to draw', () => {
  const screen = { rows: 1_000, rowHeight: 50, viewportHeight: 500 }
  test.each([
    ['at the top of the table', 200, { first: 0, end: 6 + overscan }],
    ['within the table', -2_500, { first: 50 - overscan, end: 60 + overscan }],
    ['at its end', -49_500, { first: 990 - overscan, end: 1_000 }],
    ['while it is still below the screen', 5_000, { first: 0, end: 0 }],
    ['when it was scrolled past', -100_000, { first: 1_000, end: 1_000 }],
  ])('%s', (_, top, range) => {
    expect(rangeOf({ ...screen, top })).toEqual(range)
  })

  test('cover the screen and never leave the table, wherever it was scrolled to', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 10, max: 200 }),
        fc.integer({ min: -2_000_000, max: 5_000 }),
        fc.integer({ min: 100, max: 4_000 }),
        (rows, rowHeight, top, viewportHeight) => {
          const { first, end } = rangeOf({ rows, rowHeight, top, viewportHeight })
          expect(first).toBeGreaterThanOrEqual(0)
          expect(first).toBeLessThanOrEqual(end)
          expect(end).toBeLessThanOrEqual(rows)
          const above = first === 0 || top + first * rowHeight <= 0
          const below = end === rows || top + end * rowHeight >= viewportHeight
          expect([above, below]).toEqual([true, true])
          expect(end - first).toBeLessThanOrEqual(viewportHeight / rowHeight + 2 * overscan + 2)
        },
      ),
    )
  })
})

describe('the row with the focus stays in the document', () => {
  test.each([
    ['no row has it', -1, [3, 4, 5]],
    ['a row within the range', 4, [3, 4, 5]],
    ['a row above', 0, [0, 3, 4, 5]],
    ['the row just below', 6, [3, 4, 5, 6]],
  ])('%s', (_, focused, indices) => {
    expect(drawn({ first: 3, end: 6 }, focused)).toEqual(indices)
  })
})
