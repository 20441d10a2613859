import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hrefOf, linkTo, pages, readPlace, withChanges } from '../../ui/src/place.ts'

const base = 'http://gate:9998/gate/'

describe('the place of a URL', () => {
  test.each([
    ['a page', 'http://gate:9998/gate/history', 'history', ''],
    ['a page of something', 'http://gate:9998/gate/manual/team-a/x%20y', 'manual', '/team-a/x y'],
    ['the query apart', 'http://gate:9998/gate/explain?url=/manual/x', 'explain', ''],
    ['no page: the first', 'http://gate:9998/gate/', 'routes', ''],
    ['an unknown page: the first', 'http://gate:9998/gate/none/x', 'routes', ''],
    ['a name that every object has: the first', 'http://gate:9998/gate/constructor', 'routes', ''],
    ['outside of the base: the first', 'http://gate:9998/history', 'routes', ''],
    ['an escape that is none, as it stands', 'http://gate:9998/gate/manual/%E0', 'manual', '/%E0'],
  ])('%s', (_, href, page, rest) => {
    expect(readPlace(href, base)).toMatchObject({ page, rest })
  })

  test('is read back from its own link, whatever it holds', () => {
    const page = fc.constantFrom(...(Object.keys(pages) as (keyof typeof pages)[]))
    const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 3 })
    fc.assert(
      fc.property(page, words, fc.dictionary(fc.string(), fc.string()), (name, parts, query) => {
        // Dot segments are resolved by every URL parser, escaped or not.
        fc.pre(!parts.some((part) => /^(\.|%2e){1,2}$/i.test(part)))
        const rest = parts.map((part) => `/${part.replaceAll('/', '')}`).join('')
        const place = { page: name, rest, query: new URLSearchParams(query) }
        const read = readPlace(new URL(hrefOf(place), base).href, base)
        expect({ ...read, query: read.query.toString() }).toEqual({ ...place, query: place.query.toString() })
      }),
    )
  })
})

test('a change of the query leaves the rest of it, an empty word takes one away, several are one each', () => {
  const query = new URLSearchParams('a=1&b=2&b=3')
  expect(withChanges(query, { b: '', c: 'x y' }).toString()).toBe('a=1&c=x+y')
  expect(withChanges(query, { b: ['4', '', '5'] }).toString()).toBe('a=1&b=4&b=5')
  expect(query.toString()).toBe('a=1&b=2&b=3')
})

test('a link leaves out what is empty', () => {
  expect(linkTo('routes', { filter: 'a b', sort: '' })).toBe('routes?filter=a+b')
  expect(linkTo('manual', {}, '/a b/c')).toBe('manual/a%20b/c')
})
