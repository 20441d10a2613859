import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ratioOf, spreadOf } from '../../bench/statistics.ts'

describe('the spread of some figures', () => {
  const rows: [values: number[], median: number, low: number, high: number][] = [
    [[7], 7, 7, 7],
    [[3, 1, 2], 2, 1, 3],
    [[10, 9, 1, 2], 5.5, 1, 10],
    [[100, 20, 3], 20, 3, 100],
  ]
  for (const [values, median, low, high] of rows) {
    test(`of ${values.join(', ')} is ${median} from ${low} to ${high}`, () => {
      expect(spreadOf(values)).toEqual({ median, low, high })
    })
  }

  test('has as many figures above the median as below it', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), (values) => {
        const { median, low, high } = spreadOf(values)
        expect(values.filter((value) => value < median).length).toBeLessThanOrEqual(values.length / 2)
        expect(values.filter((value) => value > median).length).toBeLessThanOrEqual(values.length / 2)
        expect(values).toContain(low)
        expect(values.every((value) => value >= low && value <= high)).toBe(true)
      }),
    )
  })

  test('of nothing is refused', () => {
    expect(() => spreadOf([])).toThrow('expected at least one value, got none')
  })
})

describe('a ratio', () => {
  test('is that of the medians, its range that of the rounds', () => {
    expect(ratioOf([30, 20, 40], [10, 10, 5])).toEqual({ median: 3, low: 2, high: 8 })
  })

  test('of lists with different numbers of rounds is refused', () => {
    expect(() => ratioOf([1, 2], [1])).toThrow('expected one value a round on both sides, got 2 and 1')
  })
})
