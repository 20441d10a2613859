import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/base/errors.ts'
import { boundsOf, Metrics } from '../../src/observe/metrics.ts'
import { column, widthOf } from '../../src/observe/rows.ts'
import {
  addSnapshots,
  type Figures,
  figuresByService,
  figuresByTarget,
  type MetricsSnapshot,
  ofThePast,
} from '../../src/observe/snapshot.ts'
import type { Exchange } from '../../src/proxy/exchange.ts'
import type { MeterLabels } from '../../src/route/meter.ts'
import type { Route, Target } from '../../src/route/table.ts'
import { exchangeOf } from '../support/exchange.ts'

const buckets = [0.005, 0.1, 1]

const labelsOf = (service: string, more: Partial<MeterLabels> = {}): MeterLabels => ({
  service,
  host: '',
  path: '/',
  url: `http://10.0.0.1:80/`,
  ...more,
})

const someRoute = {} as Route

/** A target as the table would build it. */
function targetOf(metrics: Metrics, labels: MeterLabels, more: Partial<Target> = {}): Target {
  const meter = metrics.take(labels)
  return { service: labels.service, url: labels.url, meter, upstream: {}, ...more } as Target
}

/** A request that this target has answered, on a kept connection, a millisecond after it came. */
function answered(chosen: Target, status: number, more: Partial<Exchange> = {}): Exchange {
  const exchange = exchangeOf({ startedAt: 100 })
  return Object.assign(exchange, {
    route: someRoute,
    chosen,
    status,
    attempts: 1,
    wasSent: true,
    sentAt: 101,
    answeredAt: 103,
    ...more,
  })
}

const byUrl = (snapshot: MetricsSnapshot): Map<string, Figures> => figuresByTarget(snapshot, ({ url }) => url)

describe('what is counted', () => {
  test('a request of a target: for the target, for its service, and in the bucket of its duration', () => {
    const metrics = new Metrics({ buckets })
    const target = targetOf(metrics, labelsOf('web'))
    metrics.finished(answered(target, 200, { bodySize: 10 }), 3)
    metrics.finished(answered(target, 200, { bodySize: 5 }), 2_000)
    const snapshot = metrics.snapshot()
    const web = figuresByService(snapshot).get('web')!
    expect(web).toMatchObject({ requests: 2, errors: 0, duration: 2_003, bytes: 15 })
    expect(byUrl(snapshot).get('http://10.0.0.1:80/')).toEqual(web)
    const full = [...web.buckets.entries()].filter(([, count]) => count > 0)
    // Up to 5 ms and no less than 2.5 ms; up to 2500 ms and no less than 1000 ms.
    expect(full).toEqual([
      [snapshot.bounds.indexOf(5), 1],
      [snapshot.bounds.indexOf(2_500), 1],
    ])
  })

  test('a duration that is just a bound belongs to it, and one beyond all has a bucket of its own', () => {
    const metrics = new Metrics({ buckets })
    const target = targetOf(metrics, labelsOf('web'))
    metrics.finished(answered(target, 200), 5)
    metrics.finished(answered(target, 200), 1e9)
    const { buckets: found } = figuresByService(metrics.snapshot()).get('web')!
    expect(found[metrics.bounds.indexOf(5)]).toBe(1)
    expect(found.at(-1)).toBe(1)
    expect(found).toHaveLength(metrics.bounds.length + 1)
  })

  test('every bound that was asked for is one of those that are counted, and twice none', () => {
    expect(boundsOf([0.7, 0.005, 0.0025])).toEqual([...new Set(boundsOf([0.7]))])
    expect(boundsOf([0.7])).toContain(700)
    expect(boundsOf([1.1])).toContain(1100)
  })

  const failure = (code: ConstructorParameters<typeof GatewayError>[0]) =>
    new GatewayError(code, 'for a test')
  test.each<[sentence: string, status: number, more: Partial<Exchange>, errors: number]>([
    ['an answer of the instance with 500', 500, {}, 1],
    ['an answer of the instance with 404', 404, {}, 0],
    ['an instance that could not be reached', 502, { failure: failure('GW_CONNECT_REFUSED') }, 1],
    ['an answer that broke off in its middle', 200, { failure: failure('GW_BAD_ANSWER') }, 1],
    ['a client that went away', 499, { failure: failure('GW_CLIENT_GONE') }, 0],
  ])('%s: errors of the instance', (_sentence, status, more, errors) => {
    const metrics = new Metrics({ buckets })
    metrics.finished(answered(targetOf(metrics, labelsOf('web')), status, more), 1)
    expect(figuresByService(metrics.snapshot()).get('web')).toMatchObject({ requests: 1, errors })
  })

  test('failures by their code, whoever answered', () => {
    const metrics = new Metrics({ buckets })
    const target = targetOf(metrics, labelsOf('web'))
    metrics.finished(answered(target, 502, { failure: failure('GW_RESET') }), 1)
    metrics.finished(answered(target, 403, { attempts: 0, failure: failure('GW_FORBIDDEN') }), 1)
    expect(metrics.snapshot().failures).toEqual({ GW_RESET: 1, GW_FORBIDDEN: 1 })
  })

  test('what the gateway answers itself is no request of a service', () => {
    const metrics = new Metrics({ buckets })
    const target = targetOf(metrics, labelsOf('web'))
    const redirect = targetOf(metrics, labelsOf('moved'), { upstream: null })
    const itself = { attempts: 0, wasSent: false, sentAt: 0, answeredAt: 0 }
    metrics.finished(answered(target, 404, { ...itself, route: null, chosen: null }), 1)
    metrics.finished(answered(target, 503, { ...itself, chosen: null, failure: failure('GW_NO_TARGET') }), 1)
    metrics.finished(answered(target, 401, { ...itself, failure: failure('GW_UNAUTHORIZED') }), 1)
    metrics.finished(answered(redirect, 301, itself), 1)
    const snapshot = metrics.snapshot()
    expect(snapshot.counts).toMatchObject({ noRoute: 1, noTarget: 1 })
    expect(snapshot.redirects).toEqual({ 301: 1 })
    expect(figuresByService(snapshot).size).toBe(0)
    expect(snapshot.targets.labels).toEqual([])
  })

  test('attempts beyond the first, for the target that answered in the end', () => {
    const metrics = new Metrics({ buckets })
    metrics.finished(answered(targetOf(metrics, labelsOf('web')), 200, { attempts: 3 }), 1)
    expect(metrics.snapshot().counts.retries).toBe(2)
    expect(figuresByService(metrics.snapshot()).get('web')).toMatchObject({ requests: 1 })
  })

  test('the phases: in line, connecting, until the first byte', () => {
    const metrics = new Metrics({ buckets })
    const target = targetOf(metrics, labelsOf('web'))
    metrics.finished(answered(target, 200), 10)
    metrics.finished(answered(target, 200, { waitsSince: 100, sentAt: 140, answeredAt: 147 }), 50)
    metrics.finished(
      answered(target, 504, { waitsSince: 130, wasSent: false, sentAt: 0, answeredAt: 0 }),
      100,
    )
    const { phases, targets } = metrics.snapshot()
    const count = (phase: keyof typeof phases) => phases[phase].buckets.reduce((sum, each) => sum + each, 0)
    expect([phases.queue.sum, count('queue')]).toEqual([1 + 0 + 30, 3])
    expect([phases.connect.sum, count('connect')]).toEqual([40, 1])
    expect([phases.first_byte.sum, count('first_byte')]).toEqual([2 + 7, 2])
    expect(targets.values[column.wait]).toBe(1 + 40)
    expect(targets.values[column.firstByte]).toBe(9)
  })

  test('connections of another protocol are open from the switch to the end', () => {
    const metrics = new Metrics({ buckets })
    const target = targetOf(metrics, labelsOf('web'))
    metrics.upgraded()
    expect(metrics.snapshot().counts.tunnelsOpen).toBe(1)
    metrics.finished(answered(target, 101), 60_000)
    expect(metrics.snapshot().counts.tunnelsOpen).toBe(0)
  })

  test('many targets and statuses: each keeps its own figures', () => {
    const metrics = new Metrics({ buckets })
    const targets = Array.from({ length: 500 }, (_, i) =>
      targetOf(metrics, labelsOf(`s${i % 50}`, { url: `http://10.0.0.1:${i}/` })),
    )
    for (const [i, target] of targets.entries()) {
      for (let n = 0; n <= i; n++) metrics.finished(answered(target, 200 + (n % 7)), 1)
    }
    const snapshot = metrics.snapshot()
    for (const [i, { url }] of targets.entries()) expect(byUrl(snapshot).get(url)?.requests).toBe(i + 1)
    expect(snapshot.statuses.labels).toHaveLength(50 * 7)
    const all = [...figuresByService(snapshot).values()].reduce((sum, { requests }) => sum + requests, 0)
    expect(all).toBe((500 * 501) / 2)
  })
})

describe('series end with what they are of', () => {
  test('a target that no table names any more is gone, what its service did is kept', () => {
    const metrics = new Metrics({ buckets })
    const target = targetOf(metrics, labelsOf('web'))
    metrics.finished(answered(target, 200), 1)
    metrics.letGo(target.meter)
    const snapshot = metrics.snapshot()
    expect(snapshot.targets.labels).toEqual([])
    expect(figuresByService(snapshot).get('web')?.requests).toBe(1)
  })

  test('a target that the next table names as well goes on counting', () => {
    const metrics = new Metrics({ buckets })
    const before = targetOf(metrics, labelsOf('web'))
    const after = targetOf(metrics, labelsOf('web'))
    metrics.letGo(before.meter)
    metrics.finished(answered(before, 200), 1)
    metrics.finished(answered(after, 200), 1)
    expect(byUrl(metrics.snapshot()).get(before.url)?.requests).toBe(2)
  })

  test('a request that outlives its target is not counted for another one', () => {
    const metrics = new Metrics({ buckets })
    const gone = targetOf(metrics, labelsOf('gone'))
    metrics.letGo(gone.meter)
    metrics.forget('gone')
    // It takes the places in the arrays that have become free.
    const next = targetOf(metrics, labelsOf('next'))
    metrics.finished(answered(next, 200), 1)
    metrics.finished(answered(gone, 200), 1)
    metrics.finished(answered(gone, 404), 1)
    const snapshot = metrics.snapshot()
    expect([...figuresByService(snapshot)].map(([name, { requests }]) => [name, requests])).toEqual([
      ['next', 1],
    ])
    expect(snapshot.targets.labels.map(({ service }) => service)).toEqual(['next'])
  })

  test('a service that comes back begins anew', () => {
    const metrics = new Metrics({ buckets })
    const first = targetOf(metrics, labelsOf('web'))
    metrics.finished(answered(first, 200), 1)
    metrics.letGo(first.meter)
    metrics.forget('web')
    expect(metrics.snapshot().statuses.labels).toEqual([])
    const second = targetOf(metrics, labelsOf('web'))
    metrics.finished(answered(second, 200), 1)
    expect(figuresByService(metrics.snapshot()).get('web')?.requests).toBe(1)
  })

  test('what was let go is used again: a thousand deploys cost no memory', () => {
    const metrics = new Metrics({ buckets })
    for (let i = 0; i < 1_000; i++) {
      const target = targetOf(metrics, labelsOf('web', { url: `http://10.0.0.1:${i}/` }))
      metrics.finished(answered(target, 200), 1)
      metrics.letGo(target.meter)
    }
    metrics.finished(answered(targetOf(metrics, labelsOf('web')), 200), 1)
    const { targets } = metrics.snapshot()
    expect(targets.values.buffer.byteLength).toBe(widthOf(metrics.bounds) * 8)
  })
})

describe('snapshots', () => {
  test('stay as they were', () => {
    const metrics = new Metrics({ buckets })
    const target = targetOf(metrics, labelsOf('web'))
    metrics.finished(answered(target, 200), 1)
    const before = metrics.snapshot()
    const copy = structuredClone(before)
    metrics.finished(answered(target, 200), 1)
    metrics.connectionOpened()
    expect(before).toEqual(copy)
  })

  test('of several processes are added, service by service and target by target', () => {
    const [a, b] = [new Metrics({ buckets }), new Metrics({ buckets })]
    a.finished(answered(targetOf(a, labelsOf('web')), 200), 1)
    b.finished(answered(targetOf(b, labelsOf('api', { url: 'http://10.0.0.2:80/' })), 200), 1)
    b.finished(answered(targetOf(b, labelsOf('web')), 503), 20)
    b.refused(400)
    b.connectionOpened()
    const sum = addSnapshots([a.snapshot(), b.snapshot()])
    expect(figuresByService(sum).get('web')).toMatchObject({ requests: 2, errors: 1, duration: 21 })
    expect(byUrl(sum).get('http://10.0.0.1:80/')).toMatchObject({ requests: 2, errors: 1 })
    expect(byUrl(sum).get('http://10.0.0.2:80/')).toMatchObject({ requests: 1 })
    expect(sum.refused).toEqual({ 400: 1 })
    expect(sum.counts.connectionsOpen).toBe(1)
    expect(sum.phases.first_byte.sum).toBe(6)
  })

  test('of a process that is gone keep what it counted, and nothing that was under way', () => {
    const metrics = new Metrics({ buckets })
    const target = targetOf(metrics, labelsOf('web'))
    target.meter.inFlight = 3
    metrics.connectionOpened()
    metrics.finished(answered(target, 200), 1)
    const past = ofThePast(metrics.snapshot())
    expect(figuresByService(past).get('web')).toMatchObject({ requests: 1, inFlight: 0 })
    expect(past.counts).toMatchObject({ connectionsAccepted: 1, connectionsOpen: 0 })
  })

  test('tell what is under way, also of a target that has answered nothing yet', () => {
    const metrics = new Metrics({ buckets })
    targetOf(metrics, labelsOf('web')).meter.inFlight = 2
    expect(byUrl(metrics.snapshot()).get('http://10.0.0.1:80/')).toMatchObject({ requests: 0, inFlight: 2 })
  })

  test('are plain data: what a structured clone gives is the same', () => {
    const metrics = new Metrics({ buckets })
    metrics.finished(answered(targetOf(metrics, labelsOf('web')), 200), 1)
    const snapshot = metrics.snapshot()
    expect(structuredClone(snapshot)).toEqual(snapshot)
  })
})
