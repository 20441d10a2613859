import { describe, expect, test } from 'vitest'
import { documentsOf, entriesIn, KvOverrides, kvTreePath } from '../../src/registry/consul/kv.ts'

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
    expect(documentsOf(entriesIn(body, '/fabio/config'))).toEqual([
      { name: 'fabio/config', text: 'route del a' },
      { name: 'fabio/config/x', text: 'route del c' },
    ])
  })

  test.each<[body: unknown, words: string]>([
    ['text', 'expected a list of keys below /fabio/config, got string'],
    [null, 'expected a list of keys'],
    [{}, 'expected a list of keys'],
    [[null], 'expected a Key of text'],
    [[{ Key: 7, Value: null }], 'expected a Key of text'],
    [[{ Key: 'fabio/config', Value: 7 }], 'fabio/config: expected a Value of text or null, got number'],
    [[{ Key: 'fabio/config' }], 'expected a Value'],
  ])('of a shape that Consul does not document throws: %j', (body, words) => {
    expect(() => entriesIn(body, '/fabio/config')).toThrow(words)
  })
})

describe('overrides in Consul’s KV store', () => {
  /** Answers what it is told, and keeps what it was asked. */
  function storeOver(answers: Readonly<Record<string, unknown>>) {
    const asked: string[] = []
    const client = {
      read: async (path: string) => {
        asked.push(`GET ${path}`)
        return { index: 1n, body: answers[path] ?? [], lastContactMs: 0, knownLeader: true }
      },
      put: async (path: string, text: string) => {
        asked.push(`PUT ${path} ${text}`)
        return answers[path]
      },
    }
    return { store: new KvOverrides(client, '/fabio/config', new AbortController().signal), asked }
  }

  test('are listed by what follows their place; keys that merely begin alike are none', async () => {
    const keys = ['fabio/config', 'fabio/config-old', 'fabio/config/', 'fabio/config/a b', 'fabio/config/x/y']
    const { store } = storeOver({ '/v1/kv/fabio/config?keys': keys })
    expect(await store.keys()).toEqual(['', '/', '/a b', '/x/y'])
    expect(await storeOver({}).store.keys()).toEqual([])
  })

  test('are read with the version that a write has to name', async () => {
    const stored = { ...entry('fabio/config/a b', ' route del a \n'), ModifyIndex: 17 }
    const { store } = storeOver({ '/v1/kv/fabio/config/a%20b': [stored] })
    expect(await store.read('/a b')).toEqual({ value: 'route del a', version: 17n })
    expect(await store.read('/none')).toEqual({ value: '', version: 0n })
    expect(store.nameOf('/a b')).toBe('fabio/config/a b')
  })

  test('are written with check-and-set, and false is told where the version is another', async () => {
    const { store, asked } = storeOver({
      '/v1/kv/fabio/config?cas=17': true,
      '/v1/kv/fabio/config?cas=0': false,
    })
    expect(await store.write('', 'x', 17n)).toBe(true)
    expect(await store.write('', 'x', 0n)).toBe(false)
    expect(asked).toEqual(['PUT /v1/kv/fabio/config?cas=17 x', 'PUT /v1/kv/fabio/config?cas=0 x'])
  })
})
