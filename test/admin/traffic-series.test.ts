import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TrafficSeries } from '../../src/admin/traffic-series.ts'
import { reading, service } from './figures.ts'

const options = { points: 4, stepMs: 5_000, mostServices: 2 }

describe('the series', () => {
  test('have a point for each step, as rates, the oldest first, and nothing before the first reading', () => {
    const series = new TrafficSeries(options)
    series.take(1_000, reading())
    series.take(
      6_000,
      reading({ services: [service('a', 10, 5)], connectionsAccepted: 20, connectionsOpen: 3 }),
    )
    series.take(11_000, reading({ services: [service('a', 10, 5)], connectionsAccepted: 20, unplaced: 10 }))
    expect(series.view(null, 100_000, 12_000)).toEqual({
      at: '1970-01-01T00:01:39.000Z',
      everySeconds: 5,
      service: null,
      series: {
        requests: [null, null, 2, 2],
        errors: [null, null, 1, 0],
        p50: [null, null, 5, null],
        p99: [null, null, 9.9, null],
        connectionsOpen: [null, null, 3, 0],
        connectionsAccepted: [null, null, 4, 0],
      },
      services: [{ service: 'a', requests: 10, errors: 5 }],
      omitted: 0,
    })
  })

  test('of one service have no connections; one that nobody knows has nothing', () => {
    const series = new TrafficSeries(options)
    series.take(0, reading())
    series.take(5_000, reading({ services: [service('a', 10, 5)] }))
    const { series: own } = series.view('a', 5_000, 5_000)
    expect(own).toMatchObject({ requests: [null, null, null, 2], connectionsOpen: [] })
    expect(series.view('b', 5_000, 5_000).series.requests).toEqual([null, null, null, null])
  })

  test('take the oldest point away for the newest', () => {
    const series = new TrafficSeries(options)
    for (let step = 0; step <= 9; step++) {
      series.take(step * 5_000, reading({ services: [service('a', 5 * step * step, 0)] }))
    }
    expect(series.view('a', 0, 0).series.requests).toEqual([11, 13, 15, 17])
  })

  test('of a service that comes later were at 0 before', () => {
    const series = new TrafficSeries(options)
    for (let step = 0; step <= 3; step++) {
      series.take(step * 5_000, reading({ services: step < 3 ? [] : [service('late', 5, 0)] }))
    }
    expect(series.view('late', 0, 0).series.requests).toEqual([null, 0, 0, 1])
  })

  test('forget a service once nothing of it is in them', () => {
    const series = new TrafficSeries(options)
    const all = reading({ services: [service('a', 5, 0)] })
    series.take(0, reading())
    for (let step = 1; step <= 4; step++) series.take(step * 5_000, all)
    expect(series.view(null, 0, 0).services).toEqual([{ service: 'a', requests: 5, errors: 0 }])
    series.take(25_000, all)
    expect(series.view(null, 0, 0).services).toEqual([])
  })

  test('are of a bounded number of services: the silent one gives way, busy ones stay', () => {
    const series = new TrafficSeries(options)
    series.take(0, reading())
    series.take(5_000, reading({ services: [service('a', 1, 0), service('b', 1, 0), service('c', 9, 0)] }))
    const names = (): string[] => series.view(null, 0, 0).services.map((each) => each.service)
    expect([names(), series.view(null, 0, 0).omitted]).toEqual([['a', 'b'], 1])
    series.take(10_000, reading({ services: [service('a', 1, 0), service('b', 2, 0), service('c', 10, 0)] }))
    expect([names(), series.view(null, 0, 0).omitted]).toEqual([['b', 'c'], 0])
  })

  // Seen on a busy machine: steady traffic had a peak where a reading was late, and a dip behind it.
  test('of steady traffic are level, however late the readings come', () => {
    const lateness = fc.array(fc.nat(4_000), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(lateness, (late) => {
        const series = new TrafficSeries({ points: 100, stepMs: 5_000, mostServices: 2 })
        series.take(0, reading({ services: [service('a', 0, 0)] }))
        for (const [i, ms] of late.entries()) {
          const at = (i + 1) * 5_000 + ms
          series.take(at, reading({ services: [service('a', at / 100, at / 1_000)] }))
        }
        const { series: whole } = series.view(null, 0, 0)
        for (const rate of whole.requests) expect([null, 10]).toContain(rate)
        for (const rate of whole.errors) expect([null, 1]).toContain(rate)
      }),
    )
  })

  test('lose no request, whenever the readings come', () => {
    const steps = fc.array(fc.record({ ms: fc.integer({ min: 1, max: 12_000 }), requests: fc.nat(50) }), {
      minLength: 1,
      maxLength: 30,
    })
    fc.assert(
      fc.property(steps, (readings) => {
        const series = new TrafficSeries({ points: 1000, stepMs: 5_000, mostServices: 2 })
        let at = 0
        let requests = 0
        series.take(at, reading({ services: [service('a', 0, 0)] }))
        // What came behind the newest point is in the next one.
        const quiet = { ms: 5_000, requests: 0 }
        for (const each of [...readings, quiet, quiet]) {
          at += each.ms
          requests += each.requests
          series.take(at, reading({ services: [service('a', requests, 0)] }))
          const told = series.view(null, 0, 0).services[0]?.requests ?? 0
          expect(told).toBeLessThanOrEqual(requests)
        }
        const { services, series: whole } = series.view(null, 0, 0)
        const total = whole.requests.reduce<number>((sum, rate) => sum + (rate ?? 0) * 5, 0)
        expect(Math.abs(total - requests)).toBeLessThanOrEqual(requests * 0.01 + 0.01)
        expect(services[0]?.requests ?? 0).toBe(requests)
        // Each step that has passed has its point.
        const known = whole.requests.filter((rate) => rate !== null)
        expect(known).toHaveLength(Math.floor(at / 5_000))
      }),
    )
  })
})
