import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { Pool, request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { freePort, type Running, startGatehouse } from '../support/gatehouse-process.ts'
import { startOrigin, startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { handshake, serverFrame, switching } from '../support/websocket.ts'

// The traffic plane in two processes, as its users run it.

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface Cluster {
  readonly gateway: Running
  readonly url: string
  readonly adminUrl: string
  readonly registryUrl: string
  /** Pids of the workers. */
  workers(): Promise<number[]>
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

async function register(registryUrl: string, name: string, port: number, tag: string): Promise<void> {
  const service = {
    Name: name,
    Address: '127.0.0.1',
    Port: port,
    Tags: [tag],
    Check: { TTL: '60s', Status: 'passing' },
  }
  const answer = await request(`${registryUrl}/v1/agent/service/register`, {
    method: 'PUT',
    body: JSON.stringify(service),
  })
  expect(answer.statusCode).toBe(200)
}

async function startCluster(...flags: string[]): Promise<Cluster> {
  const registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  cleanups.push(() => registry.close())
  const web = await startOrigin((_message, response) => response.end('ok'))
  cleanups.push(() => web.close())
  await register(registry.url, 'web', web.port, 'urlprefix-/')
  const [proxy, admin] = [await freePort(), await freePort()]
  const gateway = startGatehouse([
    ...['-proxy.addr', `127.0.0.1:${proxy}`, '-ui.addr', `127.0.0.1:${admin}`, '-proxy.workers', '2'],
    ...['-registry.consul.addr', registry.url, '-proxy.shutdownwait', '5s'],
    ...flags,
  ])
  cleanups.push(() => gateway.kill())
  const url = `http://127.0.0.1:${proxy}`
  const workers = () => childrenOf(gateway.child.pid!)
  await waitFor(
    async () =>
      (await request(url)
        .then(({ statusCode }) => statusCode)
        .catch(() => 0)) === 200,
    {
      what: `the gateway to serve; it said: ${gateway.complaints()}`,
      deadline: 10_000,
    },
  )
  await servingWorkers(gateway, 2)
  return { gateway, url, adminUrl: `http://127.0.0.1:${admin}`, registryUrl: registry.url, workers }
}

/** Pids of the processes that said that they serve, in the order in which they did; waits until there are so many. */
function servingWorkers(gateway: Running, count: number): Promise<number[]> {
  const pids = (): number[] =>
    [...gateway.complaints().matchAll(/worker \d+ \(pid (\d+)\) serves/g)].map((match) => Number(match[1]))
  const what = `${count} workers to serve; the gateway said: ${gateway.complaints()}`
  return waitFor(() => (pids().length >= count ? pids() : null), { what, deadline: 25_000 }) as Promise<
    number[]
  >
}

/** Asks all the time over many connections until told to stop; tells how many answers there were, and the failures. */
function steadyTraffic(url: string, { reconnecting = false } = {}) {
  const pool = new Pool(url, { connections: 16, pipelining: 1 })
  cleanups.push(() => pool.destroy())
  const failures: string[] = []
  let answers = 0
  let isOver = false
  const ask = async (): Promise<void> => {
    while (!isOver) {
      try {
        const answer = await pool.request({ method: 'GET', path: '/', reset: reconnecting })
        await answer.body.dump()
        if (answer.statusCode === 200) answers++
        else failures.push(String(answer.statusCode))
      } catch (error) {
        failures.push((error as Error).message)
      }
      await pause(2)
    }
  }
  const asking = Promise.all(Array.from({ length: 16 }, ask))
  return {
    answers: () => answers,
    async stop(): Promise<string[]> {
      isOver = true
      await asking
      return failures
    },
  }
}

const metricOf = async (adminUrl: string, series: string): Promise<number> => {
  const answer = await request(`${adminUrl}/metrics`)
  const text = await answer.body.text()
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? 0)
}

describe('with two workers', () => {
  test('both serve, a change reaches both, and what they count is one sum', async () => {
    const { url, adminUrl, registryUrl, workers } = await startCluster()
    const before = await metricOf(adminUrl, 'gatehouse_requests_count{service="web"}')
    const traffic = steadyTraffic(url, { reconnecting: true })
    await waitFor(() => traffic.answers() >= 200, { what: '200 answers' })
    expect(await traffic.stop()).toEqual([])
    const counted = (await metricOf(adminUrl, 'gatehouse_requests_count{service="web"}')) - before
    expect(counted).toBe(traffic.answers())
    const late = await startOrigin((_message, response) => response.end('late'))
    cleanups.push(() => late.close())
    await register(registryUrl, 'late', late.port, 'urlprefix-/late')
    // New connections all the time, so that either worker would show it if it did not know.
    let row = 0
    await waitFor(
      async () => {
        const answer = await request(`${url}/late`, { reset: true })
        row = (await answer.body.text()) === 'late' ? row + 1 : 0
        return row >= 20
      },
      { what: 'twenty answers of the new service in a row' },
    )
    expect(await workers()).toHaveLength(2)
  })

  test('a limit is that of both: one connection gets all of it, and many get hardly more', async () => {
    const { url } = await startCluster('-proxy.ratelimit', '40/h')
    /** Statuses of requests from this address, over so many connections one after the other. */
    const ask = async (localAddress: string, connections: number, requests: number): Promise<number[]> => {
      const pools = Array.from({ length: connections }, () => new Pool(url, { connections: 1, localAddress }))
      cleanups.push(...pools.map((pool) => () => pool.destroy()))
      const statuses: number[] = []
      for (let i = 0; i < requests; i++) {
        const answer = await pools[i % connections]!.request({ method: 'GET', path: '/' })
        await answer.body.dump()
        statuses.push(answer.statusCode)
        // As slowly as the processes tell each other.
        await pause(5)
      }
      return statuses
    }
    const passed = (statuses: number[]): number => statuses.filter((status) => status === 200).length
    const one = await ask('127.0.0.5', 1, 45)
    expect(one).toEqual([...Array<number>(40).fill(200), ...Array<number>(5).fill(429)])
    const many = await ask('127.0.0.6', 12, 200)
    expect(passed(many)).toBeGreaterThanOrEqual(40)
    expect(passed(many)).toBeLessThan(75)
    expect(new Set(many.slice(-100))).toEqual(new Set([429]))
  })

  // Once, on a machine with a lot to do, 301 requests were refused: the worker that was killed was the only one that had
  // opened the port yet, and the port went with it. Now the main process holds it.
  test('one that is killed costs its own requests, is replaced, and what it counted is kept', async () => {
    const { gateway, url, adminUrl } = await startCluster()
    const [first] = await servingWorkers(gateway, 2)
    const traffic = steadyTraffic(url)
    await waitFor(() => traffic.answers() >= 200, { what: '200 answers' })
    const counted = await metricOf(adminUrl, 'gatehouse_requests_count{service="web"}')
    process.kill(first!, 'SIGKILL')
    await servingWorkers(gateway, 3)
    const pause = /ended by SIGKILL; another starts in (\d+) ms/.exec(gateway.complaints())?.[1]
    expect(Number(pause)).toBeLessThanOrEqual(200)
    const answers = traffic.answers()
    await waitFor(() => traffic.answers() >= answers + 200, { what: '200 answers more' })
    // Sixteen ask at a time: no more than those could be with the one that died.
    const failures = await traffic.stop()
    expect(failures.length, [...new Set(failures)].join('; ')).toBeLessThanOrEqual(16)
    expect(await metricOf(adminUrl, 'gatehouse_requests_count{service="web"}')).toBeGreaterThanOrEqual(
      counted,
    )
  })

  test('when both are killed, clients wait for the next one instead of being refused', async () => {
    const { gateway, url } = await startCluster()
    for (const pid of await servingWorkers(gateway, 2)) process.kill(pid, 'SIGKILL')
    await waitFor(() => gateway.complaints().split('ended by SIGKILL').length === 3, {
      what: 'both to be missed',
    })
    expect((await request(url, { headersTimeout: 20_000 })).statusCode).toBe(200)
    await servingWorkers(gateway, 4)
  })

  test('SIGUSR2 replaces both, one after the other, and loses no request', async () => {
    const { gateway, url, workers } = await startCluster()
    const old = await workers()
    const traffic = steadyTraffic(url)
    await waitFor(() => traffic.answers() >= 100, { what: '100 answers' })
    gateway.child.kill('SIGUSR2')
    await waitFor(async () => (await workers()).every((pid) => !old.includes(pid)), {
      what: 'both workers to be replaced',
      deadline: 15_000,
    })
    const answers = traffic.answers()
    await waitFor(() => traffic.answers() >= answers + 100, { what: '100 answers more' })
    expect(await traffic.stop()).toEqual([])
    expect(await workers()).toHaveLength(2)
  })

  test('SIGTERM ends all of them in order: no request that was begun is lost, and the code is 0', async () => {
    const { gateway, url, workers } = await startCluster()
    const pids = await workers()
    const traffic = steadyTraffic(url)
    await waitFor(() => traffic.answers() >= 100, { what: '100 answers' })
    gateway.child.kill('SIGTERM')
    await pause(200)
    const failures = await traffic.stop()
    expect(failures).toEqual([])
    expect(await gateway.exit()).toBe(0)
    await waitFor(() => !pids.some(isAlive), { what: 'the workers to end' })
    await expect(request(url)).rejects.toThrow('ECONNREFUSED')
  })

  test('a second SIGTERM says how many requests it cuts in all of them', async () => {
    const { gateway, url, registryUrl } = await startCluster()
    const slow = await startOrigin(() => {})
    cleanups.push(() => slow.close())
    await register(registryUrl, 'slow', slow.port, 'urlprefix-/slow')
    // Until both know the service: by one that does not, a request is answered by the other route.
    let answered = 0
    const asked: Promise<void>[] = []
    const ask = (): Promise<void> =>
      request(`${url}/slow`, { reset: true }).then(
        () => void answered++,
        () => {},
      )
    await waitFor(
      () => {
        if (asked.length < answered + 8) asked.push(ask())
        return slow.received.length === 8
      },
      { what: 'eight requests that wait', deadline: 10_000 },
    )
    gateway.child.kill('SIGTERM')
    await waitFor(() => gateway.complaints().includes('told to stop'), { what: 'the end to begin' })
    gateway.child.kill('SIGTERM')
    expect(await gateway.exit()).toBe(1)
    expect(gateway.complaints()).toContain('second SIGTERM: ending at once, 8 running requests are cut')
    await Promise.all(asked)
  })

  test('SIGTERM: websockets have their time in all of them, are told that it is over, and the code is 0', async () => {
    const { gateway, url, registryUrl } = await startCluster()
    const chat = await startRawOrigin((socket) => {
      socket.once('data', (head) => {
        socket.write(switching(head.toString('latin1')))
        socket.on('data', (chunk) =>
          chunk.includes(0x88) ? socket.end() : socket.write(serverFrame('heard')),
        )
      })
    })
    cleanups.push(() => chat.close())
    await register(registryUrl, 'chat', chat.port, 'urlprefix-/chat')
    const clients: RawClient[] = []
    await waitFor(
      async () => {
        const client = new RawClient(Number(new URL(url).port)).send(handshake('/chat'))
        cleanups.push(() => client.close())
        if ((await client.until('\r\n\r\n')).startsWith('HTTP/1.1 101 ')) clients.push(client)
        return clients.length === 8
      },
      { what: 'eight websockets', deadline: 10_000 },
    )
    gateway.child.kill('SIGTERM')
    await waitFor(() => gateway.complaints().includes('told to stop'), { what: 'the end to begin' })
    // A second and more after the ports are closed they are still there.
    await waitFor(
      () =>
        request(url).then(
          () => false,
          () => true,
        ),
      { what: 'the port to be closed' },
    )
    for (const client of clients) client.send('\x81\x80\0\0\0\0')
    for (const client of clients) await client.until('heard')
    for (const client of clients) expect((await client.untilClosed()).endsWith('\x88\x02\x03\xe9')).toBe(true)
    expect(await gateway.exit()).toBe(0)
    expect(gateway.complaints()).not.toContain('cut at the end')
  })

  test('none outlives a main process that was killed, and the port is free', async () => {
    const { gateway, url, workers } = await startCluster()
    const pids = await workers()
    await gateway.kill()
    await waitFor(() => !pids.some(isAlive), { what: 'the workers to end', deadline: 2_000 })
    await expect(request(url)).rejects.toThrow('ECONNREFUSED')
  })

  test('a port that is taken ends the start with one sentence', async () => {
    const taken = await startOrigin((_message, response) => response.end())
    cleanups.push(() => taken.close())
    const gateway = startGatehouse([
      ...['-proxy.addr', `127.0.0.1:${taken.port}`, '-ui.addr', '127.0.0.1:0', '-proxy.workers', '2'],
      ...['-registry.backend', 'static', '-registry.static.routes', 'route add web / http://127.0.0.1:1/'],
    ])
    cleanups.push(() => gateway.kill())
    expect(await gateway.exit()).toBe(1)
    const sentence = `gatehouse: proxy.addr: cannot listen on 127.0.0.1:${taken.port}: another process has it`
    expect(
      gateway
        .complaints()
        .split('\n')
        .filter((line) => line === sentence),
    ).toHaveLength(1)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
