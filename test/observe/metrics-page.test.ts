import { readFile } from 'node:fs/promises'
import { request } from 'undici'
import { afterAll, describe, expect, test } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { interfaces } from '../config/context.ts'
import { startTestGateway } from '../support/gateway.ts'
import { type ParsedFamily, parsePrometheus } from '../support/prometheus-parser.ts'

const read = (name: string): Promise<string> =>
  readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
const page = await read('metrics.md')

/** What a gateway with Consul tells, after a request. */
async function families(): Promise<Map<string, ParsedFamily>> {
  const registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  const gateway = await startTestGateway(registry.url)
  await request(`${gateway.url}/none`).then(({ body }) => body.dump())
  const parsed = parsePrometheus(await (await request(`${gateway.adminUrl}/metrics`)).body.text())
  await gateway.stop()
  await registry.close()
  return parsed
}

const told = await families()
afterAll(() => told.clear())

/** Name, type and labels of each metric on the page. */
const rows = [...page.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?)\| /gm)].map((match) => ({
  name: `gatehouse_${match[1]}`,
  type: match[2]!,
  labels: [...match[3]!.matchAll(/`(\w+)`/g)].map((label) => label[1]!),
}))

describe('docs/metrics.md', () => {
  test('has every metric of the gateway, and no other', () => {
    const own = [...told.values()].filter(({ name }) => name.startsWith('gatehouse_'))
    expect(rows.map(({ name, type }) => `${name} ${type}`).toSorted()).toEqual(
      own.map(({ name, type }) => `${name} ${type}`).toSorted(),
    )
  })

  test('names the labels that they have', () => {
    for (const { name, labels } of rows) {
      for (const { labels: found } of told.get(name)!.samples) {
        const names = Object.keys(found).filter((label) => label !== 'le')
        expect(names.toSorted(), name).toEqual(labels.toSorted())
      }
    }
  })

  test('has properties that are no mistake and no surprise', async () => {
    const blocks = [...page.matchAll(/^```properties\n(.*?)^```/gms)].map((match) => match[1]!)
    expect(blocks).toHaveLength(3)
    for (const text of blocks) {
      const { warnings } = await loadConfig({
        argv: ['-cfg', 'page'],
        env: {},
        readFile: async () => text,
        fetchText: () => Promise.reject(new Error('unexpected')),
        interfaces,
        hostname: 'gate-1',
      })
      expect(warnings).toEqual([])
    }
  })
})

/** The series that a family has, by their names. */
const series = (): Set<string> => {
  const names = new Set<string>()
  for (const { name, type } of told.values()) {
    for (const end of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) names.add(name + end)
  }
  return names
}

const labelsOf = new Map(
  rows.map(({ name, labels }) => [name.replace(/^gatehouse_/, ''), new Set([...labels, 'le'])]),
)

/** The queries of a file, and what in them is not there. */
function unknownIn(queries: readonly string[]): string[] {
  const known = series()
  return queries.flatMap((query) => {
    const names = [...query.matchAll(/\bgatehouse_\w+/g)].map((match) => match[0])
    const unknown = names.filter((name) => !known.has(name))
    const labels = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap((match) => match[1]!.split(/,\s*/))
    const has = new Set(
      names.flatMap((name) => [
        ...(labelsOf.get(name.replace(/^gatehouse_/, '').replace(/_(?:bucket|sum|count)$/, '')) ??
          labelsOf.get(name.replace(/^gatehouse_/, '')) ??
          []),
      ]),
    )
    return [
      ...(names.length === 0 ? [`no series in ${query}`] : []),
      ...unknown,
      ...labels.filter((label) => !has.has(label)),
    ]
  })
}

test('the dashboard names only series and labels that there are', async () => {
  const dashboard = JSON.parse(await read('grafana/gatehouse.json')) as {
    panels: { id: number; targets?: { expr: string }[] }[]
  }
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  expect(queries.length).toBeGreaterThan(25)
  expect(unknownIn(queries)).toEqual([])
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
})

test('the alerts name only series and labels that there are', async () => {
  const text = await read('prometheus/alerts.yml')
  const queries = text
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((rule) => /expr:(.*?)\n {8}for:/s.exec(rule)![1]!)
  expect(queries).toHaveLength([...text.matchAll(/- alert:/g)].length)
  expect(unknownIn(queries)).toEqual([])
})

test('a series that is not there would be found', () => {
  expect(unknownIn(['rate(gatehouse_nonsense[5m])', 'sum by (color) (gatehouse_inflight)'])).toEqual([
    'gatehouse_nonsense',
    'color',
  ])
})
