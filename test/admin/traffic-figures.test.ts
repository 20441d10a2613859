import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LiveWindow, liveForMs } from '../../src/admin/live-window.ts'
import { growth, quantile, type TrafficFigures } from '../../src/admin/traffic-figures.ts'
import type { FiguresView } from '../../src/admin/traffic-view.ts'
import { breathe } from '../../src/base/world.ts'
import { counts, reading, service, targets } from './figures.ts'

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
  const windowOf = async (...readings: [at: number, figures: TrafficFigures][]) => {
    const live = new LiveWindow(breathe)
    for (const [at, figures] of readings) await live.take(at, figures)
    return live.view()
  }

  test('is unknown until there are two readings', async () => {
    expect(await windowOf()).toBeNull()
    expect(await windowOf([0, reading()])).toBeNull()
  })

  test('has rates and the share of errors, of the whole and of each service that had a request', async () => {
    const view = await windowOf(
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
      instances: {},
      states: {},
    })
  })

  test('covers five to ten seconds, however long it goes on', async () => {
    const live = new LiveWindow(breathe)
    for (let second = 0; second <= 100; second++) {
      await live.take(second * 1000, reading({ services: [service('a', second * second, 0)] }))
      const view = live.view()
      if (second < 5) continue
      expect(view!.seconds * 1000).toBeGreaterThanOrEqual(liveForMs)
      expect(view!.seconds * 1000).toBeLessThan(2 * liveForMs + 1000)
    }
    // 100² less 95², in five seconds
    expect(live.view()!.services.a!.requests).toBe(195)
  })

  const at = (path: string, requests: number, more: object = {}) => ({
    ...{ service: 'a', host: 'a.com', path, url: 'http://10.0.0.1:80/', requests },
    ...more,
  })

  test('by route and instance, and over all routes of an instance where that says more', async () => {
    const view = await windowOf(
      [
        0,
        reading({ targets: targets(at('/', 1), at('/idle', 5), at('/b', 2, { url: 'http://10.0.0.2/x' })) }),
      ],
      [
        1000,
        reading({
          targets: targets(
            ...[at('/', 3), at('/idle', 5), at('/new', 6, { errors: 3, inFlight: 2 })],
            at('/waits', 0, { inFlight: 1 }),
            at('/b', 4, { url: 'http://10.0.0.2/x' }),
            at('/', 1, { service: 'b', url: 'http://10.0.0.3:81/' }),
          ),
        }),
      ],
    )
    expect(view!.instances).toEqual({
      a: {
        '10.0.0.1:80': {
          all: [8, 0.375, 5, 9.9, 3],
          rows: {
            'a.com/': [2, 0, 5, 9.9, 0],
            'a.com/new': [6, 0.5, 5, 9.9, 2],
            'a.com/waits': [0, 0, null, null, 1],
          },
        },
        '10.0.0.2:80': { rows: { 'a.com/b http://10.0.0.2/x': [2, 0, 5, 9.9, 0] } },
      },
      b: { '10.0.0.3:81': { rows: { 'a.com/': [1, 0, 5, 9.9, 0] } } },
    })
  })

  test('of a target that is counted anew is what was counted since', async () => {
    const view = await windowOf(
      [0, reading({ targets: targets(at('/', 100, { errors: 90 })) })],
      [1000, reading({ targets: targets(at('/', 4, { errors: 1 })) })],
    )
    expect(view!.instances.a!['10.0.0.1:80']!.rows['a.com/']).toEqual([4, 0.25, 5, 9.9, 0])
  })

  test('of a service with a name that objects have too is there as well', async () => {
    const of = (requests: number) =>
      reading({
        services: ['__proto__', 'constructor'].map((name) => service(name, requests, 0)),
        targets: targets(...['__proto__', 'constructor'].map((name) => at('/', requests, { service: name }))),
      })
    const view = JSON.parse(JSON.stringify(await windowOf([0, of(1)], [1000, of(3)]))) as FiguresView
    expect(Object.keys(view.services)).toEqual(['__proto__', 'constructor'])
    expect(Object.keys(view.instances)).toEqual(['__proto__', 'constructor'])
  })

  test('of 20,000 targets is worked out in pieces, between which everything else has its turn', async () => {
    const some = (requests: number) =>
      targets(
        ...Array.from({ length: 20_000 }, (_, i) =>
          at(`/${i}`, requests, { url: `http://10.0.${i >> 8}.${i & 255}:80/` }),
        ),
      )
    let turns = 0
    const live = new LiveWindow(async () => {
      turns++
      await breathe()
    })
    await live.take(0, reading({ targets: some(1) }))
    await live.take(1000, reading({ targets: some(2) }))
    // Each was read twice, compared and written: 500 at a time.
    expect(turns).toBe(4 * (20_000 / 500))
    expect(Object.keys(live.view()!.instances.a!)).toHaveLength(20_000)
    // 45 characters each, and no more: they go to every page that is open.
    expect(JSON.stringify(live.view()!.instances).length / 20_000).toBeLessThan(64)
  })

  test('has what traffic has taught, whether anything was counted or not', async () => {
    const state = { inFlight: 0, failures: 5, ejectedUntil: 5000, rise: 1, draining: false }
    const states = [
      { address: '10.0.0.9:80', ...state },
      { address: '10.0.0.1:80', ...state, failures: 0, inFlight: 2, ejectedUntil: null },
    ]
    const view = await windowOf([0, reading()], [1000, reading({ states })])
    expect(view!.states).toEqual({
      '10.0.0.9:80': { ...state, ejectedUntil: '1970-01-01T00:00:05.000Z' },
      '10.0.0.1:80': { ...state, failures: 0, inFlight: 2, ejectedUntil: null },
    })
  })
})
