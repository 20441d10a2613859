import { describe, expect, test } from 'vitest'
import { documentsIn, kvTreePath } from '../../src/registry/consul/kv.ts'

const entry = (key: string, value: string | null) => ({
  Key: key,
  Value: value === null ? null : Buffer.from(value).toString('base64'),
})

describe('a tree of keys', () => {
  test.each([
    ['/fabio/config', '/v1/kv/fabio/config?recurse'],
    ['fabio/config/', '/v1/kv/fabio/config?recurse'],
    ['/a b/ü', '/v1/kv/a%20b/%C3%BC?recurse'],
  ])('%s is read at %s', (path, expected) => {
    expect(kvTreePath(path)).toBe(expected)
  })

  test('is the key and what is below it, trimmed, in Consul’s order, without empty ones', () => {
    const body = [
      entry('fabio/config', ' route del a \n'),
      entry('fabio/config-old', 'route del b'),
      entry('fabio/config/x', 'route del c'),
      entry('fabio/config/y', null),
      entry('fabio/configuration', 'route del d'),
    ]
    expect(documentsIn(body, '/fabio/config')).toEqual([
      { name: 'fabio/config', text: 'route del a' },
      { name: 'fabio/config/x', text: 'route del c' },
    ])
  })

  test('that is not there has no documents', () => {
    expect(documentsIn(null, '/fabio/config')).toEqual([])
  })

  test('of a shape that Consul does not document throws', () => {
    expect(() => documentsIn('text', '/fabio/config')).toThrow('expected a list of keys')
  })
})
