import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { type AgentApi, createAgentApi, type RegisteredService } from '../../src/registry/consul/agent-api.ts'
import type { ConsulClientOptions } from '../../src/registry/consul/client.ts'
import { SelfRegistration } from '../../src/registry/consul/self-registration.ts'
import { type FaultyRegistry, startFaultyRegistry } from '../../src/registry/embedded/faults.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { type ConsulAgent, startConsul } from '../support/consul.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startOrigin } from '../support/origin.ts'
import { selfSigned } from '../support/self-signed.ts'
import { waitFor } from '../support/wait.ts'

type Options = Pick<ConsulClientOptions, 'address' | 'token' | 'namespace' | 'partition' | 'tls'>

const noTls = { ca: undefined, cert: undefined, key: undefined, serverName: '', skipVerify: false }
const at = (port: number, over: Partial<Options> = {}): Options => ({
  address: { scheme: 'http', host: '127.0.0.1', port },
  token: '',
  namespace: '',
  partition: '',
  tls: noTls,
  ...over,
})

interface CheckView {
  readonly CheckID: string
  readonly Name: string
  readonly Status: string
  readonly ServiceID: string
}

const read = async <T>(url: string, path: string): Promise<T> =>
  (await (await fetch(`${url}${path}`)).json()) as T
const checksOf = async (url: string): Promise<CheckView[]> =>
  Object.values(await read<Record<string, CheckView>>(url, '/v1/agent/checks'))
const namesAt = async (url: string): Promise<string[]> =>
  Object.values(await read<Record<string, { Service: string }>>(url, '/v1/agent/services'))
    .map(({ Service }) => Service)
    .sort()

/** A gateway's registration with time in the hands of the test, and its `/health`. */
async function gateway(port: number, timeout = 5_000) {
  const origin = await startOrigin((request, response) => {
    response.writeHead(request.url === '/health' ? 200 : 404).end()
  })
  const clock = new FakeClock()
  const log = new CapturedLog()
  const options = {
    name: 'fabio',
    hostname: 'gate/1 x',
    host: '127.0.0.1',
    port: origin.port,
    localAddress: null,
    tags: ['edge', 'say "hi"'],
    deregisterAfter: 60_000,
    check: { scheme: 'http', interval: 1_000, timeout: 3_000, skipVerify: false } as const,
  }
  const registration = new SelfRegistration(options, createAgentApi(at(port), timeout), clock, log)
  return { origin, clock, log, registration, id: `fabio-gate/1 x-${origin.port}` }
}

type Gateway = Awaited<ReturnType<typeof gateway>>

describe('with the embedded registry', () => {
  let registry: FaultyRegistry
  let gate: Gateway
  beforeEach(async () => {
    registry = await startFaultyRegistry({ port: 0, world: systemWorld })
    gate = await gateway(registry.port)
  })
  afterEach(async () => {
    registry.faults.clear()
    await gate.registration.deregister()
    await gate.origin.close()
    await registry.close()
  })

  const untilNamed = (...names: string[]): Promise<unknown> =>
    waitFor(async () => (await namesAt(registry.url)).join() === names.join(), {
      what: names.join() || 'no names',
    })

  test('it is registered with both checks, takes and drops aliases, and is gone after the end', async () => {
    await gate.registration.start()
    const [service] = Object.values(await read<Record<string, object>>(registry.url, '/v1/agent/services'))
    expect(service).toMatchObject({
      ...{ ID: gate.id, Service: 'fabio', Address: '127.0.0.1', Port: gate.origin.port },
      Tags: ['edge', 'say "hi"'],
    })
    expect((await checksOf(registry.url)).map(({ CheckID, Name }) => [CheckID, Name])).toEqual([
      [`${gate.id}-ttl`, 'gatehouse is alive'],
      [`service:${gate.id}:2`, `http://127.0.0.1:${gate.origin.port}/health answers`],
    ])
    expect((await checksOf(registry.url))[0]!.Status).toBe('passing')
    gate.registration.setAliases(['api', 'web'])
    await untilNamed('api', 'fabio', 'web')
    gate.registration.setAliases(['web'])
    await untilNamed('fabio', 'web')
    await gate.registration.deregister()
    expect(await namesAt(registry.url)).toEqual([])
  })

  test('an agent that restarted and forgot it has it back within a TTL round', async () => {
    await gate.registration.start()
    await registry.restart()
    expect(await namesAt(registry.url)).toEqual([])
    await gate.clock.advance(10_000)
    await untilNamed('fabio')
    await waitFor(async () => (await checksOf(registry.url))[0]?.Status === 'passing', { what: 'it to pass' })
  })

  test('an agent that was away has it back at once when contact is', async () => {
    await gate.registration.start()
    await registry.stop()
    await gate.clock.advance(10_000)
    await waitFor(() => gate.log.of('register-failed').length === 1, { what: 'the loss to be noticed' })
    await registry.start()
    gate.registration.contactBack()
    await untilNamed('fabio')
  })

  test.each<[what: string, fault: Parameters<FaultyRegistry['faults']['set']>[1], words: string]>([
    [
      'refuses',
      { kind: 'status', status: 403, body: 'Permission denied' },
      'expected 200, got 403: Permission denied',
    ],
    ['closes the connection', { kind: 'close' }, 'socket hang up'],
  ])('an agent that %s is asked again, and has said once why', async (_what, fault, words) => {
    const end = registry.faults.set('/v1/agent/service/register', fault)
    await gate.registration.start()
    expect(gate.log.lines).toHaveLength(1)
    expect(gate.log.lines[0]).toMatch(
      /^error consul register-failed: cannot register gatehouse \[name:"fabio"\] in Consul\. http:\/\/127\.0\.0\.1:\d+\/v1\/agent\/service\/register: /,
    )
    expect(gate.log.lines[0]).toContain(words)
    end()
    await gate.clock.advance(2_000)
    await untilNamed('fabio')
  })

  test('an agent that hangs is given up, and asked again', async () => {
    const hasty = await gateway(registry.port, 500)
    const end = registry.faults.set('/v1/agent/service/register', { kind: 'hang' })
    await hasty.registration.start()
    expect(hasty.log.of('register-failed')[0]).toContain('request timed out (500ms)')
    end()
    const isNamed = async (): Promise<boolean> => {
      await hasty.clock.advance(2_000)
      return (await namesAt(registry.url)).includes('fabio')
    }
    await waitFor(isNamed, { what: 'it to be registered' })
    await hasty.registration.deregister()
    await hasty.origin.close()
  })

  test('an answer that is cut in its middle ends as well', async () => {
    const api = createAgentApi(at(registry.port), 1_000)
    await expect(api.pass('nobody')).rejects.toMatchObject({ status: 500 })
    registry.faults.set('/v1/agent/check/pass', { kind: 'cut' })
    await expect(api.pass('nobody')).rejects.toMatchObject({ status: 0 })
    api.close()
  })
})

describe('the API of the agent', () => {
  const service: RegisteredService = {
    ...{ name: 'fabio', id: 'fabio-1', address: '127.0.0.1', port: 1, tags: [] },
    ttl: { checkId: 'fabio-1-ttl', ttl: 15_000, deregisterAfter: 60_000 },
    http: { url: 'http://127.0.0.1:1/health', interval: 1_500.5, timeout: 3_000, skipVerify: true },
  }

  async function seenBy(use: (api: AgentApi) => Promise<void>, over: Partial<Options> = {}) {
    const bodies: string[] = []
    const connections = new Set<unknown>()
    const origin = await startOrigin((request, response) => {
      let body = ''
      connections.add(request.socket)
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      request.on('end', () => {
        bodies.push(body)
        response.end()
      })
    })
    const api = createAgentApi(at(origin.port, over))
    await use(api)
    api.close()
    await origin.close()
    // A connection for each call.
    expect(connections.size).toBe(bodies.length)
    return origin.received.map(({ method, url, headers }, n) => ({ method, url, headers, body: bodies[n]! }))
  }

  test('sends what Consul documents', async () => {
    const requests = await seenBy(async (api) => {
      await api.register(service)
      await api.pass('a/b c')
      await api.deregister('a/b c')
    })
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'PUT /v1/agent/service/register',
      'PUT /v1/agent/check/pass/a%2Fb%20c',
      'PUT /v1/agent/service/deregister/a%2Fb%20c',
    ])
    expect(JSON.parse(requests[0]!.body)).toEqual({
      ...{ Name: 'fabio', ID: 'fabio-1', Address: '127.0.0.1', Port: 1, Tags: [] },
      Checks: [
        {
          ...{ CheckID: 'fabio-1-ttl', Name: 'gatehouse is alive', TTL: '15000ms' },
          DeregisterCriticalServiceAfter: '60000ms',
        },
        {
          ...{ Name: 'http://127.0.0.1:1/health answers', HTTP: 'http://127.0.0.1:1/health' },
          ...{ Interval: '1500.5ms', Timeout: '3000ms', TLSSkipVerify: true },
        },
      ],
    })
    for (const { headers } of requests) {
      expect(headers).not.toHaveProperty('x-consul-token')
      expect(headers).not.toHaveProperty('x-consul-namespace')
    }
  })

  test('sends token, namespace and partition with each call', async () => {
    const requests = await seenBy(
      async (api) => {
        await api.register(service)
        await api.pass('x')
        await api.deregister('x')
      },
      { token: 's3cret', namespace: 'team-a', partition: 'eu' },
    )
    const names = ['x-consul-token', 'x-consul-namespace', 'x-consul-partition']
    expect(requests.map(({ headers }) => names.map((name) => headers[name]))).toEqual(
      Array(3).fill(['s3cret', 'team-a', 'eu']),
    )
  })

  test('reaches an agent by its IPv6 address', async () => {
    const origin = await startOrigin((_request, response) => response.end(), '::1')
    const api = createAgentApi({
      ...at(origin.port),
      address: { scheme: 'http', host: '[::1]', port: origin.port },
    })
    await api.pass('x')
    expect(origin.received[0]!.headers.host).toBe(`[::1]:${origin.port}`)
    api.close()
    await origin.close()
  })

  test('checks the certificate of the agent, unless it is told not to', async () => {
    const server = createServer(selfSigned, (_request, response) => response.end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const use = async (tls: Options['tls']): Promise<void> => {
      const api = createAgentApi(at(port, { address: { scheme: 'https', host: '127.0.0.1', port }, tls }))
      await api.pass('x').finally(() => api.close())
    }
    await expect(use(noTls)).rejects.toMatchObject({
      status: 0,
      message: expect.stringContaining('self-signed'),
    })
    await use({ ...noTls, ca: selfSigned.cert })
    await use({ ...noTls, skipVerify: true })
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('with a real Consul', () => {
  let consul: ConsulAgent
  let gate: Gateway
  beforeAll(async () => {
    consul = await startConsul()
  })
  afterAll(() => consul.stop())
  beforeEach(async () => {
    gate = await gateway(consul.port)
  })
  afterEach(async () => {
    await gate.registration.deregister()
    await gate.origin.close()
  })

  /** Both checks, as the catalog has them: what others see of it. */
  const untilPassing = (name = 'fabio'): Promise<unknown> =>
    waitFor(
      async () => {
        const entries = await read<{ Service: { ID: string }; Checks: CheckView[] }[]>(
          consul.url,
          `/v1/health/service/${name}`,
        )
        const own = entries.flatMap(({ Checks }) => Checks).filter(({ ServiceID }) => ServiceID !== '')
        return own.length === 2 && own.every(({ Status }) => Status === 'passing')
      },
      { what: `${name} to pass both checks`, deadline: 10_000 },
    )

  test('it is registered and passing, also under its aliases, and gone after the end', async () => {
    await gate.registration.start()
    await untilPassing()
    gate.registration.setAliases(['front'])
    await untilPassing('front')
    await gate.registration.deregister()
    expect(await namesAt(consul.url)).toEqual([])
    await waitFor(async () => (await read<unknown[]>(consul.url, '/v1/health/service/fabio')).length === 0, {
      what: 'it to leave the catalog',
    })
  })

  test('whoever takes it away by hand has it back within a TTL round', async () => {
    await gate.registration.start()
    const path = `/v1/agent/service/deregister/${encodeURIComponent(gate.id)}`
    expect((await fetch(`${consul.url}${path}`, { method: 'PUT' })).status).toBe(200)
    expect(await namesAt(consul.url)).toEqual([])
    await gate.clock.advance(10_000)
    await untilPassing()
  })

  test('whoever takes its check away by hand has it back within a TTL round', async () => {
    await gate.registration.start()
    const path = `/v1/agent/check/deregister/${encodeURIComponent(`${gate.id}-ttl`)}`
    expect((await fetch(`${consul.url}${path}`, { method: 'PUT' })).status).toBe(200)
    await gate.clock.advance(10_000)
    await untilPassing()
  })

  test('an agent that restarted without what it knew has it back when contact is', async () => {
    await gate.registration.start()
    await consul.restart()
    expect(await namesAt(consul.url)).toEqual([])
    gate.registration.contactBack()
    await untilPassing()
  })

  test('a service that goes takes its TTL check with it, which is how a sign of life proves both', async () => {
    await gate.registration.start()
    const id = encodeURIComponent(gate.id)
    await fetch(`${consul.url}/v1/agent/service/deregister/${id}`, { method: 'PUT' })
    const api = createAgentApi(at(consul.port))
    const error = await api.pass(`${gate.id}-ttl`).catch((thrown: unknown) => thrown)
    expect([404, 500]).toContain((error as { status: number }).status)
    api.close()
  })
})
