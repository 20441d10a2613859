import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/world.ts'
import { boundsOf, Metrics } from '../../src/observe/metrics.ts'
import { quantileOf, samplesOf } from '../../src/observe/push/durations.ts'
import { dogstatsd, graphite, type NameOptions, routeNames, statsd } from '../../src/observe/push/formats.ts'
import { Interval } from '../../src/observe/push/interval.ts'
import { Pusher } from '../../src/observe/push/pusher.ts'
import { packetsOf, tcpTransport, udpTransport } from '../../src/observe/push/transports.ts'
import { emptySnapshot } from '../../src/observe/snapshot.ts'
import type { Target } from '../../src/route/table.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { exchangeOf } from '../support/exchange.ts'
import { FakeClock, fakeWorld, settle } from '../support/fake-clock.ts'
import { waitFor } from '../support/wait.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const names: NameOptions = {
  prefix: 'fabio',
  separator: '',
  routeName: '{{clean .Service}}.{{clean .Host}}.{{clean .Path}}.{{clean .TargetURL.Host}}',
}
const buckets = [0.005, 0.1, 1]
const bounds = boundsOf(buckets)

function counting() {
  const metrics = new Metrics({ buckets })
  const interval = new Interval(bounds)
  const meter = metrics.take({ service: 'svc-a', host: 'shop.test', path: '/', url: 'http://10.0.0.1:8080/' })
  const chosen = { meter, service: 'svc-a', upstream: {} } as Target
  const answer = (status: number, ms: number): void =>
    metrics.finished(Object.assign(exchangeOf(), { chosen, route: {}, status, attempts: 1 }), ms)
  return { metrics, answer, since: () => interval.since(metrics.snapshot()) }
}

describe('an interval', () => {
  test('has what was counted in it, and not what was before', () => {
    const { answer, since, metrics } = counting()
    answer(200, 1)
    since()
    answer(200, 1)
    answer(503, 1)
    metrics.counts.noRoute++
    const pushed = since()
    const count = (name: string, key: string, value: string): number =>
      pushed
        .filter((each) => each.name === name && each.labels[key] === value)
        .reduce((sum, each) => sum + (each.kind === 'timer' ? each.counts.reduce((a, b) => a + b, 0) : 0), 0)
    expect(count('http.status', 'code', '200')).toBe(1)
    expect(count('http.status', 'code', '503')).toBe(1)
    expect(count('requests', 'service', 'svc-a')).toBe(2)
    expect(count('route', 'target', 'http://10.0.0.1:8080/')).toBe(2)
    expect(pushed.find(({ name }) => name === 'notfound')).toMatchObject({ kind: 'counter', value: 1 })
  })

  test('in which nothing happened has gauges alone', () => {
    const { answer, since } = counting()
    answer(200, 1)
    since()
    expect(since().every(({ kind }) => kind === 'gauge')).toBe(true)
  })

  test('after a restart of who counts begins from nothing, and never goes back', () => {
    const interval = new Interval(bounds)
    const [first, second] = [counting(), counting()]
    for (let i = 0; i < 5; i++) first.answer(200, 1)
    interval.since(first.metrics.snapshot())
    second.answer(200, 1)
    const timers = interval.since(second.metrics.snapshot()).filter(({ kind }) => kind === 'timer')
    expect(timers.length).toBeGreaterThan(0)
    for (const each of timers) {
      expect(each.kind === 'timer' && each.counts.reduce((a, b) => a + b, 0)).toBe(1)
    }
  })
})

describe('values that stand for durations', () => {
  const durations = fc.array(fc.double({ min: 0, max: 900, noNaN: true }), { minLength: 1, maxLength: 300 })
  const count = (values: readonly number[]): number[] => {
    const counts = new Array<number>(bounds.length + 1).fill(0)
    for (const value of values) {
      const bucket = bounds.findIndex((bound) => value <= bound)
      counts[bucket === -1 ? bounds.length : bucket]!++
    }
    return counts
  }

  test('are as many, and have the sum that was measured', () => {
    fc.assert(
      fc.property(durations, (values) => {
        const sum = values.reduce((a, b) => a + b, 0)
        const samples = samplesOf(count(values), sum, bounds)
        expect(samples.reduce((all, { count: each }) => all + each, 0)).toBe(values.length)
        expect(samples.reduce((all, { value, count: each }) => all + value * each, 0)).toBeCloseTo(sum, 3)
      }),
    )
  })

  test('have percentiles that are in the right bucket', () => {
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99), (values, q) => {
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.ceil(q * sorted.length) - 1]!
        const bucket = bounds.findIndex((bound) => exact <= bound)
        const found = quantileOf(q, count(values), bounds)
        expect(found).toBeLessThanOrEqual(bounds[bucket]!)
        expect(found).toBeGreaterThanOrEqual(bucket === 0 ? 0 : bounds[bucket - 1]!)
      }),
    )
  })
})

describe("fabio's names (reference 11.3)", () => {
  const pushed = () => {
    const { answer, since, metrics } = counting()
    answer(200, 4)
    metrics.counts.noRoute = 2
    metrics.counts.tunnelsOpen = 3
    return since()
  }

  test('StatsD has no dot behind the prefix, labels in the name, and routes by their template', () => {
    const lines = statsd(names)(pushed(), bounds, 0)
    const route = 'svc-a.shop_test./.10_0_0_1_8080'
    expect(lines).toContain('fabiohttp.status.code.200.service.svc-a:4.000000|ms')
    expect(lines).toContain('fabiorequests.service.svc-a:4.000000|ms')
    expect(lines).toContain(`fabio${route}:4.000000|ms`)
    expect(lines).toContain('fabionotfound:2|c')
    expect(lines).toContain('fabiows.conn:3|g')
  })

  test('a separator stands there where one is asked for', () => {
    expect(statsd({ ...names, separator: '.' })(pushed(), bounds, 0)).toContain('fabio.notfound:2|c')
  })

  test('DogStatsD has tags, and other names for those that Datadog keeps for itself', () => {
    const lines = dogstatsd(names)(pushed(), bounds, 0)
    expect(lines).toContain('fabiohttp.status:4.000000|h|#code:200,fabio-service:svc-a')
    expect(lines).toContain(
      'fabioroute:4.000000|h|#fabio-service:svc-a,fabio-host:shop.test,path:/,target:http://10.0.0.1:8080/',
    )
  })

  test('Graphite has percentiles, whole also where there are labels, and the time', () => {
    const lines = graphite(names)(pushed(), bounds, 1_772_600_767)
    expect(lines).toContain('fabionotfound 2 1772600767')
    expect(lines.some((line) => /^fabiorequests\.service\.svc-a\.p99 4\.\d+ 1772600767$/.test(line))).toBe(
      true,
    )
    expect(lines).toContain('fabiorequests.service.svc-a.count 1 1772600767')
  })

  test.each([
    [{ service: 'web', host: '', path: '/', target: 'http://10.0.0.1:8080/' }, 'web._./.10_0_0_1_8080'],
    [
      { service: 'web', host: 'shop.test', path: '/', target: 'http://10.0.0.1:8080/' },
      'web.shop_test./.10_0_0_1_8080',
    ],
  ])('a route: %j', (labels, expected) => {
    expect(routeNames(names.routeName)(labels)).toBe(expected)
  })

  test('many timings are few lines with a rate, and the counts come out right', () => {
    const { answer, since } = counting()
    for (let i = 0; i < 10_000; i++) answer(200, i < 9_000 ? 1 : 700)
    const lines = statsd(names)(since(), bounds, 0).filter((line) => line.startsWith('fabiorequests.'))
    expect(lines.length).toBeLessThanOrEqual(110)
    const total = lines.reduce((sum, line) => sum + 1 / Number(/@([\d.]+)$/.exec(line)?.[1] ?? 1), 0)
    expect(total).toBeGreaterThan(9_990)
    expect(total).toBeLessThan(10_010)
  })
})

describe('the way to them', () => {
  test('packs lines into datagrams and cuts none', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 400 })),
        (lines) => {
          const packets = packetsOf(lines)
          expect(packets.flatMap((packet) => packet.split('\n'))).toEqual(lines)
          expect(packets.every((packet) => packet.length <= 1_432)).toBe(true)
        },
      ),
    )
  })

  test('is UDP for StatsD', async () => {
    const server = createSocket('udp4')
    cleanups.push(() => server.close())
    const received: string[] = []
    server.on('message', (octets) => received.push(octets.toString('utf8')))
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
    const transport = udpTransport({ host: '127.0.0.1', port: server.address().port })
    cleanups.push(() => transport.close())
    await transport.send(['a:1|c', 'b:2|g'])
    await waitFor(() => received.length === 1, { what: 'a datagram' })
    expect(received).toEqual(['a:1|c\nb:2|g'])
  })

  test('is a connection for Graphite', async () => {
    let text = ''
    const server = createServer((socket) => {
      socket.on('data', (octets) => {
        text += octets.toString('utf8')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => server.close())
    await tcpTransport({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, systemClock).send(
      ['a 1 2', 'b 3 4'],
    )
    expect(text).toBe('a 1 2\nb 3 4\n')
  })
})

test('who cannot be reached misses an interval and is told of once; others get theirs', async () => {
  const clock = new FakeClock()
  const log = new CapturedLog()
  const got: number[] = []
  let isWell = false
  const good = { send: async (lines: readonly string[]) => void got.push(lines.length), close() {} }
  const bad = { send: () => (isWell ? Promise.resolve() : Promise.reject(new Error('refused'))), close() {} }
  const pusher = new Pusher(
    [
      { name: 'graphite a:1', format: () => ['x'], transport: bad },
      { name: 'statsd_raw b:2', format: () => ['x'], transport: good },
    ],
    30_000,
    bounds,
    async () => emptySnapshot(bounds),
    { world: fakeWorld(clock), log },
  )
  pusher.start()
  await clock.advance(90_000)
  await settle()
  expect(got).toHaveLength(3)
  expect(log.of('push-failed')).toEqual([
    'warn metrics push-failed: graphite a:1: refused; an interval is lost',
  ])
  isWell = true
  await clock.advance(30_000)
  expect(log.of('push-back')).toHaveLength(1)
  pusher.close()
  expect(clock.pending).toBe(0)
})
