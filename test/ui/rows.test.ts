import { describe, expect, test } from 'vitest'
import { rowName } from '../../src/admin/route-name.ts'
import type { TargetView } from '../../src/admin/view.ts'
import { changedKeys, destinationOf, isLink, rowsOf, totalsOf } from '../../ui/src/routes/rows.ts'
import { route, sample, tableOf, target } from './tables.ts'

describe('the table as rows', () => {
  test('has one for each instance of each route, in the order of the table', () => {
    const rows = rowsOf(sample)
    expect(rows.map((row) => row.host + row.path).slice(0, 5)).toEqual([
      'api.example.com/v2/orders',
      'api.example.com/v2/orders',
      'api.example.com/v2/orders',
      'api.example.com/',
      'mysite.com/foo',
    ])
    expect(rows).toHaveLength(10)
  })

  test('gives each its own key, even where an instance asks for one route twice', () => {
    const twice = tableOf([route('', '/', target({ options: 'strip=/a' }), target({ options: 'strip=/b' }))])
    expect(new Set(rowsOf(twice).map((row) => row.key)).size).toBe(2)
  })

  test('gives the same row of a later table the same key', () => {
    const later = tableOf([route('', '/new', target()), ...sample.routes])
    expect(rowsOf(later).map((row) => row.key)).toEqual(
      expect.arrayContaining(rowsOf(sample).map((row) => row.key)),
    )
  })
})

describe('what counts as a change of a row', () => {
  const before = rowsOf(tableOf([route('', '/', target()), route('', '/still', target())]))
  test.each<[sentence: string, changes: Partial<TargetView>, changed: number]>([
    ['nothing', {}, 0],
    ['another list with the same tags', { tags: [] }, 0],
    ['its share', { share: 0.5 }, 1],
    ['the weight that it asks for', { weight: 0.5 }, 1],
    ['its health', { health: 'critical' }, 1],
    ['the reason of its health', { reason: 'refused' }, 1],
    ['whether it gets requests', { routed: false }, 1],
    ['a tag', { tags: ['blue'] }, 1],
    ['an option', { options: 'strip=/foo' }, 1],
    ['its address', { address: '10.0.0.9:80', url: 'http://10.0.0.1:8080/' }, 1],
    ['its destination: that is another row', { url: 'https://10.0.0.1:8080/' }, 1],
  ])('%s', (_, changes, changed) => {
    const after = rowsOf(tableOf([route('', '/', target(changes)), route('', '/still', target())]))
    expect(changedKeys(before, after)).toEqual(after.slice(0, changed).map((row) => row.key))
  })

  test('a new row is one, a row that went is none', () => {
    const after = rowsOf(tableOf([route('', '/', target()), route('', '/new', target())]))
    expect(changedKeys(before, after)).toEqual([after[1]!.key])
  })
})

describe('a destination is shown as', () => {
  test.each([
    ['its address, where that says all', 'http://10.0.0.1:80/', '10.0.0.1:80', '10.0.0.1:80'],
    ['with its scheme', 'https://10.0.0.1:80/', '10.0.0.1:80', 'https://10.0.0.1:80'],
    ['a TCP destination', 'tcp://10.0.0.1:80', '10.0.0.1:80', 'tcp://10.0.0.1:80'],
    ['where it redirects to', 'https://b.example/$path', '10.0.0.1:80', 'https://b.example/$path'],
    ['an IPv6 address', 'http://[fd00::1]:80/', '[fd00::1]:80', '[fd00::1]:80'],
  ])('%s', (_, url, address, shown) => {
    expect(destinationOf(target({ url, address }))).toBe(shown)
  })
})

test.each([
  ['http://10.0.0.1/', true],
  ['HTTPS://10.0.0.1/', true],
  ['tcp://10.0.0.1:1', false],
  ['grpc://10.0.0.1:1', false],
  ['javascript:alert(1)//http://', false],
  [' javascript:alert(1)', false],
])('%s is a link: %s', (url, link) => {
  expect(isLink(url)).toBe(link)
})

test('an instance is counted once, however many routes it has', () => {
  const out = target({ instance: 'n/b', routed: false, share: 0, health: 'critical' })
  const table = tableOf([route('', '/a', target(), out), route('', '/b', target(), out)])
  expect(totalsOf(table)).toEqual({ routes: 2, instances: 2, notRouted: 1 })
})

test('figures are looked for under the name that the gateway tells them by', () => {
  for (const { host, path, target, figuresKey } of rowsOf(sample)) {
    expect(figuresKey).toBe(rowName(host, path, target.url, target.address))
  }
})
