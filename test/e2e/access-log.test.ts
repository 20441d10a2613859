import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool, request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { accessFormat } from '../../src/config/access-log.ts'
import type { TrafficOptions } from '../../src/traffic.ts'
import { parseContext } from '../config/context.ts'
import { freePort, type Running, startGatehouse } from '../support/gatehouse-process.ts'
import { type Origin, startOrigin, startRawOrigin } from '../support/origin.ts'
import { parsePrometheus, sampleOf } from '../support/prometheus-parser.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function origin(...args: Parameters<typeof startOrigin>): Promise<Origin> {
  const started = await startOrigin(...args)
  cleanups.push(() => started.close())
  return started
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-log-'))
  cleanups.push(() => rm(path, { recursive: true, force: true }))
  return path
}

const options = (format: string, scope: 'forwarded' | 'all' = 'forwarded'): TrafficOptions['accessLog'] => ({
  target: { kind: 'stdout' },
  format: accessFormat.parse(format, parseContext()),
  scope,
  buffer: 1_000_000,
})

/** A traffic plane whose lines are kept. */
async function logged(routes: Parameters<typeof startTraffic>[0], accessLog: TrafficOptions['accessLog']) {
  const started = await startTraffic(routes, { accessLog })
  cleanups.push(() => started.close())
  const lines = (): string[] => started.output.join('').split('\n').slice(0, -1)
  return {
    ...started,
    lines,
    until: (count: number) => waitFor(() => lines().length >= count, { what: `${count} lines` }),
  }
}

describe('the access log', () => {
  test('has a line for each request that an instance answered or failed, as fabio has it', async () => {
    const web = await origin((message, response) => {
      response.writeHead(message.url === '/missing' ? 404 : 200).end('hello')
    })
    const dead = await origin((_message, response) => response.end())
    await dead.close()
    const { url, lines, until } = await logged(
      [
        serviceRoutes('web', definition('web', '/', web.url)),
        serviceRoutes('dead', definition('dead', '/dead', dead.url)),
        serviceRoutes('moved', definition('moved', '/moved redirect=301,http://a.test/', web.url)),
      ],
      options('$request_uri $response_status $response_body_size $upstream_service $attempts $error_code'),
    )
    for (const path of ['/a?b', '/missing', '/dead', '/moved', '/a']) {
      await request(`${url}${path}`).then(({ body }) => body.dump())
    }
    await until(4)
    expect(lines()).toEqual([
      '/a?b 200 5 web 1 ',
      '/missing 404 5 web 1 ',
      expect.stringMatching(/^\/dead 502 [1-9]\d* dead \d GW_CONNECT_REFUSED$/),
      '/a 200 5 web 1 ',
    ])
  })

  test('has all others as well when it is told to: no route, redirects, malformed, cut off, websockets', async () => {
    const web = await startRawOrigin((socket) => {
      socket.on('data', (octets) => {
        const head = octets.toString('latin1')
        if (head.startsWith('GET /ws')) {
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
          )
        } else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf')
      })
    })
    cleanups.push(() => web.close())
    const { port, lines, until, url } = await logged(
      [
        serviceRoutes('web', definition('web', 'shop.test/', web.url)),
        serviceRoutes('moved', definition('moved', 'shop.test/moved redirect=301,http://a.test/', web.url)),
      ],
      options('$request|$response_status|$error_code|$remote_host', 'all'),
    )
    await request(`${url}/none`).then(({ body }) => body.dump())
    const client = (text: string): RawClient => {
      const raw = new RawClient(port).send(text)
      cleanups.push(() => raw.close())
      return raw
    }
    await client('GET /moved HTTP/1.1\r\nHost: shop.test\r\n\r\n').until('301')
    await client('nonsense\r\n\r\n').untilClosed()
    const cut = client('GET /half HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await cut.until('half')
    cut.close()
    await until(4)
    const tunnel = client(
      'GET /ws HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    await tunnel.until('101')
    tunnel.close()
    await until(5)
    expect(lines()).toEqual([
      'GET /none HTTP/1.1|404|GW_NO_ROUTE|127.0.0.1',
      'GET /moved HTTP/1.1|301||127.0.0.1',
      '|400|GW_BAD_REQUEST|127.0.0.1',
      'GET /half HTTP/1.1|200|GW_CLIENT_GONE|127.0.0.1',
      'GET /ws HTTP/1.1|101||127.0.0.1',
    ])
  })

  test('is written to its end when the gateway stops', async () => {
    const web = await origin((_message, response) => response.end('ok'))
    const { url, lines, close } = await logged(
      [serviceRoutes('web', definition('web', '/', web.url))],
      options('$request_uri'),
    )
    await request(`${url}/last`).then(({ body }) => body.dump())
    await close()
    expect(lines()).toEqual(['/last'])
  })
})

/** The built gateway in two processes. */
async function startLogging(
  web: Origin,
  flags: readonly string[],
): Promise<Running & { url: string; admin: string }> {
  const [proxy, admin] = [await freePort(), await freePort()]
  const gateway = startGatehouse([
    ...['-proxy.addr', `127.0.0.1:${proxy}`, '-ui.addr', `127.0.0.1:${admin}`, '-proxy.workers', '2'],
    ...['-registry.backend', 'static', '-registry.static.routes', `route add web / ${web.url}`],
    ...flags,
  ])
  cleanups.push(() => gateway.kill())
  const url = `http://127.0.0.1:${proxy}`
  await waitFor(
    () =>
      request(`http://127.0.0.1:${admin}/health`).then(
        ({ statusCode }) => statusCode === 200,
        () => false,
      ),
    {
      what: `the gateway to serve; it said: ${gateway.complaints()}`,
      deadline: 20_000,
    },
  )
  return { ...gateway, url, admin: `http://127.0.0.1:${admin}` }
}

/** So many requests over many connections, with a long text in each. */
async function ask(url: string, count: number, from = 0): Promise<void> {
  const pool = new Pool(url, { connections: 8 })
  cleanups.push(() => pool.destroy())
  const numbers = Array.from({ length: count }, (_, i) => from + i)
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let next = numbers.pop(); next !== undefined; next = numbers.pop()) {
        const path = `/${next}?${'x'.repeat(300)}`
        await pool.request({ method: 'GET', path }).then(({ body }) => body.dump())
      }
    }),
  )
}

const whole = /^GET \/(\d+)\?x{300} HTTP\/1\.1 200 end$/
const format = '$request $response_status end'
const numbersIn = (text: string): number[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(whole.exec(line)?.[1] ?? Number.NaN))
    .sort((a, b) => a - b)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('of two processes', () => {
  test('lines on stdout come whole, each once, and are counted', async () => {
    const web = await origin((_message, response) => response.end('ok'))
    const gateway = await startLogging(web, ['-log.access.target', 'stdout', '-log.access.format', format])
    await ask(gateway.url, 2_000)
    await waitFor(() => gateway.output().split('\n').length > 2_000, { what: '2,000 lines' })
    expect(numbersIn(gateway.output())).toEqual(upTo(2_000))
    const families = parsePrometheus(await (await request(`${gateway.admin}/metrics`)).body.text())
    expect(sampleOf(families, 'gatehouse_access_log_lines')).toBe(2_000)
    expect(sampleOf(families, 'gatehouse_access_log_dropped')).toBe(0)
  })

  test('a file that was renamed gets no more lines after SIGHUP, and none is lost', async () => {
    const web = await origin((_message, response) => response.end('ok'))
    const path = join(await folder(), 'access.log')
    const gateway = await startLogging(web, ['-log.access.target', path, '-log.access.format', format])
    await ask(gateway.url, 500)
    const read = (name: string): Promise<string> => readFile(name, 'utf8').catch(() => '')
    await waitFor(async () => numbersIn(await read(path)).length === 500, { what: '500 lines' })
    await rename(path, `${path}.1`)
    gateway.child.kill('SIGHUP')
    await waitFor(() => gateway.complaints().includes('opened anew'), { what: 'the signal to be heard' })
    await ask(gateway.url, 500, 500)
    await waitFor(async () => numbersIn(await read(path)).length === 500, { what: '500 lines more' })
    expect(numbersIn((await read(`${path}.1`)) + (await read(path)))).toEqual(upTo(1_000))
    gateway.child.kill('SIGTERM')
    expect(await gateway.exit()).toBe(0)
  })
})

test('a file that cannot be written ends the start with one sentence', async () => {
  const gateway = startGatehouse([
    ...['-proxy.addr', '127.0.0.1:0', '-ui.addr', '127.0.0.1:0', '-log.access.target', '/nowhere/access.log'],
    ...['-registry.backend', 'static', '-registry.static.routes', 'route add web / http://127.0.0.1:1/'],
  ])
  cleanups.push(() => gateway.kill())
  expect(await gateway.exit()).toBe(1)
  expect(gateway.complaints()).toContain(
    'gatehouse: log.access.target: expected a file that can be written, got ENOENT',
  )
})
