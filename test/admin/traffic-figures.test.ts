import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LiveWindow, liveForMs } from '../../src/admin/live-window.ts'
import { growth, quantile, type TrafficFigures } from '../../src/admin/traffic-figures.ts'
import { counts, instance, reading, service } from './figures.ts'

describe('a quantile', () => {
  const bounds = [10, 100, 1000]
  test.each([
    ['of nothing is unknown', 0.5, [0, 0, 0, 0], null],
    ['lies within its bucket, evenly spread', 0.5, [0, 10, 0, 0], 55],
    ['begins at 0 in the first bucket', 0.5, [10, 0, 0, 0], 5],
    ['is in the bucket that reaches it', 0.99, [98, 0, 2, 0], 550],
    ['of what took longer than all bounds is the last of them', 0.5, [0, 0, 0, 3], 1000],
  ])('%s', (_, q, buckets, expected) => {
    expect(quantile(q, buckets, bounds)).toBe(expected)
  })

  test('never falls as its part grows, and stays within the bounds', () => {
    const some = fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(some, fc.double({ min: 0, max: 1, noNaN: true }), (buckets, q) => {
        const low = quantile(q / 2, buckets, bounds)
        const high = quantile(q, buckets, bounds)
        if (buckets.every((count) => count === 0)) return expect([low, high]).toEqual([null, null])
        expect(low).toBeLessThanOrEqual(high!)
        expect(high).toBeLessThanOrEqual(1000)
        expect(low).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('the growth between two readings', () => {
  test('is the difference of each count', () => {
    expect(growth(counts(10, 1), counts(15, 3))).toEqual(counts(5, 2))
  })

  test('of somebody new is all of it, and so it is after a restart', () => {
    expect(growth(undefined, counts(4, 0))).toEqual(counts(4, 0))
    expect(growth(counts(10, 1), counts(4, 0))).toEqual(counts(4, 0))
  })
})

describe('what passes through now', () => {
  const windowOf = (...readings: [at: number, figures: TrafficFigures][]) => {
    const live = new LiveWindow()
    for (const [at, figures] of readings) live.take(at, figures)
    return live.view()
  }

  test('is unknown until there are two readings', () => {
    expect(windowOf()).toBeNull()
    expect(windowOf([0, reading()])).toBeNull()
  })

  test('has rates and the share of errors, of the whole and of each service that had a request', () => {
    const view = windowOf(
      [0, reading({ services: [service('a', 100, 0), service('idle', 7, 0)] })],
      [
        2000,
        reading({
          services: [service('a', 120, 5), service('idle', 7, 0), service('new', 4, 0)],
          unplaced: 6,
          connectionsOpen: 3,
        }),
      ],
    )
    expect(view).toEqual({
      seconds: 2,
      total: { requests: 15, errors: 0.167, p50: 5, p99: 9.9, connectionsOpen: 3 },
      services: {
        a: { requests: 10, errors: 0.25, p50: 5, p99: 9.9 },
        new: { requests: 2, errors: 0, p50: 5, p99: 9.9 },
      },
      instances: null,
      states: {},
    })
  })

  test('covers five to ten seconds, however long it goes on', () => {
    const live = new LiveWindow()
    for (let second = 0; second <= 100; second++) {
      live.take(second * 1000, reading({ services: [service('a', second * second, 0)] }))
      const view = live.view()
      if (second < 5) continue
      expect(view!.seconds * 1000).toBeGreaterThanOrEqual(liveForMs)
      expect(view!.seconds * 1000).toBeLessThan(2 * liveForMs + 1000)
    }
    // 100² less 95², in five seconds
    expect(live.view()!.services.a!.requests).toBe(195)
  })

  test('by instance, where somebody counts so, and what traffic has taught, whether anything was counted or not', () => {
    const state = { inFlight: 0, failures: 5, ejectedUntil: 5000, rise: 1, draining: false }
    const view = windowOf(
      [0, reading({ instances: [instance('a', '10.0.0.1:80', 1), instance('a', '10.0.0.2:80', 1)] })],
      [
        1000,
        reading({
          instances: [instance('a', '10.0.0.1:80', 3), instance('a', '10.0.0.2:80', 1)],
          states: [
            { address: '10.0.0.9:80', ...state },
            { address: '10.0.0.1:80', ...state, failures: 0, inFlight: 2, ejectedUntil: null },
          ],
        }),
      ],
    )
    expect(view!.instances).toEqual({
      'a 10.0.0.1:80': { requests: 2, errors: 0, p50: 5, p99: 9.9 },
    })
    expect(view!.states).toEqual({
      '10.0.0.9:80': { ...state, ejectedUntil: '1970-01-01T00:00:05.000Z' },
      '10.0.0.1:80': { ...state, failures: 0, inFlight: 2, ejectedUntil: null },
    })
  })
})
