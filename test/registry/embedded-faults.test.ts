import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { type FaultyRegistry, startFaultyRegistry } from '../../src/registry/embedded/faults.ts'
import { FakeClock, fakeWorld } from '../support/fake-clock.ts'
import { waitFor } from '../support/wait.ts'

describe('a registry that misbehaves', () => {
  let registry: FaultyRegistry
  beforeEach(async () => {
    registry = await startFaultyRegistry({ port: 0, world: systemWorld })
  })
  afterEach(() => registry.close())

  const get = (path: string, signal: AbortSignal | null = null): Promise<Response> =>
    fetch(`${registry.url}${path}`, { signal })
  const indexOf = async (path: string): Promise<number> =>
    Number((await get(path)).headers.get('x-consul-index'))
  const register = (service: object): Promise<Response> =>
    fetch(`${registry.url}/v1/agent/service/register`, { method: 'PUT', body: JSON.stringify(service) })

  test('a fault is for paths that start with its prefix, until it is ended', async () => {
    const end = registry.faults.set('/v1/health', { kind: 'status', status: 429, body: 'slow down' })
    const refused = await get('/v1/health/service/web')
    expect([refused.status, await refused.text()]).toEqual([429, 'slow down'])
    expect((await get('/v1/catalog/services')).status).toBe(200)
    end()
    expect((await get('/v1/health/service/web')).status).toBe(200)
    registry.faults.set('/v1', { kind: 'status', status: 500, body: 'No cluster leader' })
    registry.faults.clear()
    expect((await get('/v1/catalog/services')).status).toBe(200)
  })

  test('a fault can happen a number of times only', async () => {
    registry.faults.set('/v1', { kind: 'status', status: 500, body: '' }, 2)
    const statuses = [1, 2, 3].map(async () => (await get('/v1/catalog/services')).status)
    expect((await Promise.all(statuses)).toSorted()).toEqual([200, 500, 500])
  })

  test('it hangs', async () => {
    registry.faults.set('/v1/catalog', { kind: 'hang' })
    const client = new AbortController()
    const hanging = get('/v1/catalog/services', client.signal).then(
      () => 'answered',
      () => 'given up',
    )
    await waitFor(() => registry.faults.pending('/v1/catalog') === 1, { what: 'the request to hang' })
    registry.faults.clear()
    expect((await get('/v1/status/leader')).status).toBe(200)
    client.abort()
    expect(await hanging).toBe('given up')
    await waitFor(() => registry.faults.pending() === 0, { what: 'it to be forgotten' })
  })

  test('it closes the connection without an answer', async () => {
    registry.faults.set('/v1/catalog', { kind: 'close' })
    await expect(get('/v1/catalog/services')).rejects.toThrow()
  })

  test('it cuts the body in the middle', async () => {
    registry.faults.set('/v1/catalog', { kind: 'cut' })
    const answer = await get('/v1/catalog/services')
    expect([answer.status, Number(answer.headers.get('content-length'))]).toEqual([200, expect.any(Number)])
    await expect(answer.text()).rejects.toThrow()
  })

  test('it says that there is nothing', async () => {
    registry.faults.set('/v1', { kind: 'empty' })
    const list = await get('/v1/health/service/consul')
    expect([await list.json(), Number(list.headers.get('x-consul-index'))]).toEqual([[], 1_000])
    expect(await (await get('/v1/catalog/services')).json()).toEqual({})
  })

  test('it answers what is no JSON', async () => {
    registry.faults.set('/v1', { kind: 'garbage' })
    const answer = await get('/v1/health/service/consul')
    expect(answer.status).toBe(200)
    await expect(answer.json()).rejects.toThrow()
  })

  for (const index of ['0', '3', '-1', 'abc', '', '99999999999999999999999']) {
    test(`it says that the index is ${JSON.stringify(index)}`, async () => {
      registry.faults.set('/v1', { kind: 'index', index })
      expect((await get('/v1/catalog/services')).headers.get('x-consul-index')).toBe(index)
    })
  }

  test('it says nothing of an index', async () => {
    registry.faults.set('/v1', { kind: 'index', index: null })
    expect((await get('/v1/catalog/services')).headers.has('x-consul-index')).toBe(false)
  })

  test('it wakes blocked queries without a change', async () => {
    const index = await indexOf('/v1/catalog/services')
    const blocked = get(`/v1/catalog/services?index=${index}`)
    const other = get(`/v1/catalog/nodes?index=${index}`)
    await waitFor(() => registry.faults.pending() === 2, { what: 'both to block' })
    registry.faults.wake('/v1/catalog/services')
    expect(Number((await blocked).headers.get('x-consul-index'))).toBe(index)
    expect(registry.faults.pending()).toBe(1)
    registry.faults.wake()
    expect((await other).status).toBe(200)
  })

  test('what it spoils it spoils when the answer is ready, so that a blocked query can be met', async () => {
    const index = await indexOf('/v1/catalog/services')
    const blocked = get(`/v1/catalog/services?index=${index}`)
    await waitFor(() => registry.faults.pending() === 1, { what: 'it to block' })
    registry.faults.set('/v1/catalog/services', { kind: 'index', index: '7' })
    registry.faults.wake()
    expect((await blocked).headers.get('x-consul-index')).toBe('7')
  })

  test('several faults come together', async () => {
    registry.faults.set('/v1/catalog', { kind: 'empty' })
    registry.faults.set('/v1/catalog/services', { kind: 'index', index: '2' })
    const answer = await get('/v1/catalog/services')
    expect([await answer.json(), answer.headers.get('x-consul-index')]).toEqual([{}, '2'])
  })

  test('it counts requests with their queries, and connections', async () => {
    await Promise.all([get('/v1/catalog/services?stale&index=5&wait=1s'), get('/v1/kv/a%20b')])
    await get('/v1/catalog/services')
    const { faults } = registry
    const queries = faults.seen('/v1/catalog').map(({ method, query }) => [method, query.get('index')])
    expect(queries).toEqual([
      ['GET', '5'],
      ['GET', null],
    ])
    expect(Object.fromEntries(faults.counts())).toEqual({ '/v1/catalog/services': 2, '/v1/kv/a%20b': 1 })
    expect(faults.connections).toBeGreaterThanOrEqual(2)
    faults.forget()
    expect(faults.seen()).toEqual([])
  })

  test('it drops connections, blocked queries with them', async () => {
    const blocked = get('/v1/catalog/services?index=1000000')
    await waitFor(() => registry.faults.pending() === 1, { what: 'it to block' })
    registry.faults.dropConnections()
    await expect(blocked).rejects.toThrow()
    await waitFor(() => registry.faults.connections === 0, { what: 'no connection to be left' })
  })

  test('it restarts on its port with nothing of what it knew and a lower index', async () => {
    await register({ Name: 'web' })
    const before = await indexOf('/v1/catalog/services')
    const blocked = get(`/v1/catalog/services?index=${before}`).catch(() => 'lost')
    await waitFor(() => registry.faults.pending() === 1, { what: 'it to block' })
    registry.faults.set('/v1/kv', { kind: 'status', status: 500, body: '' })
    await registry.restart()
    expect(await blocked).toBe('lost')
    const after = await get('/v1/catalog/services')
    expect(await after.json()).toEqual({ consul: [] })
    expect(Number(after.headers.get('x-consul-index'))).toBeLessThan(before)
    expect((await get('/v1/kv/x')).status).toBe(500)
  })

  test('it goes away and comes back', async () => {
    await registry.stop()
    await expect(get('/v1/status/leader')).rejects.toThrow()
    await registry.start()
    expect((await get('/v1/status/leader')).status).toBe(200)
  })
})

test('a registry that delays its answers does so by its clock', async () => {
  const clock = new FakeClock()
  const registry = await startFaultyRegistry({ port: 0, world: fakeWorld(clock) })
  registry.faults.set('/v1/catalog', { kind: 'delay', ms: 5_000 })
  const idle = clock.pending
  let answered = false
  const delayed = fetch(`${registry.url}/v1/catalog/services`).then((answer) => {
    answered = true
    return answer.status
  })
  await waitFor(() => clock.pending > idle, { what: 'the request to be delayed' })
  await clock.advance(4_999)
  await fetch(`${registry.url}/v1/status/leader`)
  expect(answered).toBe(false)
  await clock.advance(1)
  expect(await delayed).toBe(200)
  await registry.close()
})
