import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filterIn, matching, withFilter, wordsOf } from '../../ui/src/routes/filter.ts'
import { rowsOf } from '../../ui/src/routes/rows.ts'
import { sample } from './tables.ts'

const rows = rowsOf(sample)
const found = (filter: string): string[] => matching(rows, wordsOf(filter)).map((row) => row.target.instance)

describe('the words of a filter', () => {
  test.each([
    ['', []],
    ['  \t ', []],
    ['foo', ['foo']],
    ['  Foo\tBAR  ', ['foo', 'bar']],
  ])('%j', (filter, words) => {
    expect(wordsOf(filter)).toEqual(words)
  })
})

describe('a row is found by', () => {
  test.each([
    [
      'its host and path as one',
      'api.example.com/v2',
      ['node-1/orders-1', 'node-2/orders-2', 'node-3/orders-3'],
    ],
    ['its service in any case', 'POSTGRES', ['node-4/postgres']],
    ['its address', '10.0.0.3:8080', ['node-3/orders-3']],
    ['its instance', 'loving_shannon', ['afa2769cd049/afa2769cd049:loving_shannon:9090']],
    ['a tag', 'canary', ['node-1/orders-1']],
    ['its health', 'maintenance', ['afa2769cd049/afa2769cd049:old_hopper:9090']],
    ['an option', 'tlsskipverify', ['node-1/portal-1']],
    ['all of several words, whatever their order', 'critical orders', ['node-3/orders-3']],
  ])('%s', (_, filter, instances) => {
    expect(found(filter)).toEqual(instances)
  })

  test('no filter at all', () => {
    expect(found('')).toHaveLength(rows.length)
  })

  test('not by a word that one column begins and the next one ends', () => {
    expect(found('ordersnode')).toEqual([])
  })
})

test('a further word never adds a row, and the order of the words never matters', () => {
  const word = fc.constantFrom('a', 'hello', 'orders', '10.0', 'passing', 'v2', 'strip', '/', 'no such')
  fc.assert(
    fc.property(fc.array(word, { maxLength: 4 }), word, (words, further) => {
      const before = found(words.join(' '))
      const after = found([...words, further].join(' '))
      expect(before).toEqual(expect.arrayContaining(after))
      expect(found([further, ...words.toReversed()].join(' '))).toEqual(after)
    }),
  )
})

describe('the filter in the URL', () => {
  test.each([
    ['no query', 'http://gate/routes', 'a b', 'http://gate/routes?filter=a+b'],
    ['another filter', 'http://gate/routes?filter=old', 'new', 'http://gate/routes?filter=new'],
    ['other words of the query stay', 'http://gate/routes?x=1&filter=old', '', 'http://gate/routes?x=1'],
  ])('%s', (_, href, filter, expected) => {
    expect(withFilter(href, filter)).toBe(expected)
  })

  test('whatever was typed is read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(filterIn(new URL(withFilter('http://gate/routes?x=1', text)).search)).toBe(text)
      }),
    )
  })

  test('a query without a filter asks for none', () => {
    expect(filterIn('?x=1')).toBe('')
  })
})
