import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DurationError, parseGoDuration } from '../../src/registry/embedded/duration.ts'

describe('durations as Go writes them', () => {
  const cases: [text: string, ms: number][] = [
    ['0', 0],
    ['+0', 0],
    ['300ms', 300],
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['2.s', 2_000],
    ['-1.5h', -5_400_000],
    ['+5m', 300_000],
    ['1h2m3s4ms', 3_723_004],
    ['100us', 0.1],
    ['100µs', 0.1],
    ['100μs', 0.1],
    ['1000000ns', 1],
  ]
  for (const [text, ms] of cases) {
    test(`${text} is ${ms} ms`, () => expect(parseGoDuration(text)).toBeCloseTo(ms, 9))
  }

  const wrong: [text: string, says: string][] = [
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['bad', 'time: invalid duration "bad"'],
    ['.s', 'time: invalid duration ".s"'],
    [' 1s', 'time: invalid duration " 1s"'],
    ['5', 'time: missing unit in duration "5"'],
    ['1m1', 'time: missing unit in duration "1m1"'],
    ['5x', 'time: unknown unit "x" in duration "5x"'],
    ['1s ', 'time: unknown unit "s " in duration "1s "'],
    ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
    ['9999999999h', 'time: invalid duration "9999999999h"'],
  ]
  for (const [text, says] of wrong) {
    test(`${JSON.stringify(text)} is refused in Go's words`, () => {
      expect(() => parseGoDuration(text)).toThrow(new DurationError(says))
    })
  }

  test('parts add up, whatever they are', () => {
    const part = fc.tuple(fc.nat({ max: 1_000 }), fc.constantFrom('ms', 's', 'm', 'h'))
    const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const sum = parts.reduce(
          (total, [count, unit]) => total + count * unitMs[unit as keyof typeof unitMs],
          0,
        )
        expect(parseGoDuration(parts.map((each) => each.join('')).join(''))).toBe(sum)
      }),
    )
  })

  test('any text is a number or a DurationError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+0-9.a-z]*$/)), (text) => {
        try {
          expect(Number.isFinite(parseGoDuration(text))).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(DurationError)
        }
      }),
    )
  })
})
