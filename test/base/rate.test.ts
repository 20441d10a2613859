import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRate } from '../../src/base/rate.ts'

describe('a limit', () => {
  test.each([
    ['100/m', { count: 100, seconds: 60, burst: 100, per: 'client' }],
    ['10/s,burst=50', { count: 10, seconds: 1, burst: 50, per: 'client' }],
    ['1000/30s,per=all', { count: 1000, seconds: 30, burst: 1000, per: 'all' }],
    ['5/1m30s,per=client,burst=1', { count: 5, seconds: 90, burst: 1, per: 'client' }],
    ['1/d', { count: 1, seconds: 86_400, burst: 1, per: 'client' }],
    ['1/h', { count: 1, seconds: 3600, burst: 1, per: 'client' }],
  ])('%s is %j', (text, expected) => {
    expect(parseRate(text)).toEqual(expected)
  })

  test.each([
    ...[
      '',
      '100',
      '100/',
      '/m',
      '0/s',
      '-1/s',
      '1.5/s',
      '1e3/s',
      '99999999999/s',
      '10/ms',
      '10/500ms',
      '10/1.5s',
    ],
    ...['10/0s', '10/25h', '10/w', '10/s,', '10/s,burst=0', '10/s,burst=-1', '10/s,burst', '10/s,burst=x'],
    ...[
      '10/s,per=route',
      '10/s,per=all,per=all',
      '10/s,burst=1,burst=2',
      '10/s per=all',
      '10/constructor',
      '10/s,x=1',
    ],
  ])('%j is none', (text) => {
    expect(parseRate(text)).toBeNull()
  })

  test('is one that can be counted, or none, whatever was written', () => {
    const part = fc.constantFrom(
      '1',
      '0',
      '10',
      '/',
      's',
      'm',
      'h',
      ',',
      'burst',
      'per',
      '=',
      'all',
      '.',
      '-',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join('')),
        ),
        (text) => {
          const rate = parseRate(text)
          if (rate === null) return
          expect(
            Number.isInteger(rate.count) && Number.isInteger(rate.seconds) && Number.isInteger(rate.burst),
          ).toBe(true)
          expect(Math.min(rate.count, rate.seconds, rate.burst)).toBeGreaterThanOrEqual(1)
        },
      ),
    )
  })
})
