import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filterNames, matching, readFilter } from '../../ui/src/routes/filter.ts'
import { figuresOf, rowsOf } from '../../ui/src/routes/rows.ts'
import { sample, sampleFigures } from './tables.ts'

const rows = rowsOf(sample)
const found = (filter: string): string[] =>
  matching(rows, readFilter(filter), (row) => figuresOf(row, sampleFigures)).map((row) => row.target.instance)

describe('the words of a filter', () => {
  test.each([
    ['', []],
    ['  \t ', []],
    ['foo', ['foo']],
    ['  Foo\tBAR  ', ['foo', 'bar']],
    ['"a b" c', ['"a b"', 'c']],
    ['reason:"no database"', ['reason:"no database"']],
    ['"open', ['"open']],
  ])('%j', (filter, words) => {
    expect(readFilter(filter).words).toEqual(words)
  })
})

const orders = ['node-1/orders-1', 'node-2/orders-2', 'node-3/orders-3']

describe('a row is found by', () => {
  test.each([
    ['its host and path as one', 'api.example.com/v2', orders],
    ['its service in any case', 'POSTGRES', ['node-4/postgres']],
    ['its address', '10.0.0.3:8080', ['node-3/orders-3']],
    ['its instance', 'loving_shannon', ['afa2769cd049/afa2769cd049:loving_shannon:9090']],
    ['a tag', 'canary', ['node-1/orders-1']],
    ['its health', 'maintenance', ['afa2769cd049/afa2769cd049:old_hopper:9090']],
    ['an option', 'tlsskipverify', ['node-1/portal-1']],
    ['all of several words, whatever their order', 'critical orders', ['node-3/orders-3']],
    ['words together', '"strip=/foo maint"', []],
    ['what it does not say', 'orders -canary', ['node-2/orders-2', 'node-3/orders-3']],
    ['a part of its host', 'host:api service:portal', ['node-1/portal-1']],
    ['its host alone, not what else says the word', 'host:orders', []],
    ['that it has no host', 'host:any path:/old', ['node-1/hello-1']],
    ['its reason', 'reason:"no database"', ['node-3/orders-3']],
    ['its weight', 'weight>1', ['afa2769cd049/afa2769cd049:loving_shannon:9090']],
    ['its share in percent', 'share<=50 share>40', orders.slice(0, 2)],
    ['that it gets no requests', 'is:unrouted service:orders', ['node-3/orders-3']],
    ['where it comes from', 'from:override', ['node-4/postgres']],
    ['the document that states it', 'from:team-a', ['node-4/postgres']],
    ['that it does not come from there', '-from:tag', ['node-4/postgres']],
    ['what passes through it', 'rate>=12', ['node-1/orders-1']],
    ['its errors in percent', 'errors>2', ['node-2/orders-2']],
    ['its latency, where it is known', 'p99<1000', ['node-1/orders-1', 'node-2/orders-2']],
    ['that it is ejected', 'is:ejected', ['node-2/orders-2']],
    ['that it fails', 'is:failing', ['node-2/orders-2']],
    ['that it starts slowly', 'is:starting', ['node-1/portal-1']],
    ['what looks like a field and is none', '10.0.0.3:8080', ['node-3/orders-3']],
    ['a comparison with no number: a word', 'rate>x', []],
  ])('%s: %s', (_, filter, instances) => {
    expect(found(filter)).toEqual(instances)
  })

  test('no filter at all', () => {
    expect(found('')).toHaveLength(rows.length)
  })

  test('not by a word that one column begins and the next one ends', () => {
    expect(found('ordersnode')).toEqual([])
  })

  test('no figure while nobody counts them', () => {
    expect(matching(rows, readFilter('rate>=0'), () => null)).toEqual([])
    expect(matching(rows, readFilter('-rate>=0'), () => null)).toHaveLength(rows.length)
  })
})

test('a filter says whether it looks at figures', () => {
  const live = ['rate>1', 'errors<2 x', 'is:ejected', '-is:draining', 'inflight>0']
  const still = ['shop', 'share>50', 'is:unrouted', 'health:critical', 'from:tag']
  expect(live.map((text) => readFilter(text).isLive)).toEqual(live.map(() => true))
  expect(still.map((text) => readFilter(text).isLive)).toEqual(still.map(() => false))
})

test('a further word never adds a row, and the order of the words never matters', () => {
  const words = ['a', 'hello', 'orders', '10.0', 'passing', 'v2', 'strip', '/', 'no such', 'rate>1', '-v2']
  const word = fc.constantFrom(...words, 'host:api', 'share>40', 'is:routed')
  fc.assert(
    fc.property(fc.array(word, { maxLength: 4 }), word, (some, further) => {
      const before = found(some.join(' '))
      const after = found([...some, further].join(' '))
      expect(before).toEqual(expect.arrayContaining(after))
      expect(found([further, ...some.toReversed()].join(' '))).toEqual(after)
    }),
  )
})

test('whatever is typed, some rows are found or none, and every row fits a word or its opposite', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const { words } = readFilter(text)
      expect(found(text).length).toBeLessThanOrEqual(rows.length)
      const [word] = words
      if (words.length !== 1 || word!.startsWith('-')) return
      expect(found(word!).length + found(`-${word}`).length).toBe(rows.length)
    }),
  )
})

test('docs/ui.md names all that a filter can ask for', async () => {
  const page = await readFile(new URL('../../docs/ui.md', import.meta.url), 'utf8')
  const table = page.slice(page.indexOf('| filter |'), page.indexOf('## Explain'))
  expect(filterNames.filter((name) => !table.includes(name))).toEqual([])
})
