import { expect, test } from 'vitest'
import type { CheckJson, Subject } from './consul-api-client.ts'

/** What the suite of `consul-api.ts` holds of catalog and health. */

export function catalog(on: Subject): void {
  test('services lists every name with the tags of all its instances', async () => {
    const { api } = on
    await api.register({ Name: 'tagged', ID: 't1', Tags: ['urlprefix-/a', 'common'] })
    await api.register({ Name: 'tagged', ID: 't2', Tags: ['common', 'urlprefix-/b'] })
    const services = (await api.get('/v1/catalog/services')).json<Record<string, string[]>>()
    expect(services.tagged?.toSorted()).toEqual(['common', 'urlprefix-/a', 'urlprefix-/b'])
    expect(services.consul).toEqual([])
  })

  test('service lists the instances with their node', async () => {
    const { api, node } = on
    await api.register({
      Name: 'placed',
      ID: 'p1',
      Address: '10.9.8.7',
      Port: 81,
      Tags: ['x'],
      Meta: { k: 'v' },
    })
    await api.register({ Name: 'placed', ID: 'p2', Port: 82 })
    const rows = (await api.get('/v1/catalog/service/placed')).json()
    const common = {
      Node: node,
      Address: '127.0.0.1',
      Datacenter: 'dc1',
      ServiceName: 'placed',
      ServiceKind: '',
    }
    expect(rows).toMatchObject([
      {
        ...common,
        ServiceID: 'p1',
        ServiceAddress: '10.9.8.7',
        ServicePort: 81,
        ServiceTags: ['x'],
        ServiceMeta: { k: 'v' },
        ServiceWeights: { Passing: 1, Warning: 1 },
        CreateIndex: expect.any(Number),
        ModifyIndex: expect.any(Number),
      },
      { ...common, ServiceID: 'p2', ServiceAddress: '', ServicePort: 82, ServiceTags: [] },
    ])
  })

  test('service and health can be narrowed to a tag, or to several', async () => {
    const { api } = on
    await api.register({ Name: 'narrow', ID: 'n1', Tags: ['a', 'b'] })
    await api.register({ Name: 'narrow', ID: 'n2', Tags: ['a'] })
    const cases: [query: string, ids: string[]][] = [
      ['?tag=a', ['n1', 'n2']],
      ['?tag=b', ['n1']],
      ['?tag=a&tag=b', ['n1']],
      ['?tag=c', []],
    ]
    for (const [query, ids] of cases) {
      const rows = (await api.get(`/v1/catalog/service/narrow${query}`)).json<{ ServiceID: string }[]>()
      expect(rows.map(({ ServiceID }) => ServiceID)).toEqual(ids)
      expect((await api.entries('narrow', query)).map(({ Service }) => Service.ID)).toEqual(ids)
    }
  })

  test('nodes and datacenters are listed', async () => {
    const { api, node } = on
    const nodes = (await api.get('/v1/catalog/nodes')).json<{ Node: string }[]>()
    expect(nodes.find((each) => each.Node === node)).toMatchObject({
      ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      Address: '127.0.0.1',
      Datacenter: 'dc1',
      TaggedAddresses: { lan: '127.0.0.1' },
    })
    expect((await api.get('/v1/catalog/datacenters')).json()).toEqual(['dc1'])
  })

  test('another node can be registered with a service and checks, and goes with all it has', async () => {
    const { api } = on
    const answer = await api.put('/v1/catalog/register', {
      Node: 'far',
      Address: '10.0.0.1',
      Service: { ID: 'f1', Service: 'far-service', Port: 80, Tags: ['urlprefix-/far'] },
      Checks: [
        { CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'critical', Output: 'not reachable' },
        { CheckID: 'f1-check', Name: 'f1', Status: 'passing', ServiceID: 'f1' },
      ],
    })
    expect(answer.json()).toBe(true)
    expect(await api.entries('far-service')).toMatchObject([
      {
        Node: { Node: 'far', Address: '10.0.0.1' },
        Service: { ID: 'f1', Service: 'far-service', Address: '', Port: 80 },
        Checks: [
          { CheckID: 'serfHealth', Status: 'critical', Output: 'not reachable', ServiceID: '' },
          { CheckID: 'f1-check', Status: 'passing', ServiceID: 'f1', ServiceName: 'far-service' },
        ],
      },
    ])
    await api.put('/v1/catalog/deregister', { Node: 'far' })
    expect(await api.entries('far-service')).toEqual([])
    expect((await api.get('/v1/health/node/far')).json()).toEqual([])
  })

  test('a service or a check of another node can go alone', async () => {
    const { api } = on
    const Checks = [{ CheckID: 'g1-check', Name: 'g1', Status: 'passing', ServiceID: 'g1' }]
    for (const ID of ['g1', 'g2']) {
      const Service = { ID, Service: 'gone' }
      await api.put('/v1/catalog/register', {
        Node: 'far-2',
        Address: '10.0.0.2',
        Service,
        Checks: ID === 'g1' ? Checks : [],
      })
    }
    await api.put('/v1/catalog/deregister', { Node: 'far-2', CheckID: 'g1-check' })
    expect((await api.entries('gone')).map(({ Service, Checks }) => [Service.ID, Checks.length])).toEqual([
      ['g1', 0],
      ['g2', 0],
    ])
    await api.put('/v1/catalog/deregister', { Node: 'far-2', ServiceID: 'g1' })
    expect((await api.entries('gone')).map(({ Service }) => Service.ID)).toEqual(['g2'])
    await api.put('/v1/catalog/deregister', { Node: 'far-2' })
  })

  const refused: [sentence: string, path: string, body: unknown, status: number][] = [
    ['a registration without a node', '/v1/catalog/register', {}, 500],
    ['a node without an address', '/v1/catalog/register', { Node: 'nowhere' }, 500],
    ['a registration that is not JSON', '/v1/catalog/register', '{', 400],
    ['another datacenter', '/v1/catalog/register', { Node: 'n', Address: 'a', Datacenter: 'nowhere' }, 500],
    ['a deregistration without a node', '/v1/catalog/deregister', {}, 500],
    [
      'a check of a service that is not there',
      '/v1/catalog/register',
      { Node: 'n', Address: '10.0.0.3', Check: { Name: 'c', ServiceID: 'none' } },
      500,
    ],
  ]
  for (const [sentence, path, body, status] of refused) {
    test(`${sentence} is refused with ${status}, and nothing of it stays`, async () => {
      const { api } = on
      const answer = await api.send('PUT', path, body)
      expect(answer.status).toBe(status)
      expect(answer.text).not.toBe('')
      const nodes = (await api.get('/v1/catalog/nodes')).json<{ Node: string }[]>()
      expect(nodes.map(({ Node }) => Node)).not.toContain('n')
    })
  }
}

export function health(on: Subject): void {
  test('an entry has what the gateway reads, under the names that it reads', async () => {
    const { api, node } = on
    await api.register({
      Name: 'shape',
      ID: 'shape-1',
      Tags: ['urlprefix-/'],
      Address: '10.0.0.9',
      Port: 8080,
      Meta: { k: 'v' },
      Check: { TTL: '1h', Notes: 'n' },
    })
    const entries = await api.entries('shape')
    expect(entries).toMatchObject([
      {
        Node: { Node: node, Address: '127.0.0.1', Datacenter: 'dc1' },
        Service: {
          ID: 'shape-1',
          Service: 'shape',
          Tags: ['urlprefix-/'],
          Address: '10.0.0.9',
          Port: 8080,
          Meta: { k: 'v' },
          Weights: { Passing: 1, Warning: 1 },
          CreateIndex: expect.any(Number),
          ModifyIndex: expect.any(Number),
        },
        Checks: [
          {
            Node: node,
            CheckID: 'serfHealth',
            Name: 'Serf Health Status',
            Status: 'passing',
            Output: 'Agent alive and reachable',
            ServiceID: '',
            ServiceName: '',
            ServiceTags: [],
          },
          {
            Node: node,
            CheckID: 'service:shape-1',
            Name: "Service 'shape' check",
            Status: 'critical',
            Notes: 'n',
            Output: '',
            ServiceID: 'shape-1',
            ServiceName: 'shape',
            ServiceTags: ['urlprefix-/'],
            Type: 'ttl',
          },
        ],
      },
    ])
    // The field is left out for an ordinary service.
    expect(entries[0]?.Service).not.toHaveProperty('Kind')
  })

  test('a sidecar says of what kind it is', async () => {
    const { api } = on
    await api.register({
      Name: 'shape-proxy',
      Kind: 'connect-proxy',
      Port: 21000,
      Proxy: { DestinationServiceName: 'shape' },
    })
    expect((await api.entries('shape-proxy'))[0]?.Service).toMatchObject({
      Kind: 'connect-proxy',
      Proxy: { DestinationServiceName: 'shape' },
    })
  })

  test('?passing keeps the instances all of whose checks pass', async () => {
    const { api } = on
    for (const status of ['passing', 'warning', 'critical']) {
      await api.register({
        Name: 'mixed',
        ID: status,
        Check: { TTL: '1h', CheckID: `mixed-${status}`, Status: status },
      })
    }
    const ids = async (query: string): Promise<string[]> =>
      (await api.entries('mixed', query)).map(({ Service }) => Service.ID)
    expect(await ids('')).toEqual(['critical', 'passing', 'warning'])
    expect(await ids('?passing')).toEqual(['passing'])
    expect(await ids('?passing=true')).toEqual(['passing'])
    expect(await ids('?passing=false')).toEqual(['critical', 'passing', 'warning'])
  })

  test('checks can be listed by status, by service and by node', async () => {
    const { api, node } = on
    const Checks = ['passing', 'warning', 'critical'].map((Status) => ({
      CheckID: `l-${Status}`,
      TTL: '1h',
      Status,
    }))
    await api.register({ Name: 'listed', Checks })
    const ids = async (path: string): Promise<string[]> =>
      (await api.get(path))
        .json<CheckJson[]>()
        .flatMap(({ CheckID }) => (CheckID.startsWith('l-') ? [CheckID] : []))
    const all = ['l-critical', 'l-passing', 'l-warning']
    expect(await ids('/v1/health/state/any')).toEqual(all)
    expect(await ids('/v1/health/state/warning')).toEqual(['l-warning'])
    expect(await ids('/v1/health/state/critical')).toEqual(['l-critical'])
    expect(await ids('/v1/health/checks/listed')).toEqual(all)
    expect(await ids(`/v1/health/node/${node}`)).toEqual(all)
    expect(await ids('/v1/health/checks/nobody')).toEqual([])
  })
}
