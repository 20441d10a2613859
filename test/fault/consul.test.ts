import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { type Fault, startFaultyRegistry } from '../../src/registry/embedded/faults.ts'
import { startConsul } from '../support/consul.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const names = ['one', 'two', 'three']

/** A registry with three services, whose one instance answers, and a gateway on it that serves them. */
async function startOn(url: string, flags: readonly string[] = []) {
  const origin = await startOrigin((message, response) => response.end(`served ${message.url}`))
  cleanups.push(() => origin.close())
  for (const name of names) await register(url, name, origin)
  const gateway = await startTestGateway(url, flags)
  cleanups.push(() => gateway.stop())
  await waitFor(() => allServe(gateway), { what: 'all services to be served' })
  return { gateway, origin }
}

async function register(url: string, name: string, origin: Origin): Promise<void> {
  const answer = await request(`${url}/v1/agent/service/register`, {
    method: 'PUT',
    body: JSON.stringify({
      ID: name,
      Name: name,
      Address: '127.0.0.1',
      Port: origin.port,
      Tags: [`urlprefix-/${name}`],
      Check: { TTL: '600s', Status: 'passing' },
    }),
  })
  expect(answer.statusCode).toBe(200)
  await answer.body.dump()
}

async function statusOf(gateway: TestGateway, name: string): Promise<number> {
  const answer = await request(`${gateway.url}/${name}`)
  await answer.body.dump()
  return answer.statusCode
}

const allServe = async (gateway: TestGateway): Promise<boolean> => {
  for (const name of names) if ((await statusOf(gateway, name)) !== 200) return false
  return true
}

/** Asks for every service all the time while something happens; resolves with the answers that were not 200. */
async function whileAsking(gateway: TestGateway, happens: () => Promise<unknown>): Promise<number[]> {
  const failures: number[] = []
  let isOver = false
  const asking = (async () => {
    for (let n = 0; !isOver; n++) {
      const status = await statusOf(gateway, names[n % names.length]!)
      if (status !== 200) failures.push(status)
      await pause(2)
    }
  })()
  await happens()
  isOver = true
  await asking
  return failures
}

/** A change is still seen: a new service is served, and gone when it is withdrawn. */
async function expectToFollow(url: string, gateway: TestGateway, origin: Origin): Promise<void> {
  await register(url, 'late', origin)
  await waitFor(async () => (await statusOf(gateway, 'late')) === 200, {
    what: 'a new service',
    deadline: 5_000,
  })
  await request(`${url}/v1/agent/service/deregister/late`, { method: 'PUT' }).then((answer) =>
    answer.body.dump(),
  )
  await waitFor(async () => (await statusOf(gateway, 'late')) === 404, {
    what: 'it to be gone',
    deadline: 5_000,
  })
}

async function startFaulty(flags: readonly string[] = []) {
  const registry = await startFaultyRegistry({ port: 0, world: systemWorld })
  cleanups.push(() => registry.close())
  return { registry, ...(await startOn(registry.url, flags)) }
}

describe('no request is lost and the next change is seen when Consul', () => {
  const faults: [sentence: string, fault: Fault][] = [
    ['answers 500', { kind: 'status', status: 500, body: 'No cluster leader' }],
    [
      'answers 429',
      { kind: 'status', status: 429, body: 'Your IP is issuing too many concurrent connections' },
    ],
    ['answers 403', { kind: 'status', status: 403, body: 'Permission denied' }],
    ['closes connections without an answer', { kind: 'close' }],
    ['cuts its answers in the middle', { kind: 'cut' }],
    ['answers garbage', { kind: 'garbage' }],
    ['lists nothing', { kind: 'empty' }],
    ['answers without an index', { kind: 'index', index: null }],
    ['answers with index 0', { kind: 'index', index: '0' }],
    ['answers with an index that goes back', { kind: 'index', index: '5' }],
    ['answers with an index that is no number', { kind: 'index', index: 'many' }],
    ['takes half a second for each answer', { kind: 'delay', ms: 500 }],
  ]
  test.each(faults)('%s', async (_sentence, fault) => {
    const { registry, gateway, origin } = await startFaulty()
    const failures = await whileAsking(gateway, async () => {
      const clear = registry.faults.set('/v1/', fault)
      registry.faults.wake()
      await pause(1_500)
      clear()
      registry.faults.wake()
    })
    expect(failures).toEqual([])
    await expectToFollow(registry.url, gateway, origin)
    expect(await allServe(gateway)).toBe(true)
  })

  test('hangs, and its connections are reset later', async () => {
    const { registry, gateway, origin } = await startFaulty()
    const failures = await whileAsking(gateway, async () => {
      const clear = registry.faults.set('/v1/', { kind: 'hang' })
      registry.faults.wake()
      await pause(1_000)
      clear()
      registry.faults.dropConnections()
      await pause(500)
    })
    expect(failures).toEqual([])
    await expectToFollow(registry.url, gateway, origin)
  })

  test.each([
    ['has lost its leader', { kind: 'old', lastContactMs: 0, knownLeader: false }],
    ['heard of its leader a minute ago', { kind: 'old', lastContactMs: 60_000, knownLeader: true }],
  ] satisfies [string, Fault][])(
    '%s: that is said, and the leader itself is asked',
    async (_sentence, fault) => {
      const { registry, gateway, origin } = await startFaulty()
      const oldSince = () => gateway.gateway.control.table().registry.oldSince
      expect(oldSince()).toBeNull()
      const failures = await whileAsking(gateway, async () => {
        const clear = registry.faults.set('/v1/', fault)
        registry.faults.forget()
        registry.faults.wake()
        await waitFor(() => oldSince() !== null, { what: 'the data to be called old' })
        await waitFor(() => registry.faults.seen('/v1/catalog').some(({ query }) => !query.has('stale')), {
          what: 'a question that only the leader answers',
        })
        clear()
        registry.faults.wake()
        await waitFor(() => oldSince() === null, { what: 'the data to be called fresh' })
      })
      expect(failures).toEqual([])
      await expectToFollow(registry.url, gateway, origin)
    },
  )

  test('fails for one service alone: that one keeps its routes too', async () => {
    const { registry, gateway, origin } = await startFaulty()
    const failures = await whileAsking(gateway, async () => {
      const clear = registry.faults.set('/v1/health/service/two', {
        kind: 'status',
        status: 500,
        body: 'rpc error',
      })
      registry.faults.wake('/v1/health/service/two')
      await pause(1_000)
      clear()
    })
    expect(failures).toEqual([])
    await expectToFollow(registry.url, gateway, origin)
  })

  test('wakes for nothing, again and again, and is not asked in a loop', async () => {
    const { registry, gateway, origin } = await startFaulty()
    registry.faults.forget()
    const failures = await whileAsking(gateway, async () => {
      for (let i = 0; i < 200; i++) {
        registry.faults.wake()
        await pause(10)
      }
    })
    expect(failures).toEqual([])
    // Three services, the names and two trees of keys; each watch has a burst of four and slows down then.
    expect(registry.faults.seen().length).toBeLessThan(6 * 10)
    await expectToFollow(registry.url, gateway, origin)
  })

  test('is gone for a while and comes back empty with a lower index, and is asked about once a second meanwhile', async () => {
    const { registry, gateway, origin } = await startFaulty()
    const failures = await whileAsking(gateway, async () => {
      await registry.stop()
      await pause(2_000)
      registry.faults.forget()
      await registry.start()
      for (const name of names) await register(registry.url, name, origin)
      await waitFor(() => gateway.gateway.control.table().registry.connected, {
        what: 'contact',
        deadline: 3_000,
      })
      await pause(1_000)
    })
    expect(failures).toEqual([])
    await expectToFollow(registry.url, gateway, origin)
  })

  test('comes back empty and stays so for some seconds, until the services have registered again', async () => {
    const { registry, gateway, origin } = await startFaulty()
    const failures = await whileAsking(gateway, async () => {
      await registry.restart()
      await pause(5_000)
      for (const name of names) await register(registry.url, name, origin)
      await pause(1_000)
    })
    expect(failures).toEqual([])
    await expectToFollow(registry.url, gateway, origin)
  })

  test('with more services than have a query of their own each', async () => {
    const { registry, gateway, origin } = await startFaulty(['-registry.consul.maxwatches', '2'])
    const failures = await whileAsking(gateway, async () => {
      const clear = registry.faults.set('/v1/', { kind: 'status', status: 500, body: 'No cluster leader' })
      registry.faults.wake()
      await pause(500)
      clear()
      await registry.restart()
      await pause(1_000)
      for (const name of names) await register(registry.url, name, origin)
      await pause(2_000)
    })
    expect(failures).toEqual([])
    await expectToFollow(registry.url, gateway, origin)
  })
})

describe('services that nobody would think of', () => {
  test('may be called like parts of JavaScript, and cost nobody else a route', async () => {
    const registry = await startFaultyRegistry({ port: 0, world: systemWorld })
    cleanups.push(() => registry.close())
    const odd = await startOrigin((_message, response) => response.end('odd'))
    cleanups.push(() => odd.close())
    const oddNames = ['constructor', '__proto__', 'toString', 'a b/c?d', 'ü', '..']
    for (const name of oddNames) await register(registry.url, name, odd)
    const { gateway, origin } = await startOn(registry.url)
    expect(await statusOf(gateway, 'constructor')).toBe(200)
    await expectToFollow(registry.url, gateway, origin)
  })

  test('in an answer with entries of the wrong shape, the last good routes stay and the process lives', async () => {
    const { registry, gateway, origin } = await startFaulty()
    const bodies = [
      '[{"Node":{"Node":"n","Address":"a"},"Service":{"ID":"one","Service":"one","Tags":[null,7,{}],"Port":"x"},"Checks":[null,{}]}]',
      '[{"Node":null,"Service":null}]',
      '[null]',
      '{"Node":1}',
    ]
    for (const body of bodies) {
      for (const name of names) {
        const path = `/v1/health/service/${name}`
        const clear = registry.faults.set(path, { kind: 'status', status: 200, body }, 1)
        registry.faults.wake(path)
        await pause(20)
        clear()
      }
    }
    await expectToFollow(registry.url, gateway, origin)
    await waitFor(() => allServe(gateway), { what: 'all to be served again', deadline: 10_000 })
  })
})

describe('what an operator sees when Consul is gone', () => {
  test('the table says since when, and why, and the log says it once', async () => {
    const { registry, gateway } = await startFaulty()
    await registry.stop()
    const status = () => gateway.gateway.control.table().registry
    await waitFor(() => !status().connected, { what: 'the loss to be seen' })
    await pause(1_500)
    expect(status().error).toContain(registry.url)
    expect(Date.parse(status().lastContactAt!)).toBeLessThan(Date.now())
    expect(gateway.log.filter((line) => line.includes('contact-lost'))).toHaveLength(1)
    await registry.start()
    await waitFor(() => status().connected, { what: 'contact', deadline: 3_000 })
    expect(gateway.log.filter((line) => line.includes('contact-back'))).toHaveLength(1)
  })
})

describe('many services with a few queries', () => {
  test('flips, joins, leaves, new names and changed addresses are all seen', {
    timeout: 60_000,
  }, async () => {
    const consul = await startConsul()
    cleanups.push(() => consul.stop())
    const { gateway, origin } = await startOn(consul.url, ['-registry.consul.maxwatches', '2'])
    const other = await startOrigin((_message, response) => response.end('other'))
    cleanups.push(() => other.close())
    const put = async (path: string, body: unknown = null): Promise<void> => {
      const answer = await request(consul.url + path, {
        method: 'PUT',
        body: body === null ? '' : JSON.stringify(body),
      })
      expect([path, answer.statusCode]).toEqual([path, 200])
      await answer.body.dump()
    }
    const until = (what: string, condition: () => Promise<boolean>) =>
      waitFor(condition, { what, deadline: 15_000 })
    const answerOf = async (name: string) => (await request(`${gateway.url}/${name}`)).body.text()

    await put('/v1/agent/check/fail/service:one', undefined)
    await until('a flip', async () => (await statusOf(gateway, 'one')) === 503)
    await put('/v1/agent/check/pass/service:one')
    await until('it to be well again', async () => (await statusOf(gateway, 'one')) === 200)
    await put('/v1/agent/check/warn/service:two')
    await until('a warning', async () => (await statusOf(gateway, 'two')) === 503)
    await put('/v1/agent/check/pass/service:two')
    await until('it to be well again', async () => (await statusOf(gateway, 'two')) === 200)

    // An instance that passes from the start shows in no list of unwell checks, and its service's name is known.
    const joining = { Node: 'other', Address: '127.0.0.1' }
    await put('/v1/catalog/register', {
      ...joining,
      Service: {
        ID: 'one-2',
        Service: 'one',
        Address: '127.0.0.1',
        Port: other.port,
        Tags: ['urlprefix-/one'],
      },
      Check: { CheckID: 'one-2', Name: 'x', Status: 'passing', ServiceID: 'one-2' },
    })
    await until('an instance that joined', async () => (await answerOf('one')) === 'other')
    // Its address changes, and nothing else.
    const moved = await startOrigin((_message, response) => response.end('moved'))
    cleanups.push(() => moved.close())
    await put('/v1/catalog/register', {
      ...joining,
      Service: {
        ID: 'one-2',
        Service: 'one',
        Address: '127.0.0.1',
        Port: moved.port,
        Tags: ['urlprefix-/one'],
      },
    })
    await until('an instance that moved', async () => (await answerOf('one')) === 'moved')
    await put('/v1/catalog/deregister', { Node: 'other', ServiceID: 'one-2' })
    await until('an instance that left', async () => {
      const answers = [await answerOf('one'), await answerOf('one'), await answerOf('one')]
      return !answers.includes('moved')
    })
    await expectToFollow(consul.url, gateway, origin)
  })
})

describe('a real Consul', () => {
  test('that is killed and started again, empty, loses no request', { timeout: 60_000 }, async () => {
    const consul = await startConsul()
    cleanups.push(() => consul.stop())
    const { gateway, origin } = await startOn(consul.url)
    const failures = await whileAsking(gateway, async () => {
      await consul.restart()
      await pause(3_000)
      for (const name of names) await register(consul.url, name, origin)
      await waitFor(() => gateway.gateway.control.table().registry.connected, {
        what: 'contact',
        deadline: 5_000,
      })
      await pause(1_000)
    })
    expect(failures).toEqual([])
    await expectToFollow(consul.url, gateway, origin)
  })

  test('that is stopped in order loses no request, and is followed when it is back', {
    timeout: 60_000,
  }, async () => {
    const consul = await startConsul()
    cleanups.push(() => consul.stop())
    const { gateway, origin } = await startOn(consul.url)
    const failures = await whileAsking(gateway, async () => {
      await consul.stop()
      await pause(2_000)
      await consul.start()
      for (const name of names) await register(consul.url, name, origin)
      await pause(2_000)
    })
    expect(failures).toEqual([])
    await expectToFollow(consul.url, gateway, origin)
  })
})
