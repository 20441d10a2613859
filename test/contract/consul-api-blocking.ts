import { beforeAll, expect, test } from 'vitest'
import { waitFor } from '../support/wait.ts'
import { type ConsulApi, type EntryJson, passingTtl, type Subject, stable } from './consul-api-client.ts'

/** What the suite of `consul-api.ts` holds of blocking queries and of query options. */

export function blocking(on: Subject): void {
  const same = { Name: 'blk-same', Port: 1, Check: passingTtl('blk-same-ttl') }
  const short = { wait: '200ms' }
  const shortMs = 200

  beforeAll(async () => {
    await on.api.register({ Name: 'blk', ID: 'blk-1', Port: 1, Check: passingTtl('blk-1-ttl') })
    await on.api.register({ Name: 'other', ID: 'other-1', Check: passingTtl('other-1-ttl') })
    await on.api.register(same)
  })

  test('without an index, or with 0, the answer comes at once', async () => {
    const { api } = on
    for (const query of ['', '?wait=10s', '?index=0&wait=10s', '?index=&wait=10s']) {
      expect((await api.get(`/v1/health/service/blk${query}`)).ms).toBeLessThan(5_000)
    }
  })

  test('without a change the answer comes after the wait and at most a sixteenth more, as it was', async () => {
    const { before, after } = await on.api.watch('/v1/health/service/blk', async () => {}, { wait: '800ms' })
    expect(after.ms).toBeGreaterThanOrEqual(799)
    expect(after.ms).toBeLessThan(800 * (1 + 1 / 16) + 400)
    expect([after.index, stable(after)]).toEqual([before.index, stable(before)])
  })

  const wakes: [sentence: string, path: string, act: (api: ConsulApi) => Promise<unknown>][] = [
    ['a check that fails', '/v1/health/service/blk', (api) => api.put('/v1/agent/check/fail/blk-1-ttl')],
    ['a check that passes', '/v1/health/service/blk', (api) => api.put('/v1/agent/check/pass/blk-1-ttl')],
    ['a new instance', '/v1/health/service/blk', (api) => api.register({ Name: 'blk', ID: 'blk-2' })],
    ['another port', '/v1/health/service/blk', (api) => api.register({ Name: 'blk', ID: 'blk-2', Port: 3 })],
    [
      'maintenance of an instance',
      '/v1/health/service/blk',
      (api) => api.put('/v1/agent/service/maintenance/blk-2?enable=true'),
    ],
    [
      'an instance that goes',
      '/v1/health/service/blk',
      (api) => api.put('/v1/agent/service/deregister/blk-2'),
    ],
    [
      'a check of its node',
      '/v1/health/service/blk',
      (api) => api.put('/v1/agent/check/register', { Name: 'node-ttl', TTL: '1h', Status: 'passing' }),
    ],
    [
      'a check of its node that goes',
      '/v1/health/service/blk',
      (api) => api.put('/v1/agent/check/deregister/node-ttl'),
    ],
    ['the first instance', '/v1/health/service/blk-absent', (api) => api.register({ Name: 'blk-absent' })],
    [
      'the last that goes',
      '/v1/health/service/blk-absent',
      (api) => api.put('/v1/agent/service/deregister/blk-absent'),
    ],
    ['a new service', '/v1/catalog/services', (api) => api.register({ Name: 'blk-new' })],
    ['a service that goes', '/v1/catalog/services', (api) => api.put('/v1/agent/service/deregister/blk-new')],
    ['a new instance', '/v1/catalog/service/blk', (api) => api.register({ Name: 'blk', ID: 'blk-3' })],
    ['a check that fails', '/v1/health/state/any', (api) => api.put('/v1/agent/check/fail/blk-1-ttl')],
    ['a check that passes', '/v1/health/state/critical', (api) => api.put('/v1/agent/check/pass/blk-1-ttl')],
    ['a check that fails', '/v1/health/state/critical', (api) => api.put('/v1/agent/check/fail/blk-1-ttl')],
    ['a check that passes', '/v1/health/checks/blk', (api) => api.put('/v1/agent/check/pass/blk-1-ttl')],
    [
      'a new node',
      '/v1/catalog/nodes',
      (api) => api.put('/v1/catalog/register', { Node: 'blk-node', Address: '10.0.0.4' }),
    ],
    [
      'a node that goes',
      '/v1/catalog/nodes',
      (api) => api.put('/v1/catalog/deregister', { Node: 'blk-node' }),
    ],
  ]
  for (const [sentence, path, act] of wakes) {
    test(`${sentence} wakes ${path}`, async () => {
      const { before, after } = await on.api.watch(path, () => act(on.api))
      expect(after.index).toBeGreaterThan(before.index)
      expect(after.text).not.toBe(before.text)
      expect(after.ms).toBeLessThan(5_000)
    })
  }

  const sleeps: [sentence: string, path: string, act: (api: ConsulApi) => Promise<unknown>][] = [
    [
      'a check of another service',
      '/v1/health/service/blk',
      (api) => api.put('/v1/agent/check/fail/other-1-ttl'),
    ],
    ['another service', '/v1/health/service/blk', (api) => api.register({ Name: 'other', ID: 'other-2' })],
    [
      'another service that goes',
      '/v1/health/service/blk',
      (api) => api.put('/v1/agent/service/deregister/other-2'),
    ],
    [
      'other words of a check',
      '/v1/health/service/blk',
      (api) => api.put('/v1/agent/check/pass/blk-1-ttl?note=more'),
    ],
    ['the same registration', '/v1/health/service/blk-same', (api) => api.register(same)],
    ['another service', '/v1/health/service/nobody', (api) => api.register({ Name: 'other', ID: 'other-3' })],
    ['a check that fails', '/v1/catalog/services', (api) => api.put('/v1/agent/check/fail/blk-1-ttl')],
    ['a check that passes', '/v1/catalog/services', (api) => api.put('/v1/agent/check/pass/blk-1-ttl')],
    ['a service', '/v1/catalog/nodes', (api) => api.register({ Name: 'other', ID: 'other-4' })],
    [
      'a check that leaves passing',
      '/v1/health/state/critical',
      (api) => api.put('/v1/agent/check/warn/blk-1-ttl'),
    ],
    [
      'a check of another service',
      '/v1/health/checks/blk',
      (api) => api.put('/v1/agent/check/pass/other-1-ttl'),
    ],
  ]
  for (const [sentence, path, act] of sleeps) {
    test(`${sentence} does not wake ${path}`, async () => {
      const { before, after } = await on.api.watch(path, () => act(on.api), short)
      expect(after.ms).toBeGreaterThanOrEqual(shortMs - 1)
      expect([after.index, stable(after)]).toEqual([before.index, stable(before)])
    })
  }

  test('a service that never was has an index', async () => {
    const answer = await on.api.get('/v1/health/service/never-was')
    expect([answer.status, answer.text.trim()]).toEqual([200, '[]'])
    expect(answer.index).toBeGreaterThanOrEqual(1)
  })

  test('an index that Consul has not reached yet is waited for, and the newest state comes with the lower one', async () => {
    const { api } = on
    const { before, after } = await api.watch(
      '/v1/health/service/blk',
      () => api.put('/v1/agent/check/fail/blk-1-ttl'),
      { wait: '400ms', ahead: 100_000 },
    )
    expect(after.ms).toBeGreaterThanOrEqual(399)
    expect(after.index).toBeLessThan(before.index + 100_000)
    expect(after.json<EntryJson[]>()[0]?.Checks.find(({ CheckID }) => CheckID === 'blk-1-ttl')?.Status).toBe(
      'critical',
    )
  })

  test('indices only grow', async () => {
    const { api } = on
    let last = 0
    for (const verb of ['pass', 'fail', 'pass', 'warn']) {
      await api.put(`/v1/agent/check/${verb}/blk-1-ttl`)
      const reached = await waitFor(
        async () => {
          const { index } = await api.get('/v1/health/service/blk')
          return index > last ? index : 0
        },
        { what: 'a higher index' },
      )
      expect(reached).toBeGreaterThan(last)
      last = reached
    }
  })
}

export function queryOptions(on: Subject): void {
  const paths = [
    '/v1/catalog/services',
    '/v1/health/service/consul',
    '/v1/health/state/any',
    '/v1/kv/options',
  ]

  for (const path of paths) {
    test(`${path} tells its index, the leader and the last contact`, async () => {
      const { index, headers } = await on.api.get(path)
      expect(index).toBeGreaterThanOrEqual(1)
      expect(headers.get('x-consul-knownleader')).toBe('true')
      expect(headers.get('x-consul-lastcontact')).toBe('0')
    })

    const refused: [query: string, status: number, says: string][] = [
      ['?index=abc', 400, 'Invalid index'],
      ['?index=-1', 400, 'Invalid index'],
      ['?index=18446744073709551616', 400, 'Invalid index'],
      ['?index=1&wait=abc', 400, 'Invalid wait time'],
      ['?wait=5', 400, 'Invalid wait time'],
      ['?stale&consistent', 400, 'Cannot specify ?stale with ?consistent'],
      ['?dc=nowhere', 500, 'No path to datacenter'],
    ]
    for (const [query, status, says] of refused) {
      test(`${path}${query} is refused with ${status}`, async () => {
        const answer = await on.api.get(`${path}${query}`)
        expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(says)])
      })
    }
  }

  test('every consistency is answered alike, and the own datacenter may be named', async () => {
    const { api } = on
    const plain = await api.get('/v1/health/service/consul')
    for (const query of ['?stale', '?consistent', '?dc=dc1', '?stale&dc=dc1']) {
      const answer = await api.get(`/v1/health/service/consul${query}`)
      expect([answer.status, answer.text]).toEqual([200, plain.text])
    }
  })
}
