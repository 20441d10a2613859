import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchers } from '../../src/match/matcher.ts'
import { LiveTable } from '../../src/route/live.ts'
import { type HostCandidate, type RouteTable, TableBuilder } from '../../src/route/table.ts'
import { Upstreams } from '../../src/upstream/upstreams.ts'
import { definition, serviceRoutes } from '../support/routes.ts'

const client = { send: () => ({ resume() {}, abort() {} }), close: async () => {}, destroy: async () => {} }

function tableOf(routes: readonly string[]): RouteTable {
  const options = {
    matcher: 'prefix',
    strategy: 'rr',
    queue: { size: 100, timeout: 5_000 },
    unhealthyRoute: '503',
    random: () => 0,
    compilePlan: () => ({}),
  } as const
  const live = new LiveTable(new TableBuilder(options, new Upstreams(() => client)))
  const changes = routes.map((route, i) =>
    serviceRoutes(`s${i}`, definition(`s${i}`, route, 'http://10.0.0.1:80/')),
  )
  return live.apply(changes)
}

const shown = (candidates: readonly HostCandidate[]) =>
  candidates.map(({ host, matched, routes }) => [host, matched, routes.map(({ text }) => text)])

describe('what a table says of a request', () => {
  const table = tableOf([
    'ex.net/',
    'ex.net/x',
    'ex.net/x/y',
    'ex.net:80/z',
    '*.ex.net/',
    '*.dev.ex.net/x',
    '/',
    '/q',
  ])

  test.each([
    [
      'ex.net',
      '/x/y/z',
      [
        ['ex.net:80', true, []],
        ['ex.net', true, ['ex.net/x/y', 'ex.net/x', 'ex.net/']],
        ['*.dev.ex.net', false, []],
        ['*.ex.net', false, []],
        ['', true, ['/']],
      ],
    ],
    [
      'a.dev.ex.net',
      '/q',
      [
        ['a.dev.ex.net', false, []],
        ['*.dev.ex.net', true, []],
        ['*.ex.net', true, ['*.ex.net/']],
        ['', true, ['/q', '/']],
      ],
    ],
    [
      '',
      '/x',
      [
        ['*.dev.ex.net', false, []],
        ['*.ex.net', false, []],
        ['', true, ['/']],
      ],
    ],
  ])('for %s%s: every host in the order of the search, with its matching paths', (host, path, hosts) => {
    expect(shown(table.explain(host, path, false))).toEqual(hosts)
  })

  test('of an empty table: that no route has the host, nor any host', () => {
    expect(shown(tableOf([]).explain('ex.net', '/', false))).toEqual([
      ['ex.net', false, []],
      ['', false, []],
    ])
  })

  test('is bounded', () => {
    const paths = Array.from({ length: 30 }, (_, i) => `/${'a'.repeat(i)}`)
    expect(
      tableOf(paths)
        .explain('', `/${'a'.repeat(40)}`, false, 5)
        .at(-1)!.routes,
    ).toHaveLength(5)
  })
})

const host = fc.constantFrom(
  '',
  'a.b',
  'A.b',
  'c.a.b',
  'a.b:80',
  'a.b:443',
  '*.b',
  '*.a.b',
  '*.b:80',
  '?.b',
  '*',
)
const path = fc
  .array(fc.constantFrom('/', '/a', '/A', 'a', '/ab', '*', '?', '/b/'), { maxLength: 4 })
  .map((parts) => `/${parts.join('')}`)
const matcher = fc.constantFrom('', ...matchers.map((name) => ` matcher=${name}`))
const route = fc.tuple(host, path, matcher).map((parts) => parts.join(''))

test('the first route of an explanation is the one that is found, whatever the table and the request', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(route, { maxLength: 25 }),
      fc.constantFrom('', 'a.b', 'A.B', 'c.a.b', 'a.b:80', 'a.b:443', 'x.b', 'b'),
      path,
      fc.boolean(),
      (routes, requestHost, requestPath, secure) => {
        const table = tableOf(routes)
        const candidates = table.explain(requestHost, requestPath, secure, 100)
        const inOrder = candidates.flatMap((candidate) => candidate.routes)
        expect(inOrder[0] ?? null).toBe(table.find(requestHost, requestPath, secure))
        expect(new Set(inOrder).size).toBe(inOrder.length)
        for (const { matched, paths, routes: found } of candidates) {
          expect(matched || found.length === 0).toBe(true)
          const all = new Set(paths?.values())
          for (const each of found) expect(all.has(each)).toBe(true)
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('what comes second is found once the first is gone', () => {
  fc.assert(
    fc.property(fc.uniqueArray(route, { maxLength: 12 }), path, (routes, requestPath) => {
      const inOrder = tableOf(routes)
        .explain('c.a.b', requestPath, false, 100)
        .flatMap((candidate) => candidate.routes)
      const first = inOrder[0]
      fc.pre(first !== undefined)
      const services = new Set(first!.targets.map(({ service }) => Number(service.slice(1))))
      const without = tableOf(routes.map((each, i) => (services.has(i) ? 'nobody.else/' : each)))
      expect(without.find('c.a.b', requestPath, false)?.text).toBe(inOrder[1]?.text)
    }),
    { numRuns: 300 },
  )
})
