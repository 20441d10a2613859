import { expect, test } from 'vitest'
import { type ConsulApi, type Subject, stable } from './consul-api-client.ts'

/** What the suite of `consul-api.ts` holds of the KV store. */

export function keyValues(on: Subject): void {
  interface Row {
    readonly Key: string
    readonly Value: string | null
    readonly Flags: number
    readonly ModifyIndex: number
  }
  const row = async (key: string): Promise<Row> => (await on.api.get(`/v1/kv/${key}`)).json<Row[]>()[0]!

  test('a value comes back in base64, or raw', async () => {
    const { api } = on
    expect((await api.put('/v1/kv/one/a?flags=42', 'route add "ü" <x>')).json()).toBe(true)
    const answer = await api.get('/v1/kv/one/a')
    expect(answer.json()).toEqual([
      {
        LockIndex: 0,
        Key: 'one/a',
        Flags: 42,
        Value: Buffer.from('route add "ü" <x>').toString('base64'),
        CreateIndex: expect.any(Number),
        ModifyIndex: answer.index,
      },
    ])
    expect((await api.get('/v1/kv/one/a?raw')).text).toBe('route add "ü" <x>')
    await api.put('/v1/kv/one/empty', '')
    expect((await row('one/empty')).Value).toBeNull()
  })

  test('what is not there is 404 with an index', async () => {
    const { api } = on
    for (const query of ['', '?recurse', '?keys', '?raw']) {
      const answer = await api.get(`/v1/kv/not/there${query}`)
      expect([answer.status, answer.text]).toEqual([404, ''])
      expect(answer.index).toBeGreaterThanOrEqual(1)
    }
  })

  test('a prefix lists what is below it, by key, and its keys', async () => {
    const { api } = on
    for (const key of ['list/b', 'list/a/x', 'list/a/y', 'listing']) await api.put(`/v1/kv/${key}`, key)
    const rows = (await api.get('/v1/kv/list/?recurse')).json<Row[]>()
    expect(rows.map(({ Key }) => Key)).toEqual(['list/a/x', 'list/a/y', 'list/b'])
    expect((await api.get('/v1/kv/list?keys')).json()).toEqual(['list/a/x', 'list/a/y', 'list/b', 'listing'])
    expect((await api.get('/v1/kv/list/?keys&separator=/')).json()).toEqual(['list/a/', 'list/b'])
    expect((await api.get('/v1/kv/?keys&separator=/')).json()).toContain('list/')
  })

  test('a write with cas happens only on the index that it names, 0 for a key that is new', async () => {
    const { api } = on
    const put = async (cas: number): Promise<unknown> =>
      (await api.put(`/v1/kv/cas?cas=${cas}`, `at ${cas}`)).json()
    expect(await put(7)).toBe(false)
    expect(await put(0)).toBe(true)
    expect(await put(0)).toBe(false)
    const { ModifyIndex } = await row('cas')
    expect(await put(ModifyIndex)).toBe(true)
    expect(await put(ModifyIndex)).toBe(false)
    expect((await api.send('DELETE', `/v1/kv/cas?cas=${ModifyIndex}`)).json()).toBe(false)
    const newest = (await row('cas')).ModifyIndex
    expect((await api.send('DELETE', `/v1/kv/cas?cas=${newest}`)).json()).toBe(true)
    expect((await api.get('/v1/kv/cas')).status).toBe(404)
  })

  test('a key is deleted alone, a prefix with all below it', async () => {
    const { api } = on
    for (const key of ['del/a', 'del/b/c', 'del/b/d']) await api.put(`/v1/kv/${key}`, '1')
    expect((await api.send('DELETE', '/v1/kv/del/a')).json()).toBe(true)
    expect((await api.get('/v1/kv/del/?keys')).json()).toEqual(['del/b/c', 'del/b/d'])
    expect((await api.send('DELETE', '/v1/kv/del/?recurse')).json()).toBe(true)
    expect((await api.get('/v1/kv/del/?keys')).status).toBe(404)
    expect((await api.send('DELETE', '/v1/kv/del/a')).json()).toBe(true)
  })

  test('keys may have spaces, and slashes that are encoded', async () => {
    const { api } = on
    await api.put('/v1/kv/sp%20ace%2Fx', '1')
    expect((await api.get('/v1/kv/sp%20ace/x')).json()).toMatchObject([{ Key: 'sp ace/x' }])
  })

  const wakes: [sentence: string, path: string, act: (api: ConsulApi) => Promise<unknown>][] = [
    ['a write to the key', '/v1/kv/w/key', (api) => api.put('/v1/kv/w/key', 'second')],
    ['its deletion', '/v1/kv/w/key', (api) => api.send('DELETE', '/v1/kv/w/key')],
    ['its first write', '/v1/kv/w/key', (api) => api.put('/v1/kv/w/key', 'third')],
    ['a write below the prefix', '/v1/kv/w/?recurse', (api) => api.put('/v1/kv/w/sub/key', '1')],
    ['a deletion below the prefix', '/v1/kv/w/?recurse', (api) => api.send('DELETE', '/v1/kv/w/sub/key')],
    ['the first write below the prefix', '/v1/kv/v/?recurse', (api) => api.put('/v1/kv/v/x', '1')],
    [
      'the last deletion below the prefix',
      '/v1/kv/v/?keys',
      (api) => api.send('DELETE', '/v1/kv/v/?recurse'),
    ],
  ]
  for (const [sentence, path, act] of wakes) {
    test(`${sentence} wakes ${path}`, async () => {
      if ((await on.api.get('/v1/kv/w/first')).status === 404) {
        await on.api.put('/v1/kv/w/first', '1')
        await on.api.put('/v1/kv/w/key', 'first')
      }
      const { before, after } = await on.api.watch(path, () => act(on.api))
      expect(after.index).toBeGreaterThan(before.index)
      expect(after.ms).toBeLessThan(5_000)
      expect(after.text).not.toBe(before.text)
    })
  }

  const sleeps: [sentence: string, path: string, act: (api: ConsulApi) => Promise<unknown>][] = [
    ['a write to another key', '/v1/kv/s/a', (api) => api.put('/v1/kv/s/b', 'second')],
    ['a write elsewhere', '/v1/kv/s/?recurse', (api) => api.put('/v1/kv/t/x', '1')],
    ['the same value', '/v1/kv/s/a', (api) => api.put('/v1/kv/s/a', 'first')],
    ['a write to a service', '/v1/kv/s/?recurse', (api) => api.register({ Name: 'kv-bystander' })],
  ]
  for (const [sentence, path, act] of sleeps) {
    test(`${sentence} does not wake ${path}`, async () => {
      await on.api.put('/v1/kv/s/a', 'first')
      const { before, after } = await on.api.watch(path, () => act(on.api), { wait: '200ms' })
      expect(after.ms).toBeGreaterThanOrEqual(199)
      expect([after.index, stable(after)]).toEqual([before.index, stable(before)])
    })
  }

  const refused: [method: string, path: string, body: string | undefined, status: number][] = [
    ['GET', '/v1/kv/', undefined, 400],
    ['PUT', '/v1/kv/', 'x', 400],
    ['DELETE', '/v1/kv/', undefined, 400],
    ['PUT', '/v1/kv/big', 'x'.repeat(524_289), 413],
    ['DELETE', '/v1/kv/x?recurse&cas=1', undefined, 400],
    ['POST', '/v1/kv/x', 'x', 405],
  ]
  for (const [method, path, body, status] of refused) {
    test(`${method} ${path} is refused with ${status}`, async () => {
      const answer = await on.api.send(method, path, body)
      expect(answer.status).toBe(status)
      expect(answer.text).not.toBe('')
    })
  }
}
