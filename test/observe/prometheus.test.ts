import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { breathe } from '../../src/base/world.ts'
import { families } from '../../src/observe/families.ts'
import { clean, prometheusNames } from '../../src/observe/metric-names.ts'
import { boundsOf } from '../../src/observe/metrics.ts'
import { OctetWriter } from '../../src/observe/octet-writer.ts'
import { type Figure, PrometheusText } from '../../src/observe/prometheus.ts'
import { column, firstBucket, widthOf } from '../../src/observe/rows.ts'
import { emptySnapshot, type MetricsSnapshot, type StatusLabels } from '../../src/observe/snapshot.ts'
import type { MeterLabels } from '../../src/route/meter.ts'
import { parsePrometheus, sampleOf } from '../support/prometheus-parser.ts'

const buckets = [0.005, 0.1, 2.5]
const bounds = boundsOf(buckets)

/** `count` requests, each of so many milliseconds. */
function row(count: number, milliseconds: number): number[] {
  const values = new Array<number>(widthOf(bounds)).fill(0)
  values[column.requests] = count
  values[column.duration] = count * milliseconds
  const bucket = bounds.findIndex((bound) => milliseconds <= bound)
  values[firstBucket + (bucket === -1 ? bounds.length : bucket)] = count
  return values
}

function snapshotOf(
  targets: readonly (readonly [MeterLabels, number[]])[],
  statuses: readonly (readonly [StatusLabels, number[]])[] = [],
  more: Partial<MetricsSnapshot> = {},
): MetricsSnapshot {
  const rows = <L>(list: readonly (readonly [L, number[]])[]) => ({
    labels: list.map(([labels]) => labels),
    values: Float64Array.from(list.flatMap(([, values]) => values)),
  })
  return { ...emptySnapshot(bounds), targets: rows(targets), statuses: rows(statuses), ...more }
}

async function textOf(
  snapshot: MetricsSnapshot,
  figures: readonly Figure[] = [],
  { prefix = 'gatehouse', subsystem = '', more = '' } = {},
): Promise<string> {
  const parts: Buffer[] = []
  const writer = new PrometheusText({ prefix, subsystem, buckets })
  for await (const part of writer.write(snapshot, figures, more, breathe)) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}

const target = (url: string, more: Partial<MeterLabels> = {}): MeterLabels => ({
  service: 'web',
  host: 'shop.test',
  path: '/',
  url,
  ...more,
})

describe('the text for Prometheus', () => {
  test('has every family, also before there is traffic', async () => {
    const parsed = parsePrometheus(await textOf(emptySnapshot(bounds)))
    const names = Object.values(families).map(({ name }) => `gatehouse_${name.replaceAll('.', '_')}`)
    expect([...parsed.keys()]).toEqual(expect.arrayContaining(names))
    expect(sampleOf(parsed, 'gatehouse_notfound')).toBe(0)
  })

  // A service whose very first requests hung was not in it: only one that had answered once was.
  test('has what is under way at a service that has not answered yet', async () => {
    const hanging = row(0, 1)
    hanging[column.inFlight] = 2
    const parsed = parsePrometheus(
      await textOf(
        snapshotOf(
          [
            [target('http://10.0.0.1:80/'), hanging],
            [target('http://10.0.0.2:80/'), hanging],
            [target('http://10.0.0.3:80/', { service: 'idle' }), row(0, 1)],
          ],
          [[{ service: 'api', status: 200 }, row(2, 20)]],
        ),
      ),
    )
    const inFlight = (service: string) => sampleOf(parsed, 'gatehouse_inflight', { service })
    expect([inFlight('web'), inFlight('api')]).toEqual([4, 0])
    expect(sampleOf(parsed, 'gatehouse_requests_count', { service: 'web' })).toBe(0)
    expect(parsed.get('gatehouse_inflight')!.samples).toHaveLength(2)
  })

  test("has fabio's names and labels", async () => {
    const snapshot = snapshotOf(
      [[target('http://10.0.0.1:80/'), row(3, 20)]],
      [
        [{ service: 'web', status: 200 }, row(2, 20)],
        [{ service: 'web', status: 404 }, row(1, 3_000)],
      ],
      { redirects: { 301: 4 } },
    )
    const parsed = parsePrometheus(await textOf(snapshot, [], { prefix: 'fabio' }))
    expect(sampleOf(parsed, 'fabio_requests_count', { service: 'web' })).toBe(3)
    expect(sampleOf(parsed, 'fabio_requests_sum', { service: 'web' })).toBe(3.04)
    expect(sampleOf(parsed, 'fabio_http_status_count', { service: 'web', code: '404' })).toBe(1)
    expect(sampleOf(parsed, 'fabio_http_redirect_count', { code: '301' })).toBe(4)
    const labels = { service: 'web', host: 'shop.test', path: '/', target: 'http://10.0.0.1:80/' }
    expect(sampleOf(parsed, 'fabio_route_count', labels)).toBe(3)
    expect(sampleOf(parsed, 'fabio_route_bucket', { ...labels, le: '0.1' })).toBe(3)
  })

  test('has the buckets that were asked for and no other', async () => {
    const snapshot = snapshotOf([], [[{ service: 'web', status: 200 }, row(1, 5)]])
    const parsed = parsePrometheus(await textOf(snapshot))
    const found = parsed.get('gatehouse_requests')!.samples.filter(({ name }) => name.endsWith('_bucket'))
    expect(found.map(({ labels, value }) => [labels.le, value])).toEqual([
      ['0.005', 1],
      ['0.1', 1],
      ['2.5', 1],
      ['+Inf', 1],
    ])
  })

  test('puts prefix and subsystem before a name, and nothing that must not stand in one', async () => {
    const parsed = parsePrometheus(
      await textOf(emptySnapshot(bounds), [], { prefix: 'gate-1.Example', subsystem: 'edge' }),
    )
    expect(sampleOf(parsed, 'gate_1_example_edge_notfound')).toBe(0)
  })

  test.each([
    ['', '', 'a.b', 'a_b'],
    ['fabio', '', 'http.status', 'fabio_http_status'],
    ['9gate', '', 'a', '_9gate_a'],
    ['host.exec', 'sub', 'tcp_sni.conn', 'host_exec_sub_tcp_sni_conn'],
  ])('prefix "%s", subsystem "%s", name %s: %s', (prefix, subsystem, name, full) => {
    expect(prometheusNames(prefix, subsystem)(name)).toBe(full)
  })

  test.each([
    ['', '_'],
    ['10.0.0.1:80', '10_0_0_1_80'],
    ['Web-A', 'web-a'],
  ])("clean of '%s' is %s, as in fabio", (text, expected) => {
    expect(clean(text)).toBe(expected)
  })

  test('takes figures of others, those of one name together', async () => {
    const figure = (name: string, labels: Record<string, string>, value: number): Figure => ({
      name,
      help: 'words',
      kind: 'gauge',
      labels,
      value,
    })
    const parsed = parsePrometheus(
      await textOf(emptySnapshot(bounds), [
        figure('a', { worker: '1' }, 1),
        figure('b', {}, -0.5),
        figure('a', { worker: '2' }, Number.POSITIVE_INFINITY),
      ]),
    )
    expect(sampleOf(parsed, 'gatehouse_a', { worker: '2' })).toBe(Number.POSITIVE_INFINITY)
    expect(sampleOf(parsed, 'gatehouse_b')).toBe(-0.5)
  })

  test('can be read whatever the labels are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 5 }),
        fc.nat(1e9),
        async (names, count) => {
          const snapshot = snapshotOf(
            names.map((name) => [target(name, { service: name, path: name }), row(count, 1)] as const),
            names.map((name) => [{ service: name, status: 200 }, row(count, 1)] as const),
          )
          const parsed = parsePrometheus(await textOf(snapshot))
          for (const name of names) {
            expect(sampleOf(parsed, 'gatehouse_requests_count', { service: name })).toBe(count)
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('the writer', () => {
  test('writes numbers as JavaScript does', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(), fc.maxSafeNat(), fc.double({ noNaN: true })), (value) => {
        const writer = new OctetWriter(1024)
        writer.number(value)
        // Minus nothing is nothing.
        expect(Number(writer.take().toString('latin1').replace('Inf', 'Infinity'))).toBe(value + 0)
      }),
    )
  })

  test('grows for a label that is longer than its buffer', () => {
    const writer = new OctetWriter(16)
    const long = 'ä'.repeat(50_000)
    writer.text('x')
    writer.text(long)
    expect(writer.take().toString('utf8')).toBe(`x${long}`)
    expect(writer.take()).toHaveLength(0)
  })
})
