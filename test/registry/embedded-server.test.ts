import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { StartError } from '../../src/base/errors.ts'
import { systemWorld, type World } from '../../src/base/world.ts'
import { type EmbeddedRegistry, startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { FakeClock, fakeWorld } from '../support/fake-clock.ts'
import { waitFor } from '../support/wait.ts'

describe('the embedded registry as a server', () => {
  const started: EmbeddedRegistry[] = []
  const start = async (world: World = systemWorld, host?: string): Promise<EmbeddedRegistry> => {
    const registry = await startEmbeddedRegistry({
      port: 0,
      world,
      node: 'n',
      ...(host === undefined ? {} : { host }),
    })
    started.push(registry)
    return registry
  }
  afterEach(async () => {
    for (const registry of started.splice(0)) await registry.close()
  })

  test('a port that is taken is an error that names the address', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const failing = startEmbeddedRegistry({ port, world: systemWorld })
    await expect(failing).rejects.toThrow(
      new StartError(`embedded registry: cannot listen on 127.0.0.1:${port}: another process has it`),
    )
    other.close()
  })

  test('it says where it listens, by IPv6 too', async () => {
    const registry = await start(systemWorld, '::1')
    expect(registry.url).toBe(`http://[::1]:${registry.port}`)
    expect(await (await fetch(`${registry.url}/v1/catalog/datacenters`)).json()).toEqual(['dc1'])
  })

  test('close ends blocked queries, checks and connections within 100 ms, and may come twice', async () => {
    const registry = await start()
    const { url } = registry
    const Check = { HTTP: `${url}/v1/health/service/web?index=1000000`, Interval: '1s', Timeout: '10m' }
    const body = JSON.stringify({
      Name: 'web',
      Checks: [Check, { TTL: '10m' }, { TCP: '127.0.0.1:9', Interval: '1s' }],
    })
    await fetch(`${url}/v1/agent/service/register`, { method: 'PUT', body })
    const blocked = Array.from({ length: 20 }, () =>
      fetch(`${url}/v1/health/service/web?index=1000000`).then(
        () => 'answered',
        () => 'closed',
      ),
    )
    await fetch(`${url}/v1/status/leader`)
    const began = performance.now()
    await registry.close()
    expect(await Promise.all(blocked)).toEqual(Array.from({ length: 20 }, () => 'closed'))
    expect(performance.now() - began).toBeLessThan(100)
    await registry.close()
    await expect(fetch(`${url}/v1/status/leader`)).rejects.toThrow()
  })

  const waits: [query: string, random: number, ms: number][] = [
    ['', 0, 300_000],
    ['&wait=0s', 0, 300_000],
    ['&wait=-5s', 0, 300_000],
    ['&wait=20s', 0, 20_000],
    ['&wait=16s', 0.5, 16_500],
    ['&wait=11m', 0, 600_000],
    ['&wait=11m', 0.5, 618_750],
  ]
  for (const [query, random, ms] of waits) {
    test(`index=1000000${query} waits ${ms} ms when chance says ${random}`, async () => {
      const clock = new FakeClock()
      const { url } = await start(fakeWorld(clock, random))
      const idle = clock.pending
      let answered = false
      const blocked = fetch(`${url}/v1/catalog/nodes?index=1000000${query}`).then((answer) => {
        answered = true
        return answer.status
      })
      await waitFor(() => clock.pending > idle, { what: 'the query to block' })
      await clock.advance(ms - 1)
      await fetch(`${url}/v1/status/leader`)
      expect([answered, clock.pending]).toEqual([false, idle + 1])
      await clock.advance(1)
      expect(await blocked).toBe(200)
    })
  }

  test('a client that goes away leaves nothing blocked', async () => {
    const clock = new FakeClock()
    const { url } = await start(fakeWorld(clock))
    const idle = clock.pending
    const client = new AbortController()
    const gone = fetch(`${url}/v1/catalog/nodes?index=1000000`, { signal: client.signal }).catch(() => 'gone')
    await waitFor(() => clock.pending > idle, { what: 'the query to block' })
    client.abort()
    expect(await gone).toBe('gone')
    await waitFor(() => clock.pending === idle, { what: 'the query to end' })
  })

  test('headers are spelled as Consul spells them', async () => {
    const { port } = await start()
    const socket = connect(port, '127.0.0.1')
    socket.end('GET /v1/catalog/nodes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    const names = text
      .split('\r\n\r\n')[0]
      ?.split('\r\n')
      .map((line) => line.split(':')[0])
    for (const name of ['X-Consul-Index', 'X-Consul-Knownleader', 'X-Consul-Lastcontact', 'Content-Type']) {
      expect(names).toContain(name)
    }
  })

  test('a namespace may be named, in the query and in a registration', async () => {
    const { url } = await start()
    const body = JSON.stringify({ Name: 'spaced', Namespace: 'team' })
    const put = await fetch(`${url}/v1/agent/service/register?ns=team`, { method: 'PUT', body })
    expect(put.status).toBe(200)
    const entries = (await (await fetch(`${url}/v1/health/service/spaced?ns=team`)).json()) as unknown[]
    expect(entries.length).toBe(1)
  })

  const notHere: [sentence: string, method: string, path: string, body: object | null, says: string][] = [
    ['a gRPC check', 'PUT', '/v1/agent/check/register', { Name: 'x', GRPC: 'a:1', Interval: '1s' }, 'GRPC'],
    ['an alias check', 'PUT', '/v1/agent/check/register', { Name: 'x', AliasService: 'a' }, 'AliasService'],
    ['a filter', 'GET', '/v1/health/service/x?filter=a', null, '?filter'],
    ['a filter of the agent', 'GET', '/v1/agent/services?filter=a', null, '?filter'],
  ]
  for (const [sentence, method, path, body, says] of notHere) {
    test(`${sentence} is refused, not left out in silence`, async () => {
      const { url } = await start()
      const answer = await fetch(`${url}${path}`, {
        method,
        body: body === null ? null : JSON.stringify(body),
      })
      const text = await answer.text()
      expect([answer.status, text]).toEqual([400, expect.stringContaining(says)])
      expect(text).toContain('needs a real Consul agent')
    })
  }

  test('a script is refused as an agent refuses it', async () => {
    const { url } = await start()
    const body = JSON.stringify({ Name: 'x', Args: ['/bin/true'], Interval: '1s' })
    const answer = await fetch(`${url}/v1/agent/check/register`, { method: 'PUT', body })
    expect([answer.status, await answer.text()]).toEqual([
      500,
      expect.stringContaining('Scripts are disabled'),
    ])
  })

  test('a KV key that begins with a slash loses it', async () => {
    const { url } = await start()
    await fetch(`${url}/v1/kv//fabio/config`, { method: 'PUT', body: 'route add' })
    expect(await (await fetch(`${url}/v1/kv/fabio/config?raw`)).text()).toBe('route add')
  })

  test('a path that does not decode is 400', async () => {
    const { url } = await start()
    const answer = await fetch(`${url}/v1/health/service/%zz`)
    expect([answer.status, await answer.text()]).toEqual([400, '400 Bad Request'])
  })
})
