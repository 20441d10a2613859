import { expect, test } from 'vitest'
import { waitFor } from '../support/wait.ts'
import { type CheckJson, passingTtl, type Subject } from './consul-api-client.ts'

/** What the suite of `consul-api.ts` holds of services and maintenance. */

export function agentServices(on: Subject): void {
  test('a registered service is shown by the agent as it was given', async () => {
    const { api } = on
    const given = {
      ID: 'shown-1',
      Name: 'shown',
      Tags: ['urlprefix-/foo', 'hello'],
      Address: '10.1.2.3',
      Port: 8080,
      Meta: { team: 'a' },
      Weights: { Passing: 5, Warning: 2 },
      EnableTagOverride: true,
    }
    const answer = await api.put('/v1/agent/service/register', given)
    expect([answer.text, answer.headers.get('content-type')]).toEqual(['', null])
    const { Name: Service, ...rest } = given
    const services = (await api.get('/v1/agent/services')).json<Record<string, unknown>>()
    expect(services['shown-1']).toMatchObject({ ...rest, Service })
    const single = await api.get('/v1/agent/service/shown-1')
    expect(single.json()).toMatchObject({ ...rest, Service, ContentHash: expect.any(String) })
  })

  test('what is left out gets a default', async () => {
    const { api } = on
    await api.register({ Name: 'bare' })
    const services = (await api.get('/v1/agent/services')).json<Record<string, unknown>>()
    expect(services.bare).toMatchObject({
      ID: 'bare',
      Service: 'bare',
      Tags: [],
      Meta: {},
      Port: 0,
      Address: '',
      Weights: { Passing: 1, Warning: 1 },
      EnableTagOverride: false,
    })
  })

  test('names of fields match in any case and with underscores', async () => {
    const { api } = on
    await api.put('/v1/agent/service/register', {
      name: 'cased',
      port: 8,
      enable_tag_override: true,
      check: { ttl: '1h', deregister_critical_service_after: '2h' },
    })
    const shown = (await api.get('/v1/agent/service/cased')).json()
    expect(shown).toMatchObject({ Service: 'cased', Port: 8, EnableTagOverride: true })
  })

  test('registering again replaces the service', async () => {
    const { api } = on
    await api.register({ Name: 'again', Port: 1, Tags: ['old'] })
    await api.put('/v1/agent/service/register', { Name: 'again', Port: 2, Tags: ['new'] })
    const entry = await waitFor(
      async () => (await api.entries('again')).find(({ Service }) => Service.Port === 2),
      {
        what: 'the second registration',
      },
    )
    expect(entry?.Service.Tags).toEqual(['new'])
  })

  test('a service that registers again keeps the status of its checks', async () => {
    const { api } = on
    const service = { Name: 'keeper', Check: { CheckID: 'keeper-ttl', TTL: '10m', Status: 'passing' } }
    await api.register(service)
    await api.put('/v1/agent/check/fail/keeper-ttl?note=broken')
    await api.put('/v1/agent/service/register', { ...service, Port: 2 })
    await waitFor(async () => (await api.entries('keeper'))[0]?.Service.Port === 2, { what: 'the new port' })
    expect(await api.check('keeper', 'keeper-ttl')).toMatchObject({ Status: 'critical', Output: 'broken' })
  })

  test('a deregistered service is gone from agent, catalog and health, with its checks', async () => {
    const { api } = on
    await api.register({ Name: 'leaver', ID: 'leaver-1', Check: passingTtl('leaver-ttl') })
    await api.put('/v1/agent/service/deregister/leaver-1')
    expect((await api.get('/v1/agent/service/leaver-1')).status).toBe(404)
    await waitFor(async () => (await api.entries('leaver')).length === 0, { what: 'leaver to be gone' })
    expect((await api.get('/v1/catalog/service/leaver')).json()).toEqual([])
    expect((await api.get('/v1/catalog/services')).json()).not.toHaveProperty('leaver')
    expect((await api.get('/v1/agent/checks')).json()).not.toHaveProperty('leaver-ttl')
    expect((await api.get('/v1/health/checks/leaver')).json()).toEqual([])
  })

  test('checks that a registration does not name stay, unless it says that they are to be replaced', async () => {
    const { api } = on
    const named = async (query: string, CheckID: string): Promise<string[]> => {
      await api.put(`/v1/agent/service/register${query}`, {
        Name: 'replaced',
        Checks: [{ CheckID, TTL: '1h' }],
      })
      const checks = (await api.get('/v1/agent/checks')).json<Record<string, CheckJson>>()
      return Object.values(checks).flatMap((each) => (each.ServiceID === 'replaced' ? [each.CheckID] : []))
    }
    expect(await named('', 'r1')).toEqual(['r1'])
    expect(await named('', 'r2')).toEqual(['r1', 'r2'])
    expect(await named('?replace-existing-checks=true', 'r3')).toEqual(['r3'])
  })

  test('IDs may be long and have colons and slashes in them', async () => {
    const { api } = on
    const id = `afa2769cd049:loving/shannon:9090:${'x'.repeat(200)}`
    await api.register({ Name: 'odd id', ID: id })
    expect((await api.get(`/v1/agent/service/${encodeURIComponent(id)}`)).json()).toMatchObject({ ID: id })
    await api.put(`/v1/agent/service/deregister/${encodeURIComponent(id)}`)
    await waitFor(async () => (await api.entries('odd id')).length === 0, { what: 'it to be gone' })
  })

  test('IDs of checks count their place, unless there is one only', async () => {
    const { api } = on
    const Checks = [{ TTL: '1h' }, { TTL: '1h', CheckID: 'own-id', Name: 'own name' }, { TTL: '1h' }]
    await api.register({ Name: 'many', Checks })
    await api.register({ Name: 'single', Check: { TTL: '1h' } })
    const named = async (service: string): Promise<unknown> =>
      (await api.get(`/v1/health/checks/${service}`))
        .json<CheckJson[]>()
        .map(({ CheckID, Name }) => [CheckID, Name])
    expect(await named('many')).toEqual([
      ['own-id', 'own name'],
      ['service:many:1', "Service 'many' check"],
      ['service:many:3', "Service 'many' check"],
    ])
    expect(await named('single')).toEqual([['service:single', "Service 'single' check"]])
  })

  const refused: [sentence: string, body: unknown, says: string][] = [
    ['a body that is not JSON', '{bad', 'Request decode failed'],
    ['an empty body', '', 'Request decode failed: EOF'],
    ['a body that ends early', '{"Name":"a"', 'Request decode failed: unexpected EOF'],
    ['a list', '[]', 'Request decode failed: json: cannot unmarshal array'],
    ['no name', {}, 'Missing service name'],
    ['a name that is a number', { Name: 5 }, 'Request decode failed: json: cannot unmarshal number'],
    ['a port that is text', { Name: 'x', Port: '80' }, 'of type int'],
    ['a field that is unknown', { Name: 'x', Bogus: 1 }, 'unknown field "Bogus"'],
    ['every address of the machine', { Name: 'x', Address: '0.0.0.0' }, 'Invalid service address'],
    [
      'a weight of nothing',
      { Name: 'x', Weights: { Passing: 0 } },
      'Invalid Weights: Passing must be greater',
    ],
    ['a key of Meta with a space', { Name: 'x', Meta: { 'a b': 'c' } }, 'Key contains invalid characters'],
    ['a duration without a unit', { Name: 'x', Check: { TTL: '5' } }, 'missing unit in duration'],
    ['a duration that is none', { Name: 'x', Check: { TTL: 'bad' } }, 'invalid duration "bad"'],
    ['an HTTP check without an interval', { Name: 'x', Check: { HTTP: 'http://x' } }, 'Interval must be > 0'],
    ['a TCP check without an interval', { Name: 'x', Check: { TCP: 'x:1' } }, 'Interval must be > 0'],
    ['a check of no kind', { Name: 'x', Check: { Name: 'y' } }, 'TTL must be > 0'],
    ['a check of two kinds', { Name: 'x', Check: { TTL: '1s', Interval: '1s' } }, 'cannot both be specified'],
    [
      'a status that is none',
      { Name: 'x', Check: { TTL: '1s', Status: 'good' } },
      "must 'passing', 'warning'",
    ],
    [
      'a sidecar without destination',
      { Name: 'x', Kind: 'connect-proxy', Port: 1 },
      'DestinationServiceName',
    ],
  ]
  for (const [sentence, body, says] of refused) {
    test(`${sentence} is refused with 400`, async () => {
      const { api } = on
      const answer = await api.send('PUT', '/v1/agent/service/register', body)
      expect(answer.status).toBe(400)
      expect(answer.text).toContain(says)
      expect(answer.headers.get('content-type')).toContain('text/plain')
      expect((await api.get('/v1/agent/service/x')).status).toBe(404)
    })
  }
}

export function maintenance(on: Subject): void {
  test('maintenance of a service is a critical check of it, until it ends', async () => {
    const { api, node } = on
    await api.register({ Name: 'kept', ID: 'kept-1' })
    await api.register({ Name: 'kept', ID: 'kept-2' })
    await api.put('/v1/agent/service/maintenance/kept-1?enable=true&reason=new%20disk')
    expect(await api.untilStatus('kept', '_service_maintenance:kept-1', 'critical')).toMatchObject({
      Node: node,
      Name: 'Service Maintenance Mode',
      Notes: 'new disk',
      ServiceID: 'kept-1',
      ServiceName: 'kept',
    })
    expect((await api.entries('kept', '?passing')).map(({ Service }) => Service.ID)).toEqual(['kept-2'])
    await api.put('/v1/agent/service/maintenance/kept-1?enable=false')
    await waitFor(async () => (await api.entries('kept', '?passing')).length === 2, { what: 'its end' })
  })

  test('maintenance of the node is in every entry, until it ends', async () => {
    const { api } = on
    await api.register({ Name: 'on-node' })
    const state = async (): Promise<string | undefined> =>
      (await api.entries('on-node'))[0]?.Checks.find(({ CheckID }) => CheckID === '_node_maintenance')?.Notes
    await api.put('/v1/agent/maintenance?enable=true')
    expect(await waitFor(state, { what: 'maintenance' })).toContain('no reason was provided')
    await api.put('/v1/agent/maintenance?enable=false')
    await waitFor(async () => (await state()) === undefined, { what: 'its end' })
  })

  const refused: [path: string, status: number, says: string][] = [
    ['/v1/agent/service/maintenance/kept-1', 400, 'Missing value for enable'],
    ['/v1/agent/service/maintenance/kept-1?enable=maybe', 400, 'Invalid value for enable'],
    ['/v1/agent/maintenance', 400, 'Missing value for enable'],
    ['/v1/agent/service/maintenance/nobody?enable=true', 404, 'nobody'],
  ]
  for (const [path, status, says] of refused) {
    test(`PUT ${path} is refused with ${status}`, async () => {
      const answer = await on.api.send('PUT', path)
      expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(says)])
    })
  }
}
