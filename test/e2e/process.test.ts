import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { freePort, type Running, startGatehouse } from '../support/gatehouse-process.ts'
import { startOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const gatehouse = (args: readonly string[], env: Record<string, string> = {}): Running => {
  const running = startGatehouse(args, env)
  cleanups.push(() => running.kill())
  return running
}

async function propertiesFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  const file = join(folder, 'fabio.properties')
  await writeFile(file, text)
  return file
}

async function startRegistry() {
  const registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  cleanups.push(() => registry.close())
  return registry
}

/** A healthy service for all hosts and paths. */
async function registerWeb(registry: string, port: number): Promise<void> {
  const answer = await request(`${registry}/v1/agent/service/register`, {
    method: 'PUT',
    body: JSON.stringify({
      Name: 'web',
      Address: '127.0.0.1',
      Port: port,
      Tags: ['urlprefix-/'],
      Check: { TTL: '60s', Status: 'passing' },
    }),
  })
  expect(answer.statusCode).toBe(200)
}

function rawClient(port: number): RawClient {
  const client = new RawClient(port)
  cleanups.push(() => client.close())
  return client
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

const flags = ['-proxy.addr', '127.0.0.1:0', '-ui.addr', '127.0.0.1:0']

/** The port in `... listening on 127.0.0.1:40123`. */
const portIn = (text: string): number => Number(/proxy listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1])

describe('the gateway as a process', () => {
  test('a properties file with the single line registry.consul.addr is enough to route', async () => {
    const registry = await startRegistry()
    const web = await startOrigin((_message, response) => response.end('served'))
    cleanups.push(() => web.close())
    await registerWeb(registry.url, web.port)
    const file = await propertiesFile(`registry.consul.addr = localhost:${registry.port}\n`)
    const running = gatehouse(['-cfg', file, ...flags])
    await waitFor(() => portIn(running.complaints()), { what: 'the port', deadline: 10_000 })
    const answer = await request(`http://127.0.0.1:${portIn(running.complaints())}/`)
    expect(await answer.body.text()).toBe('served')
  })

  test('SIGTERM lets a running request end and exits with 0; /health fails meanwhile', async () => {
    const registry = await startRegistry()
    let release = (): void => {}
    const web = await startOrigin((_message, response) => {
      release = () => response.end('late')
    })
    cleanups.push(() => web.close())
    await registerWeb(registry.url, web.port)
    const admin = await freePort()
    const running = gatehouse([
      ...['-registry.consul.addr', `localhost:${registry.port}`],
      ...['-proxy.addr', '127.0.0.1:0', '-ui.addr', `127.0.0.1:${admin}`],
    ])
    await waitFor(() => portIn(running.complaints()), { what: 'the port', deadline: 10_000 })
    const health = gatehouse(['health', '-ui.addr', `127.0.0.1:${admin}`])
    expect(await health.exit()).toBe(0)
    const late = request(`http://127.0.0.1:${portIn(running.complaints())}/`)
    await waitFor(() => web.received.length === 1, { what: 'the request to arrive' })
    running.child.kill('SIGTERM')
    await waitFor(async () => (await request(`http://127.0.0.1:${admin}/health`)).statusCode === 503, {
      what: '/health to fail',
    })
    release()
    expect(await (await late).body.text()).toBe('late')
    expect(await running.exit()).toBe(0)
  })

  test('goes on serving when nobody reads its log any more', async () => {
    const registry = await startRegistry()
    const web = await startOrigin((_message, response) => response.end('served'))
    cleanups.push(() => web.close())
    await registerWeb(registry.url, web.port)
    const running = gatehouse(['-registry.consul.addr', registry.url, '-log.level', 'DEBUG', ...flags])
    await waitFor(() => portIn(running.complaints()), { what: 'the port', deadline: 10_000 })
    const port = portIn(running.complaints())
    running.child.stderr!.destroy()
    for (let i = 0; i < 5; i++) {
      // No route for this host and port: a line for the log each time.
      await request(`http://127.0.0.1:${port}/`, { headers: { host: `h${i}.test` } }).then((a) =>
        a.body.dump(),
      )
      await registerWeb(registry.url, web.port)
      await request(`${registry.url}/v1/agent/service/deregister/web`, { method: 'PUT' }).then((a) =>
        a.body.dump(),
      )
    }
    await registerWeb(registry.url, web.port)
    await waitFor(async () => (await request(`http://127.0.0.1:${port}/`)).statusCode === 200, {
      what: 'an answer',
    })
  })

  // The system ends who has no listener for it: the signal that replaces workers, sent to a gateway without any, cut
  // every request.
  test('SIGUSR2 is ignored by a gateway without workers', async () => {
    const web = await startOrigin((_message, response) => response.end('ok'))
    cleanups.push(() => web.close())
    const port = await freePort()
    const gateway = gatehouse([
      ...['-registry.backend', 'static', '-registry.static.routes', `route add web / ${web.url}`],
      ...['-proxy.addr', `127.0.0.1:${port}`, '-ui.addr', '127.0.0.1:0', '-proxy.workers', '1'],
    ])
    await waitFor(() => gateway.complaints().includes('proxy listening'), {
      what: 'the port',
      deadline: 15_000,
    })
    gateway.child.kill('SIGUSR2')
    await waitFor(() => gateway.complaints().includes('SIGUSR2 is ignored'), {
      what: 'the signal to be heard',
    })
    expect((await request(`http://127.0.0.1:${port}/`)).statusCode).toBe(200)
  })

  test('SIGTERM while Consul is still awaited is an orderly end', async () => {
    const port = await freePort()
    const running = gatehouse([
      '-registry.consul.addr',
      `127.0.0.1:${port}`,
      '-registry.timeout',
      '60s',
      ...flags,
    ])
    await waitFor(() => running.complaints().includes('no-contact'), { what: 'the wait', deadline: 10_000 })
    running.child.kill('SIGTERM')
    expect(await running.exit()).toBe(0)
  })

  test('a second SIGTERM ends at once with a code that is not 0, and says what it cuts', async () => {
    const registry = await startRegistry()
    const web = await startOrigin(() => {})
    cleanups.push(() => web.close())
    await registerWeb(registry.url, web.port)
    const running = gatehouse(['-registry.consul.addr', registry.url, ...flags, '-proxy.shutdownwait', '60s'])
    await waitFor(() => portIn(running.complaints()), { what: 'the port', deadline: 10_000 })
    request(`http://127.0.0.1:${portIn(running.complaints())}/`).catch(() => {})
    await waitFor(() => web.received.length === 1, { what: 'the request to arrive' })
    running.child.kill('SIGTERM')
    await waitFor(() => running.complaints().includes('told to stop'), { what: 'the drain to begin' })
    running.child.kill('SIGTERM')
    expect(await running.exit()).toBe(1)
    expect(running.complaints()).toContain('second SIGTERM: ending at once, 1 running request is cut')
  })

  test('SIGTERM: withdrawn first, served for proxy.deregistergraceperiod, told to go, then what runs has its time', async () => {
    const registry = await startRegistry()
    const web = await startOrigin((message, response) => {
      if (message.url === '/stream') response.write('begun')
      else response.end('served')
    })
    cleanups.push(() => web.close())
    await registerWeb(registry.url, web.port)
    const admin = await freePort()
    const running = gatehouse([
      ...['-registry.consul.addr', registry.url, '-proxy.addr', '127.0.0.1:0'],
      ...['-ui.addr', `127.0.0.1:${admin}`, '-registry.consul.register.addr', `127.0.0.1:${admin}`],
      ...['-proxy.deregistergraceperiod', '1500ms', '-proxy.shutdownwait', '1500ms'],
    ])
    await waitFor(() => portIn(running.complaints()), { what: 'the port', deadline: 10_000 })
    const names = async () =>
      Object.keys((await (await request(`${registry.url}/v1/catalog/services`)).body.json()) as object)
    await waitFor(async () => (await names()).includes('fabio'), { what: 'the registration' })
    const port = portIn(running.complaints())
    const client = rawClient(port).send(get('/'))
    await client.until('served')
    const stream = rawClient(port).send(get('/stream'))
    await stream.until('begun')

    running.child.kill('SIGTERM')
    await waitFor(async () => !(await names()).includes('fabio'), { what: 'the deregistration' })
    expect((await request(`http://127.0.0.1:${admin}/health`)).statusCode).toBe(503)
    // Still as ever, on old connections and new ones.
    client.send(get('/'))
    await waitFor(() => client.received.split('served').length === 3, { what: 'a second answer' })
    expect(client.received).not.toMatch(/connection: close/i)
    const late = rawClient(port).send(get('/'))
    expect(await late.until('served')).not.toMatch(/connection: close/i)
    // Then each answer says that it is the last.
    await waitFor(
      () => {
        if (!client.isClosed) client.send(get('/'))
        return client.isClosed
      },
      { what: 'the connection to be ended' },
    )
    expect(client.received).toMatch(/connection: close\r\n[\s\S]*served$/i)
    expect(stream.isClosed).toBe(false)
    await stream.untilClosed()
    expect(await running.exit()).toBe(0)
    expect(running.complaints()).toContain('1 request was cut at the end of proxy.shutdownwait')
  })
})

describe('what cannot work ends with a sentence and a code that is not 0:', () => {
  test('every mistake of the file and the environment, at once, with file and line', async () => {
    const file = await propertiesFile('proxy.dialtimeout = fast\n\nproxy.noroutestatus = none\n')
    const running = gatehouse(['-cfg', file], { FABIO_PROXY_STRATEGY: 'best' })
    expect(await running.exit()).toBe(1)
    expect(running.complaints().trim().split('\n')).toEqual([
      expect.stringContaining(
        `${file}:1: proxy.dialtimeout: expected a duration like 500ms or 30s, got "fast"`,
      ),
      expect.stringContaining(`${file}:3: proxy.noroutestatus: expected `),
      expect.stringContaining(
        'env FABIO_PROXY_STRATEGY: proxy.strategy: expected rr, rnd or least, got "best"',
      ),
    ])
  })

  test.each([
    [
      ['-cfg', '/nowhere/fabio.properties'],
      1,
      '/nowhere/fabio.properties: expected a file, got nothing at this path',
    ],
    [
      ['-proxy.errorpages', '404=/nowhere/404.html,5xx=/nowhere/error.html'],
      1,
      'gatehouse: proxy.errorpages: 5xx: expected a file that can be read, got ENOENT',
    ],
    [
      ['check', '-proxy.errorpages', '404=/nowhere/404.html'],
      1,
      'mistake: proxy.errorpages: 404: expected a file',
    ],
    [['-proxy.errorpages', '4=x'], 2, 'proxy.errorpages: expected items like 502=/path/502.html'],
    [['-proxy.straegy', 'rr'], 2, 'flag -proxy.straegy: unknown option; did you mean -proxy.strategy?'],
    [['check', '-proxy.straegy', 'rr'], 2, 'did you mean -proxy.strategy?'],
    [['check', 'file'], 2, 'argument "file": expected at most 0, got this'],
    [['explain'], 2, 'explain: expected a URL like http://example.com/path, got nothing'],
    [['doctor', 'a', 'b'], 2, 'argument "b": expected at most 1, got this'],
    [['routes', '--admin', 'http://127.0.0.1:9'], 1, 'http://127.0.0.1:9: expected a running gateway, got '],
    [
      ['serve'],
      2,
      'expected one of run, dev, check, routes, explain, doctor, health, version, help, got "serve"',
    ],
  ])('%j', async (args, code, words) => {
    const running = gatehouse(args)
    expect(await running.exit()).toBe(code)
    expect(running.complaints()).toContain(words)
  })

  test('a Consul that does not answer within registry.timeout', async () => {
    const port = await freePort()
    const running = gatehouse([
      ...[
        '-registry.consul.addr',
        `127.0.0.1:${port}`,
        '-registry.timeout',
        '300ms',
        '-registry.retry',
        '100ms',
      ],
      ...flags,
    ])
    expect(await running.exit()).toBe(1)
    expect(running.complaints()).toContain(
      `registry.consul.addr: expected Consul to answer at http://127.0.0.1:${port} within 0.3 s, got: `,
    )
  })

  test.each([
    ['proxy.addr', '-proxy.addr'],
    ['ui.addr', '-ui.addr'],
  ])('a busy port of %s', async (key, flag) => {
    const registry = await startRegistry()
    const busy = createServer().listen(0, '127.0.0.1')
    await once(busy, 'listening')
    cleanups.push(() => busy.close())
    const { port } = busy.address() as { port: number }
    const running = gatehouse(['-registry.consul.addr', registry.url, ...flags, flag, `127.0.0.1:${port}`])
    expect(await running.exit()).toBe(1)
    expect(running.complaints()).toContain(
      `${key}: cannot listen on 127.0.0.1:${port}: another process has it`,
    )
  })
})

describe('the other commands', () => {
  test.each([['version'], ['-v'], ['--version']])('%s prints the version', async (arg) => {
    const running = gatehouse([arg])
    expect(await running.exit()).toBe(0)
    expect(running.output()).toMatch(/^\d+\.\d+\.\d+ node \d+/)
  })

  test('-h lists the commands and every option', async () => {
    const running = gatehouse(['-h'])
    expect(await running.exit()).toBe(0)
    expect(running.output()).toContain('-registry.consul.addr')
    expect(running.output()).toContain('  dev ')
  })

  test('health is 1 and says why where nothing serves', async () => {
    const port = await freePort()
    const running = gatehouse(['health', '-ui.addr', `127.0.0.1:${port}`])
    expect(await running.exit()).toBe(1)
    expect(running.complaints()).toContain(`http://127.0.0.1:${port}/health: expected an answer, got `)
  })

  test('dev starts a registry where no Consul answers, serves the sample, and Ctrl-C ends all', async () => {
    const consul = await freePort()
    const running = gatehouse(['dev', '-registry.consul.addr', `127.0.0.1:${consul}`, ...flags])
    await waitFor(() => running.output().includes('Ctrl-C ends all'), {
      what: 'the welcome',
      deadline: 10_000,
    })
    const traffic = /traffic +(\S+)/.exec(running.output())![1]!
    const answers = new Set<string>()
    for (let i = 0; i < 4; i++)
      answers.add((await (await request(`${traffic}/foo`)).body.text()).split(':')[0]!)
    expect([...answers].sort()).toEqual(['hello from hello-1', 'hello from hello-2'])

    const own = await startOrigin((_message, response) => response.end('mine'))
    cleanups.push(() => own.close())
    const [, command] = /curl -X PUT (http[\s\S]*?) }'/.exec(running.output())!
    const [url, body] = command!.replaceAll('8080', String(own.port)).split(" -d '")
    expect((await request(url!, { method: 'PUT', body: `${body} }` })).statusCode).toBe(200)
    await waitFor(async () => (await (await request(`${traffic}/mine`)).body.text()) === 'mine', {
      what: 'the service that was registered with the command of the welcome',
      deadline: 10_000,
    })

    running.child.kill('SIGINT')
    expect(await running.exit()).toBe(0)
    await expect(request(`http://127.0.0.1:${consul}/v1/status/leader`)).rejects.toThrow()
  })

  test('dev uses the Consul that answers, and leaves nothing of its own there', async () => {
    const registry = await startRegistry()
    const running = gatehouse(['dev', '-registry.consul.addr', registry.url, ...flags])
    await waitFor(() => running.output().includes('Ctrl-C ends all'), {
      what: 'the welcome',
      deadline: 10_000,
    })
    expect(running.output()).toContain('(your Consul)')
    const names = async () => (await request(`${registry.url}/v1/catalog/services`)).body.json()
    expect(Object.keys((await names()) as object)).toContain('hello')
    running.child.kill('SIGTERM')
    expect(await running.exit()).toBe(0)
    expect(Object.keys((await names()) as object)).not.toContain('hello')
  })
})
