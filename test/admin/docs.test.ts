import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DescribedRoute } from '../../src/admin/openapi.ts'
import type { Schema } from '../../src/admin/schema.ts'
import { systemWorld } from '../../src/base/world.ts'
import { type EmbeddedRegistry, startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { differences } from '../support/schema.ts'
import { waitFor } from '../support/wait.ts'

const file = new URL('../../docs/api.md', import.meta.url)
const page = await readFile(file, 'utf8')

interface Example {
  readonly method: string
  readonly path: string
  readonly body: string | null
  /** `json`, `json excerpt`, `text`; empty: only the request is shown. */
  readonly kind: string
  readonly answer: string
  /** Of the answer, in the page. */
  readonly from: number
}

/** A request, and the answer where one follows. */
const pattern =
  /^```http\n(\w+) (\S+)\n(?:(\{[^\n]*)\n)?```\n(?:\n```(json|json excerpt|text)\n(.*?)^```)?/gms

const examples = [...page.matchAll(pattern)].map((match): Example => {
  const [all, method = '', path = '', body = null, kind = '', answer = ''] = match
  return { method, path, body, kind, answer, from: match.index + all.length - answer.length - '```'.length }
})

let registry: EmbeddedRegistry
let gateway: TestGateway
let paths: Record<string, Record<string, { responses: Record<string, Responded> }>>

interface Responded {
  readonly content: Record<string, { schema: Schema }>
}

async function put(path: string, body: unknown): Promise<void> {
  const answer = await request(registry.url + path, { method: 'PUT', body: JSON.stringify(body) })
  expect([path, answer.statusCode, await answer.body.text()]).toEqual([path, 200, expect.anything()])
}

beforeAll(async () => {
  registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  const api = 'urlprefix-shop.com/api strip=/api'
  for (const [id, name, address, tags] of [
    ['shop-1', 'shop', '10.0.0.1', [api, 'v1']],
    ['shop-2', 'shop', '10.0.0.2', [api]],
    ['cart-1', 'cart', '10.0.0.3', ['urlprefix-[cart/']],
  ] as const) {
    const check = { CheckID: `up-${id}`, Name: 'answers', TTL: '600s', Status: 'passing' }
    const service = { ID: id, Name: name, Address: address, Port: 8080, Tags: tags, Check: check }
    await put('/v1/agent/service/register', service)
  }
  await put('/v1/agent/check/fail/up-shop-2?note=connection+refused', '')
  gateway = await startTestGateway(registry.url, ['-registry.consul.register.enabled=false'])
  const document = await request(`${gateway.adminUrl}/api/openapi.json`)
  paths = ((await document.body.json()) as { paths: typeof paths }).paths
}, 30_000)

afterAll(async () => {
  await gateway?.stop()
  await registry?.close()
})

/** What differs from run to run. */
function settled(text: string): string {
  return text
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"2026-01-02T03:04:05.678Z"')
    .replace(/("(?:version|tableVersion)": )\d+/g, '$12')
    .replaceAll(registry.url, 'http://localhost:8500')
}

const schemaOf = (method: string, path: string, status: number): Schema => {
  const name = path.split('?')[0]!
  const operations = paths[name] ?? paths[name.replace(/[^/]+$/, '{key}')]!
  return operations[method.toLowerCase()]!.responses[status]!.content['application/json']!.schema
}

describe('docs/api.md', () => {
  test('has an example of every call that answers JSON or text', () => {
    const shown = new Set(examples.map(({ method, path }) => `${method} ${path.split('?')[0]}`))
    const told = (route: Pick<DescribedRoute, 'method' | 'path'>): boolean =>
      shown.has(`${route.method} ${route.path.replace('{key}', 'team-a')}`) ||
      page.includes(`\`${route.path}\``) ||
      page.includes(`\`${route.method} ${route.path}\``)
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods))
        expect([method, path, told({ method: method.toUpperCase(), path })]).toEqual([method, path, true])
    }
  })

  // In the order of the page: what one of them saves shows in those after it.
  test('has examples that are what the gateway answers: UPDATE_GENERATED=1 npx vitest run test/admin/docs.test.ts', async () => {
    expect(examples.length).toBeGreaterThan(14)
    let updated = page
    const answers: { example: Example; text: string }[] = []
    for (const example of examples) {
      const { method, path, body, kind } = example
      const response = await request(gateway.adminUrl + path, { method: method as 'GET', body })
      const text = await response.body.text()
      const what = `${method} ${path}`
      if (kind === '') {
        expect([what, response.statusCode, text]).toEqual([what, 200, ''])
        await waitFor(() => gateway.gateway.control.table().version > 1, { what: 'what was saved' })
        continue
      }
      if (kind === 'text') {
        expect([what, text]).toEqual([what, example.answer])
        continue
      }
      const value: unknown = JSON.parse(text)
      expect([what, differences(value, schemaOf(method, path, response.statusCode))]).toEqual([what, []])
      const printed = settled(JSON.stringify(value, null, 2))
      if (kind === 'json excerpt')
        expect(excerptOf(JSON.parse(printed))).toMatchObject(JSON.parse(example.answer))
      else answers.push({ example, text: `${printed}\n` })
    }
    for (const { example, text } of answers.toReversed()) {
      updated = updated.slice(0, example.from) + text + updated.slice(example.from + example.answer.length)
    }
    if (process.env.UPDATE_GENERATED === '1') await writeFile(file, updated)
    expect(await readFile(file, 'utf8')).toBe(updated)
  })
})

/** Of the changes, the newest one. */
function excerptOf(value: { changes?: unknown[] }): object {
  return value.changes === undefined ? value : { ...value, changes: value.changes.slice(0, 1) }
}
