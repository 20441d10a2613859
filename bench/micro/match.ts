import type { RouteDefinition } from '../../src/route/definition.ts'
import { type RouteTable, TableBuilder } from '../../src/route/table.ts'
import type { UpstreamClient } from '../../src/upstream/client.ts'
import { Upstreams } from '../../src/upstream/upstreams.ts'
import { renderSpread, renderTable } from '../report.ts'
import { ratioOf, spreadOf } from '../statistics.ts'

// How long the table needs to find the route of a request, by the number of its routes.

/** What a request asks the table. */
export interface Question {
  readonly host: string
  readonly path: string
}

/** Host patterns are compared one after the other, all other hosts are found by hash: so they are counted apart. */
const tables = [
  { size: 10, patterns: 1 },
  { size: 1_000, patterns: 1 },
  { size: 10_000, patterns: 1 },
  { size: 10_000, patterns: 10 },
] as const
const passes = 40
/** Passes that are not counted: the compiler is at work. */
const warmUp = 10
const findsInPass = 20_000

/** A mix like that of a company: half of the routes by path alone, most of the others four to a host. */
export function routesOf(count: number, patterns: number): RouteDefinition[] {
  return Array.from({ length: count }, (_, i) => {
    const [host, path] = sourceOf(i, patterns)
    return {
      service: `service-${i}`,
      instance: `node/service-${i}`,
      source: { host, path },
      url: `http://10.${(i >> 8) & 255}.${i & 255}.1:8080/`,
      weight: 0,
      tags: [],
      options: {},
      optionText: '',
      healthy: true,
      origin: 'tag',
      unserved: null,
    }
  })
}

function sourceOf(i: number, patterns: number): [host: string, path: string] {
  const ten = Math.floor(i / 10)
  const place = i % 10
  if (place < 5) return ['', `/team-${ten % 97}/service-${i}${place === 4 ? '/api' : ''}`]
  if (place < 9) return [`shop-${ten}.example.com`, ['/', '/api', '/api/v1', '/static/'][place - 5]!]
  return ten < patterns ? [`*.zone-${ten}.example.com`, '/'] : ['', `/api/v2/resource-${i}/`]
}

/** Requests for routes of the table, some of which lead deeper; one in ten finds nothing but what a host has. */
export function questionsOf(
  routes: readonly RouteDefinition[],
  count: number,
  random: () => number,
): Question[] {
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const deeper = ['', '', '/', '/items/4711', '/static/js/main.8f14e45f.js']
  return Array.from({ length: count }, () => {
    const { host, path } = any(routes).source
    const name = host === '' ? 'www.example.org' : host.replace('*', 'node-7')
    if (random() < 0.1) return { host: name, path: '/nobody/serves/this' }
    return { host: name, path: path + any(deeper) }
  })
}

/** The route that a request finds, by comparing all of them (fabio reference 3.2): `host/path`, or null. */
export function naiveFind(routes: readonly RouteDefinition[], { host, path }: Question): string | null {
  const rank = (source: RouteDefinition['source']): number => {
    if (!path.startsWith(source.path)) return 0
    // Narrower hosts first, the longer path among those of one host.
    const isMatch = source.host === host || (source.host[0] === '*' && host.endsWith(source.host.slice(1)))
    const hostRank =
      source.host === '' ? 1 : !isMatch ? 0 : source.host === host ? 1_000 : source.host.length + 1
    return hostRank === 0 ? 0 : hostRank * 10_000 + source.path.length
  }
  let best: RouteDefinition['source'] | null = null
  for (const { source } of routes) {
    if (rank(source) > (best === null ? 0 : rank(best))) best = source
  }
  return best === null ? null : best.host + best.path
}

const noClient: UpstreamClient = {
  send() {
    throw new Error('nothing is sent here')
  },
  close: async () => {},
  destroy: async () => {},
}

export function buildTable(routes: readonly RouteDefinition[]): RouteTable {
  const options = {
    matcher: 'prefix',
    strategy: 'rr',
    queue: { size: 100, timeout: 5_000 },
    unhealthyRoute: '503',
    compilePlan: () => ({}),
    random: () => 0,
  } as const
  const upstreams = new Upstreams(() => noClient)
  const changes = routes.map((definition) => ({ service: definition.service, definitions: [definition] }))
  return new TableBuilder(options, upstreams).apply(changes).table
}

/** Throws with the first request for which the table finds another route than the comparison of all. */
export function checkMatch(
  find: (question: Question) => string | null,
  routes: readonly RouteDefinition[],
  questions: readonly Question[],
): void {
  for (const question of questions) {
    const expected = naiveFind(routes, question)
    const found = find(question)
    if (found === expected) continue
    const { host, path } = question
    throw new Error(`match, ${routes.length} routes: ${host}${path}: expected ${expected}, got ${found}`)
  }
}

/** Equal runs ask equal questions. */
export function seededRandom(seed: number): () => number {
  // mulberry32
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const textOf =
  (table: RouteTable) =>
  ({ host, path }: Question): string | null =>
    table.find(host, path, false)?.text ?? null

/** Checks, times and returns the table of the figures. */
export function matchReport(): string {
  const random = seededRandom(1)
  const subjects = tables.map(({ size, patterns }) => {
    const routes = routesOf(size, patterns)
    const table = buildTable(routes)
    const questions = questionsOf(routes, findsInPass, random)
    checkMatch(textOf(table), routes, questions.slice(0, 2_000))
    return { size, patterns, table, questions, times: [] as number[] }
  })
  for (let pass = 0; pass < passes; pass++) {
    for (const { table, questions, times } of subjects) {
      const time = timeFinds(table, questions.map(asFromTheWire))
      if (pass >= warmUp) times.push(time)
    }
  }
  const base = subjects[0]!.times
  const rows = subjects.map(({ size, patterns, times }, i) => [
    size.toLocaleString('en'),
    String(patterns),
    renderSpread(spreadOf(times), 0),
    i === 0 ? '1' : renderSpread(ratioOf(times, base), 2),
  ])
  return renderTable(['routes', 'host patterns', 'ns/find', 'x first'], rows)
}

/** New strings, as a parser makes them: V8 would remember the hash of one that was looked up before. */
const asFromTheWire = ({ host, path }: Question): Question => ({
  host: Buffer.from(host, 'latin1').toString('latin1'),
  path: Buffer.from(path, 'latin1').toString('latin1'),
})

/** Nanoseconds for each. */
function timeFinds(table: RouteTable, questions: readonly Question[]): number {
  let found = 0
  const begin = performance.now()
  for (const { host, path } of questions) if (table.find(host, path, false) !== null) found++
  const end = performance.now()
  // Whoever uses the result keeps the compiler from leaving the work out.
  if (found === 0) throw new Error('match: expected some request to find a route, none did')
  return ((end - begin) * 1e6) / questions.length
}
