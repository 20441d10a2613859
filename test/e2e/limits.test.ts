import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectionsFor } from '../../src/cli/settings.ts'
import { answerOf } from '../support/between.ts'
import { blackHole } from '../support/black-hole.ts'
import { freePort, startGatehouse } from '../support/gatehouse-process.ts'
import { startTestGateway } from '../support/gateway.ts'
import { startOrigin, startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'

// Every limit by the name that the operator gives it, from the configuration to the wire.

/** A gateway with these flags in front of an upstream that answers each read with `ok`, unless it is told otherwise. */
async function limited(
  flags: readonly string[],
  answer: string | null = answerOf('ok'),
  url: string | null = null,
) {
  const origin = await startRawOrigin((socket) => {
    socket.on('data', () => answer !== null && socket.write(answer))
  })
  onTestFinished(() => origin.close())
  const routes = `route add web / ${url ?? origin.url}`
  const gateway = await startTestGateway('http://127.0.0.1:1', [
    ...['-registry.backend', 'static', '-registry.static.routes', routes, '-proxy.shutdownwait', '0s'],
    ...flags,
  ])
  onTestFinished(async () => void (await gateway.stop()))
  return {
    ...gateway,
    origin,
    client(text: string): RawClient {
      const client = new RawClient(gateway.port)
      onTestFinished(() => client.close())
      return client.send(text)
    },
  }
}

const get = (target = '/', ...lines: string[]): string =>
  `GET ${target} HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
const post = (length: number, body = ''): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`
const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `X-${n}: y`)
const address = (options: string): string[] => ['-proxy.addr', `127.0.0.1:0;${options}`]

describe('what is too large', () => {
  test.each([
    [
      'proxy.maxheadersize',
      ['-proxy.maxheadersize', '2048'],
      get('/', `X: ${'y'.repeat(1_900)}`),
      get('/', `X: ${'y'.repeat(2_100)}`),
      431,
    ],
    ['proxy.maxheaders', ['-proxy.maxheaders', '10'], get('/', ...many(9)), get('/', ...many(10)), 431],
    [
      'proxy.maxuri',
      ['-proxy.maxuri', '8000'],
      get(`/${'x'.repeat(7_999)}`),
      get(`/${'x'.repeat(8_000)}`),
      414,
    ],
    ['proxy.maxbody', ['-proxy.maxbody', '10'], post(10, '0123456789'), post(11), 413],
  ])(
    '%s is served up to the limit, and refused beyond it with its own status',
    async (_name, flags, fits, exceeds, status) => {
      const gateway = await limited(flags)
      expect(await gateway.client(fits).until('ok')).toMatch(/^HTTP\/1\.1 200 /)
      const refused = await gateway.client(exceeds).untilClosed()
      expect(refused).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*Connection: close\r\n`))
    },
  )

  test.each([
    ['a target without end', `GET /${'x'.repeat(70_000)}`, 414],
    ['a field without end', `GET / HTTP/1.1\r\nX: ${'y'.repeat(70_000)}`, 431],
    ['fields without end', `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(12_000)}`, 431],
    ['a method without end', 'G'.repeat(70_000), 400],
  ])('%s is refused by the defaults, before it ends', async (_what, text, status) => {
    const gateway = await limited([])
    expect(await gateway.client(text).untilClosed()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })
})

describe('what takes too long', () => {
  test.each([
    ['a head: proxy.headertimeout', ['-proxy.headertimeout', '150ms'], 'GET / HTTP/1.1\r\nHo', 408],
    [
      'a body that stands still: proxy.bodystalltimeout',
      ['-proxy.bodystalltimeout', '150ms'],
      post(10, 'half'),
      408,
    ],
    ['a request: proxy.readtimeout', ['-proxy.readtimeout', '150ms'], post(10, 'half'), 408],
    [
      'a request: rt of the listener',
      [...address('rt=150ms'), '-proxy.readtimeout', '1h'],
      post(10, 'half'),
      408,
    ],
    ['an answer: proxy.writetimeout', ['-proxy.writetimeout', '150ms'], get(), 504],
    ['an answer: wt of the listener', [...address('wt=150ms'), '-proxy.writetimeout', '1h'], get(), 504],
    [
      'the head of an answer: proxy.responseheadertimeout',
      ['-proxy.responseheadertimeout', '150ms'],
      get(),
      504,
    ],
  ])('%s, is answered in time', async (_what, flags, text, status) => {
    const gateway = await limited(flags, null)
    const start = performance.now()
    const client = gateway.client(text)
    await client.until('\r\n\r\n')
    expect(client.received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(performance.now() - start).toBeGreaterThan(140)
    expect(performance.now() - start).toBeLessThan(3_000)
  })

  test('an answer that has begun is cut by wt, and does not look complete', async () => {
    const gateway = await limited(address('wt=200ms'), 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin')
    const received = await gateway.client(get()).untilClosed()
    expect(received).toMatch(/^HTTP\/1\.1 200 [\s\S]*begin$/)
  })

  test('a connection to an instance: proxy.dialtimeout, is 504', async () => {
    const gateway = await limited(['-proxy.dialtimeout', '200ms'], null, await blackHole())
    expect(await gateway.client(get()).until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 504 [\s\S]*GW_CONNECT_TIMEOUT/)
  })

  test.each([
    ['proxy.clientidletimeout', ['-proxy.clientidletimeout', '200ms'], 200],
    ['it of the listener, which wins', [...address('it=200ms'), '-proxy.clientidletimeout', '1h'], 200],
    [
      'it of the listener, also where it is longer',
      [...address('it=400ms'), '-proxy.clientidletimeout', '50ms'],
      400,
    ],
  ])('an idle client connection: %s, is closed', async (_what, flags, ms) => {
    const gateway = await limited(flags)
    const client = gateway.client(get())
    await client.until('ok')
    const start = performance.now()
    await client.untilClosed()
    expect(performance.now() - start).toBeGreaterThan(ms - 20)
    expect(performance.now() - start).toBeLessThan(ms + 1_500)
    const silent = gateway.client('')
    await silent.untilClosed()
    expect(silent.received).toBe('')
  })

  test('an idle connection to an instance: proxy.idleconntimeout, is closed', async () => {
    const gateway = await limited(['-proxy.idleconntimeout', '200ms'])
    await gateway.client(get()).until('ok')
    await waitFor(() => gateway.origin.sockets[0]!.destroyed, { what: 'it to close', deadline: 2_000 })
  })
})

describe('connections', () => {
  test('to one instance are proxy.maxconn at most, and who waits is answered within proxy.queue.timeout', async () => {
    const flags = ['-proxy.maxconn', '1', '-proxy.queue.timeout', '300ms', '-proxy.queue.size', '1']
    const gateway = await limited(flags, null)
    gateway.client(get('/1'))
    await waitFor(() => gateway.origin.sockets.length === 1, { what: 'the first to arrive' })
    const waits = gateway.client(get('/2'))
    await pause(20)
    expect(await gateway.client(get('/3')).until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 [\s\S]*GW_QUEUE_FULL/)
    expect(await waits.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 [\s\S]*GW_QUEUE_TIMEOUT/)
    expect(gateway.origin.sockets).toHaveLength(1)
  })

  test('of clients are proxy.maxconns at most: one more is 503, and has a place when another goes', async () => {
    const gateway = await limited(['-proxy.maxconns', '2'])
    const two = [gateway.client(get()), gateway.client(get())]
    for (const client of two) await client.until('ok')
    const refused = await gateway.client(get()).untilClosed()
    expect(refused).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n[\s\S]*GW_TOO_MANY_CONNECTIONS/)
    const { body } = await request(`${gateway.adminUrl}/metrics`)
    expect(await body.text()).toMatch(/gatehouse_refused\{code="503"\} 1\n/)
    two[0]!.close()
    await waitFor(
      async () => {
        const client = gateway.client(get())
        return (await Promise.race([client.until('ok'), client.untilClosed()])).includes('ok')
      },
      { what: 'a place' },
    )
  })

  test('of clients that have been idle for a second give way to new ones, those in use never', async () => {
    const gateway = await limited(['-proxy.maxconns', '3'])
    const [first, second] = [gateway.client(get()), gateway.client(get())]
    const busy = gateway.client('GET / HTTP/1.1\r\nHost: a\r\nX')
    await Promise.all([first.until('ok'), second.until('ok')])
    await pause(1_200)
    const fresh = gateway.client(get())
    await fresh.until('ok')
    await waitFor(() => first.isClosed || second.isClosed, { what: 'an idle one to go' })
    expect([first.isClosed, second.isClosed]).toContain(false)
    expect(busy.isClosed).toBe(false)
    await busy.send(': y\r\n\r\n').until('ok')
  })

  test.each([
    [null, 0],
    [1_048_576, 524_224],
    [1_024, 448],
    [128, 32],
    [8, 2],
  ])('of clients are by default as many as %s file descriptors allow: %i', (openFiles, most) => {
    expect(connectionsFor(openFiles)).toBe(most)
  })

  test('beyond all file descriptors cost neither the process, nor its CPU, nor the admin port', async () => {
    const web = await startOrigin((_message, response) => response.end('ok'))
    onTestFinished(() => web.close())
    const [port, adminPort] = [await freePort(), await freePort()]
    const flags = ['-registry.backend', 'static', '-registry.static.routes', `route add web / ${web.url}`]
    const ports = ['-proxy.addr', `127.0.0.1:${port}`, '-ui.addr', `127.0.0.1:${adminPort}`]
    // Fewer and it does not even start.
    const openFiles = 400
    // The second time with a limit above what the system allows: then it is the system that turns them away.
    for (const [more, allowed] of [
      [[], connectionsFor(openFiles)],
      [['-proxy.maxconns', '10000'], openFiles],
    ] as const) {
      const running = startGatehouse([...flags, ...ports, '-proxy.workers', '1', ...more], {}, openFiles)
      onTestFinished(() => running.kill())
      const isServed = async (): Promise<boolean> => {
        const answer = await request(`http://127.0.0.1:${port}/`, { reset: true }).catch(() => null)
        return answer !== null && (await answer.body.text()) === 'ok'
      }
      await waitFor(isServed, { what: `it to serve; it said: ${running.complaints()}`, deadline: 20_000 })
      const clients = Array.from({ length: 2 * openFiles }, () =>
        new RawClient(port).send('GET / HTTP/1.1\r\nHost: a\r\nX'),
      )
      onTestFinished(() => {
        for (const client of clients) client.close()
      })
      await waitFor(() => clients.filter(({ isClosed }) => isClosed).length >= 2 * openFiles - allowed, {
        what: 'those beyond the limit to be told',
      })
      const before = await cpuMs(running.child.pid!)
      await pause(1_000)
      expect((await cpuMs(running.child.pid!)) - before).toBeLessThan(300)
      if (more.length === 0) {
        const { statusCode } = await request(`http://127.0.0.1:${adminPort}/health`, { reset: true })
        expect(statusCode).toBe(200)
      }
      for (const client of clients) client.close()
      await waitFor(isServed, { what: 'it to serve again', deadline: 2_000 })
      await running.kill()
    }
  })
})

/** CPU time of a process so far. */
async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
  return 10 * (Number(fields[11]) + Number(fields[12]))
}
