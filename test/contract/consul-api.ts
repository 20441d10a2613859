import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentServices, maintenance } from './consul-api-agent.ts'
import { blocking, queryOptions } from './consul-api-blocking.ts'
import { catalog, health } from './consul-api-catalog.ts'
import { runningChecks, ttlChecks } from './consul-api-checks.ts'
import { ConsulApi, type RegistryUnderTest, type Subject } from './consul-api-client.ts'
import { keyValues } from './consul-api-kv.ts'

/**
 * What the gateway and its users rely on of Consul's HTTP API. It holds for a real agent and for the embedded
 * registry: names and types of what is read, and how reads behave, block and fail.
 */
export function consulApiContract(name: string, start: () => Promise<RegistryUnderTest>): void {
  describe(name, () => {
    let registry: RegistryUnderTest
    let api: ConsulApi
    beforeAll(async () => {
      registry = await start()
      api = new ConsulApi(registry.url)
    })
    afterAll(() => registry.stop())

    const subject: Subject = {
      get api() {
        return api
      },
      get node() {
        return registry.node
      },
    }
    describe('services of the agent', () => agentServices(subject))
    describe('maintenance', () => maintenance(subject))
    describe('TTL checks', () => ttlChecks(subject))
    describe('checks that the agent runs', () => runningChecks(subject))
    describe('catalog', () => catalog(subject))
    describe('health', () => health(subject))
    describe('blocking queries', () => blocking(subject))
    describe('query options', () => queryOptions(subject))
    describe('KV', () => keyValues(subject))
    describe('HTTP', () => http(subject))
  })
}

function http(on: Subject): void {
  test('the agent says who it is', async () => {
    const { api, node } = on
    expect((await api.get('/v1/agent/self')).json()).toMatchObject({
      Config: {
        Datacenter: 'dc1',
        NodeName: node,
        NodeID: expect.stringMatching(/^[0-9a-f-]{36}$/),
        Server: true,
        Version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      },
      Member: { Name: node, Addr: '127.0.0.1' },
    })
    expect((await api.get('/v1/status/leader')).json()).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('what means something in HTML is escaped', async () => {
    const { api } = on
    await api.register({ Name: 'escaped', Tags: ['<b>&'] })
    const { text } = await api.get('/v1/health/service/escaped')
    expect(text).toContain('\\u003cb\\u003e\\u0026')
    expect(text).not.toMatch(/[<>&]/)
  })

  const missing: [path: string, says: string][] = [
    ['/v1/health/service/', 'Missing service name'],
    ['/v1/catalog/service/', 'Missing service name'],
    ['/v1/health/state/', 'Missing check state'],
    ['/v1/health/checks/', 'Missing service name'],
    ['/v1/health/node/', 'Missing node name'],
  ]
  for (const [path, says] of missing) {
    test(`GET ${path} is refused with 400`, async () => {
      const answer = await on.api.get(path)
      expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(says)])
    })
  }

  const wrong: [method: string, path: string, allow: string][] = [
    ['POST', '/v1/health/service/x', 'GET'],
    ['GET', '/v1/agent/service/register', 'PUT'],
    ['PUT', '/v1/agent/services', 'GET'],
    ['DELETE', '/v1/catalog/register', 'PUT'],
  ]
  for (const [method, path, allow] of wrong) {
    test(`${method} ${path} is refused with 405, and what is allowed is told`, async () => {
      const answer = await on.api.send(method, path)
      expect([answer.status, answer.text]).toEqual([405, `method ${method} not allowed`])
      expect(answer.headers.get('allow')).toContain(allow)
    })
  }

  test('what there is no endpoint for is 404', async () => {
    for (const path of ['/v1/nothing', '/nothing', '/v1/agent/nothing']) {
      expect((await on.api.get(path)).status).toBe(404)
    }
  })

  test('a list that is empty is a list', async () => {
    for (const path of ['/v1/health/service/none', '/v1/catalog/service/none', '/v1/health/node/none']) {
      const answer = await on.api.get(path)
      expect(answer.headers.get('content-type')).toContain('application/json')
      expect(answer.json()).toEqual([])
    }
  })
}
