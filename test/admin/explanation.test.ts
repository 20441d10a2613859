import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { explanationView, QuestionError, readQuestion } from '../../src/admin/explanation.ts'
import type { TargetView } from '../../src/admin/view.ts'
import type { Explanation } from '../../src/observe/explain.ts'

const ask = (url: string, header: string[] = [], method = 'GET') =>
  readQuestion({ url, method, header }, '10.1.1.1')

describe('the request that is asked about', () => {
  test.each([
    ['http://a.b/x?y=1', 'a.b', '/x?y=1', false],
    ['https://A.b:8443/x', 'A.b:8443', '/x', true],
    ['HTTPS://a.b', 'a.b', '/', true],
    ['a.b/x', 'a.b', '/x', false],
    ['/x', '', '/x', false],
    ['a.b?x=1', 'a.b', '/?x=1', false],
    ['http://[::1]:80/x#y', '[::1]:80', '/x', false],
    ['http://a.b/%2e%2E//x/../y', 'a.b', '/%2e%2E//x/../y', false],
    ['/a b/ü', '', '/a%20b/%C3%BC', false],
  ])('%s is for host %j and target %j', (url, host, target, secure) => {
    expect(ask(url)).toEqual({ method: 'GET', host, target, fields: [], secure, remoteAddress: '10.1.1.1' })
  })

  test('has the fields that are given, and the Host among them is its host', () => {
    expect(ask('http://a.b/', ['X: 1', 'host: c.d', 'x:  2 '])).toMatchObject({
      host: 'c.d',
      fields: ['X', '1', 'x', '2'],
    })
  })

  test.each([
    ['http://a b/', [], 'GET', 'url: expected one like'],
    ['http://user@a/', [], 'GET', 'url: expected one like'],
    ['http://a"b/', [], 'GET', 'url: expected a host like'],
    ['/', ['Host: a b'], 'GET', 'url: expected a host like'],
    ['/', ['no colon'], 'GET', 'header: expected "Name: value", got "no colon"'],
    ['/', ['A: b\r\nC: d'], 'GET', 'header: expected'],
    ['/', [], 'GET /', 'method: expected a word like GET'],
  ])('%j with %j and %j cannot be sent', (url, header, method, words) => {
    expect(() => ask(url, header, method)).toThrow(words)
  })

  test('is one that may stand in a head, or none, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.array(fc.string()),
        fc.string(),
        (url, header, method) => {
          try {
            const { target, host, fields } = readQuestion({ url, header, method }, '')
            expect(target).toMatch(/^\/[\x21-\x7e]*$/)
            expect(host + fields.join('')).not.toMatch(/[\r\n\0]/)
          } catch (error) {
            expect(error).toBeInstanceOf(QuestionError)
          }
        },
      ),
    )
  })
})

describe('the view of an explanation', () => {
  const target = (instance: string, share: number, more: Partial<TargetView> = {}): TargetView => ({
    service: 'web',
    instance,
    address: '10.0.0.1:80',
    url: `http://${instance}/`,
    share,
    weight: 0,
    tags: [],
    options: '',
    routed: share > 0,
    health: 'passing',
    reason: '',
    origin: 'tag',
    ...more,
  })
  const request = { method: 'GET', target: '/x', fields: ['Host', 'a', 'X', '1'] }
  const explanation: Explanation = {
    tableVersion: 7,
    host: 'a',
    path: '/x',
    hosts: [],
    route: { host: '', path: '/', matcher: 'prefix' },
    why: 'because',
    answer: null,
    targets: [
      {
        ...{ service: 'web', instance: 'n1', url: 'http://n1/', share: 0.25 },
        ...{ limit: 0, isHome: null, request, answer: null, asked: ['auth staff'] },
      },
    ],
  }

  test('puts what is known of the targets beside what they would be sent, the largest share first', () => {
    const known = [
      target('n0', 0, { health: 'critical', reason: 'check "up" is critical' }),
      target('n1', 0.25, { weight: 0.25 }),
      target('n2', 0.75),
      target('n3', 0, { routed: true }),
    ]
    const view = explanationView({ url: '/x', method: 'GET', header: [] }, explanation, known, 0)
    expect(view.targets.map(({ asked }) => asked)).toEqual([[], ['auth staff'], [], []])
    expect(view.targets.map(({ instance, why, request: sent }) => [instance, why, sent])).toEqual([
      ['n2', 'it gets 75 % of the requests', null],
      [
        'n1',
        'it asks for 0.25 and gets 25 % of the requests',
        {
          method: 'GET',
          target: '/x',
          fields: [
            { name: 'Host', value: 'a' },
            { name: 'X', value: '1' },
          ],
        },
      ],
      ['n0', 'check "up" is critical', null],
      ['n3', 'the weights of the others leave it no part of the requests', null],
    ])
  })

  const whyOf = (more: Partial<TargetView>, served: Partial<Explanation['targets'][0]> = {}): string => {
    const said = { ...explanation, targets: [{ ...explanation.targets[0]!, share: 1, ...served }] }
    const query = { url: '/x', method: 'GET', header: [] }
    return explanationView(query, said, [target('n1', 1, more)], Date.UTC(2026, 0, 1)).targets[0]!.why
  }

  test.each<[Partial<TargetView>, Partial<Explanation['targets'][0]>, string]>([
    [{}, {}, 'it gets 100 % of the requests'],
    [{ inFlight: 3 }, { limit: 4 }, 'it gets 100 % of the requests'],
    [
      { inFlight: 4 },
      { limit: 4 },
      'it gets 100 % of the requests; it has 4 of at most 4 now: what comes waits',
    ],
    [{ failures: 2 }, {}, 'it gets 100 % of the requests; 2 failures in a row so far'],
    [{ rise: 0.3 }, {}, 'it gets 100 % of the requests; it starts slowly and gets 30 % of that for now'],
    [{}, { isHome: true }, 'it gets 100 % of the requests; this one belongs here: sticky='],
    [{}, { isHome: false }, 'it gets 100 % of the requests; this one belongs to another: sticky='],
    [
      { failures: 5, ejectedUntil: '2026-01-01T00:00:09.000Z', ejectedIn: 2, processes: 2 },
      {},
      'it gets 100 % of the requests; ejected after 5 failures in a row: it gets none before 2026-01-01T00:00:09.000Z, unless too few others are left',
    ],
    [
      { failures: 5, ejectedUntil: '2025-12-31T23:59:59.000Z', ejectedIn: 1, processes: 2 },
      {},
      'it gets 100 % of the requests; ejected after 5 failures in a row, in 1 of 2 processes: the next request decides whether it is back',
    ],
  ])('of a target with %j, %j says why it would not get the request: %s', (more, served, expected) => {
    expect(whyOf(more, served)).toBe(expected)
  })
})

// The value was taken out by an expression that tried each of a row of blanks: a question of 16 KB took half a second of
// everybody's time.
test('a question is read in no time, however many blanks a field of it has', () => {
  const startedAt = performance.now()
  const { fields } = ask('/', [`A: \t x${' '.repeat(60_000)}y \t`])
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  expect(fields).toEqual(['A', `x${' '.repeat(60_000)}y`])
})
