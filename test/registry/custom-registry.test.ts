import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { StartError } from '../../src/base/errors.ts'
import { systemClock } from '../../src/base/world.ts'
import { type CommandSource, CustomRegistry, type CustomRegistryOptions } from '../../src/registry/custom.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { startOrigin } from '../support/origin.ts'
import { RecordingListener } from '../support/recording-listener.ts'
import { selfSigned } from '../support/self-signed.ts'
import { waitFor } from '../support/wait.ts'

const defaults: CustomRegistryOptions = {
  scheme: 'https',
  host: 'routes.example',
  path: 'v1/routes',
  queryParams: 'token=secret',
  timeout: 5_000,
  pollInterval: 10_000,
  skipVerify: false,
  noRouteHtml: '<p>no</p>',
  startTimeout: 10_000,
  retry: 500,
}

const address = 'https://routes.example/v1/routes'
const prefix = 'error during update from custom back end - '
const one = { cmd: 'route add', service: 'one', src: '/', dst: 'http://10.0.0.1:80/' }
const two = { ...one, service: 'two', weight: 0.5, tags: ['a'], opts: { strip: '/x' } }
const lineOne = 'route add one / http://10.0.0.1:80/'
const lineTwo = 'route add two / http://10.0.0.1:80/ weight 0.5 tags "a" opts "strip=/x"'

type Reply = { status: number; text: string } | Error | 'hang'
const ok = (...commands: unknown[]): Reply => ({ status: 200, text: JSON.stringify(commands) })

/** Answers what the test says; the last reply goes on for ever. */
class FakeSource implements CommandSource {
  readonly askedAt: number[] = []
  replies: Reply[]
  isClosed = false
  readonly #clock: FakeClock

  constructor(clock: FakeClock, replies: Reply[]) {
    this.#clock = clock
    this.replies = replies
  }

  async get(signal: AbortSignal): Promise<{ status: number; text: string }> {
    this.askedAt.push(this.#clock.now())
    const reply = this.replies.length > 1 ? this.replies.shift()! : this.replies[0]!
    if (reply instanceof Error) throw reply
    if (reply !== 'hang') return reply
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('This operation was aborted')), { once: true })
    })
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}

function setUp(replies: Reply[], over: Partial<CustomRegistryOptions> = {}) {
  const clock = new FakeClock()
  const source = new FakeSource(clock, replies)
  const log = new CapturedLog()
  const registry = new CustomRegistry({ ...defaults, ...over }, clock, log, source)
  const listener = new RecordingListener(() => registry.status())
  return { clock, source, log, registry, listener }
}

async function started(replies: Reply[], over: Partial<CustomRegistryOptions> = {}) {
  const all = setUp(replies, over)
  await all.registry.start(all.listener)
  return all
}

describe('polling', () => {
  test('tells the commands as one document under the address, without the query', async () => {
    const { registry, listener } = await started([ok(one, two)])
    expect(listener.documents).toEqual([[{ name: address, text: `${lineOne}\n${lineTwo}` }]])
    expect(listener.pages).toEqual(['<p>no</p>'])
    expect(listener.statuses).toEqual([{ connected: true, lastContactAt: 0, error: '' }])
    expect([registry.kind, registry.address, registry.datacenter]).toEqual(['custom', address, ''])
  })

  test('asks again an interval after each attempt, however it went, and tells only what is different', async () => {
    const { clock, source, listener } = await started([ok(one), ok(one), 'hang', ok(two)])
    await clock.advance(10_000)
    expect([source.askedAt, listener.texts]).toEqual([[0, 10_000], [lineOne]])
    await clock.advance(10_000 + 5_000 + 9_999)
    expect(source.askedAt).toEqual([0, 10_000, 20_000])
    await clock.advance(1)
    expect([source.askedAt, listener.texts]).toEqual([
      [0, 10_000, 20_000, 35_000],
      [lineOne, lineTwo],
    ])
  })

  test('nothing of an earlier answer is left in a later one (quirk 17)', async () => {
    const { clock, listener } = await started([ok(two), ok({ ...one, service: 'two' })])
    await clock.advance(10_000)
    expect(listener.texts).toEqual([lineTwo, 'route add two / http://10.0.0.1:80/'])
  })

  test('an answer without commands is an answer', async () => {
    const { clock, listener } = await started([ok(one), ok()])
    await clock.advance(10_000)
    expect(listener.texts).toEqual([lineOne, ''])
  })

  test('a first "/" of the path is not doubled', () => {
    expect(setUp([ok()], { path: '/v1/routes' }).registry.address).toBe(address)
    expect(setUp([ok()], { path: '' }).registry.address).toBe('https://routes.example/')
  })

  test('without a time limit an answer may take as long as it likes', async () => {
    const { clock, source, registry } = await started([ok(one), 'hang'], { timeout: 0 })
    await clock.advance(3_600_000)
    expect([source.askedAt.length, registry.status().connected]).toEqual([2, true])
    await registry.close()
  })
})

describe('an attempt that fails', () => {
  test.each<[what: string, reply: Reply, words: string]>([
    ['no connection', new Error('connect ECONNREFUSED 10.0.0.9:443'), 'connect ECONNREFUSED 10.0.0.9:443'],
    ['no answer in time', 'hang', 'expected a whole answer within 5 s, got none'],
    ['another status than 200', { status: 503, text: '[]' }, 'expected status 200, got 503'],
    ['a status of success that is not 200', { status: 204, text: '' }, 'expected status 200, got 204'],
    ['no JSON', { status: 200, text: '<html>\nno' }, 'Unexpected token \'<\', "<html> no" is not valid JSON'],
    ['no array', { status: 200, text: 'null' }, 'expected a JSON array of commands, got null'],
  ])('%s: keeps the routes, is said once, and is over with the next answer', async (_what, reply, words) => {
    const { clock, registry, listener, log, source } = await started([ok(one), reply])
    await clock.advance(100_000)
    expect(source.askedAt.length).toBeGreaterThan(5)
    expect(listener.texts).toEqual([lineOne])
    expect(log.lines).toEqual([
      `error custom update-failed: ${prefix}${address}: ${words}; keeping the routes`,
    ])
    expect(registry.status()).toEqual({ connected: false, lastContactAt: 0, error: words })
    expect(listener.statuses.map(({ connected }) => connected)).toEqual([true, false])

    source.replies = [ok(two)]
    await clock.advance(20_000)
    expect(listener.texts).toEqual([lineOne, lineTwo])
    expect(registry.status()).toMatchObject({ connected: true, error: '' })
    expect(listener.statuses.map(({ connected }) => connected)).toEqual([true, false, true])
    expect(log.of('update-recovered')).toEqual([`info custom update-recovered: ${address} answers again`])
  })

  test('another failure is another state', async () => {
    const { clock, log } = await started([
      ok(one),
      { status: 500, text: '' },
      { status: 500, text: '' },
      new Error('ECONNRESET'),
      { status: 500, text: '' },
    ])
    await clock.advance(40_000)
    expect(log.of('update-failed').map((line) => line.split('routes: ')[1])).toEqual([
      'expected status 200, got 500; keeping the routes',
      'ECONNRESET; keeping the routes',
      'expected status 200, got 500; keeping the routes',
    ])
  })
})

describe('a command that cannot be read', () => {
  const bad = { ...one, service: 'two words' }
  const words = 'command 2: service: expected a text without white space, got "two words"'

  test('costs only itself, is logged once and shown while it lasts', async () => {
    const { clock, registry, listener, log, source } = await started([ok(one, bad)])
    await clock.advance(30_000)
    expect(listener.texts).toEqual([`${lineOne}\n# command 2 was skipped`])
    expect(log.lines).toEqual([`error custom command-rejected: ${prefix}${words}`])
    expect(registry.status()).toEqual({ connected: true, lastContactAt: 30_000, error: words })

    source.replies = [ok(one)]
    await clock.advance(10_000)
    expect(registry.status().error).toBe('')
    expect(listener.statuses.map(({ error }) => error)).toEqual([words, ''])

    source.replies = [ok(one, bad)]
    await clock.advance(10_000)
    expect(log.of('command-rejected')).toHaveLength(2)
  })

  test('does not fill the status where all are so', async () => {
    const { registry } = await started([ok(...Array.from({ length: 5 }, () => bad))])
    expect(registry.status().error).toMatch(/^command 1: .*; command 2: .*; command 3: .*; 2 more$/)
  })
})

describe('the start', () => {
  test('tries again until there is an answer', async () => {
    const { clock, registry, listener, source, log } = setUp([
      new Error('connect ECONNREFUSED'),
      { status: 503, text: '' },
      ok(one),
    ])
    const ready = registry.start(listener)
    await clock.advance(999)
    expect(listener.documents).toEqual([])
    await clock.advance(1)
    await ready
    expect([source.askedAt, listener.texts]).toEqual([[0, 500, 1_000], [lineOne]])
    expect(log.of('update-failed').map((line) => line.endsWith('; keeping the routes'))).toEqual([
      false,
      false,
    ])
    await clock.advance(10_000)
    expect(source.askedAt.at(-1)).toBe(11_000)
  })

  test.each<[what: string, reply: Reply, words: string]>([
    ['refuses', new Error('connect ECONNREFUSED'), 'connect ECONNREFUSED'],
    ['answers nonsense', { status: 200, text: '{}' }, 'expected a JSON array of commands, got an object'],
    ['hangs', 'hang', 'expected a whole answer within 5 s, got none'],
  ])('ends with the address after its time where the endpoint %s', async (_what, reply, words) => {
    const { clock, registry, listener } = setUp([reply])
    const outcome = registry.start(listener).catch((thrown: unknown) => thrown)
    await clock.advance(10_000)
    const error = await outcome
    expect(error).toBeInstanceOf(StartError)
    expect((error as StartError).message).toBe(
      `registry.custom.host: expected route commands from ${address} within 10 s, got: ${words}`,
    )
    expect([listener.documents, clock.pending]).toEqual([[], 0])
  })

  test.each(['', 'a b', 'a/b', 'user:pass@host', 'host:99999', '?'])('refuses the host %j', async (host) => {
    const { registry, listener, source } = setUp([ok(one)], { host })
    await expect(registry.start(listener)).rejects.toThrow(
      `registry.custom.host: expected host or host:port, got ${JSON.stringify(host)}`,
    )
    expect(source.askedAt).toEqual([])
  })

  test('ends with the registry', async () => {
    const { registry, listener, clock } = setUp(['hang'])
    const outcome = registry.start(listener).catch((thrown: unknown) => thrown)
    await settle()
    await registry.close()
    expect(await outcome).toBeInstanceOf(StartError)
    expect(clock.pending).toBe(0)
  })
})

test('the end leaves nothing behind, also twice, also with an attempt under way', async () => {
  const { clock, registry, listener, log, source } = await started([ok(one), 'hang'])
  await clock.advance(10_000)
  await registry.close()
  await registry.close()
  await clock.advance(60_000)
  expect([source.askedAt.length, source.isClosed, clock.pending]).toEqual([2, true, 0])
  expect([listener.texts, log.lines]).toEqual([[lineOne], []])
})

test('whatever is answered, and whatever a listener does with it, the next answer is told', async () => {
  const reply: fc.Arbitrary<Reply> = fc.oneof(
    fc.record({ status: fc.constantFrom(200, 200, 200, 404, 500), text: fc.string({ unit: 'binary' }) }),
    fc.record({ status: fc.constant(200), text: fc.json() }),
    fc.constant(new Error('reset')),
    fc.constant('hang' as const),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(reply), async (replies) => {
      const { clock, registry } = setUp([ok(one), ...replies, ok(two)])
      const told: string[] = []
      await registry.start({
        changed: () => {},
        commandsChanged: ([document]) => {
          told.push(document!.text)
          throw new Error('a listener that fails')
        },
        noRoutePageChanged: () => {},
        statusChanged: () => {
          throw new Error('a listener that fails')
        },
      })
      await clock.advance((replies.length + 1) * 15_000)
      expect(told.at(-1)).toBe(lineTwo)
      expect(registry.status()).toMatchObject({ connected: true, error: '' })
      await registry.close()
    }),
    { numRuns: 50 },
  )
})

describe('over HTTP', () => {
  const closers: (() => Promise<unknown> | unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  type Handler = (request: IncomingMessage, response: ServerResponse) => void
  const json: Handler = (_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify([one]))
  }

  async function open(over: Partial<CustomRegistryOptions>) {
    const log = new CapturedLog()
    const options = {
      ...defaults,
      scheme: 'http',
      timeout: 5_000,
      pollInterval: 20,
      startTimeout: 10_000,
      retry: 20,
    }
    const registry = new CustomRegistry({ ...options, ...over } as CustomRegistryOptions, systemClock, log)
    closers.push(() => registry.close())
    const listener = new RecordingListener(() => registry.status())
    return { registry, listener, log }
  }

  async function serve(handler: Handler, over: Partial<CustomRegistryOptions> = {}) {
    const origin = await startOrigin(handler)
    closers.push(() => origin.close())
    const opened = await open({ host: `127.0.0.1:${origin.port}`, ...over })
    return { origin, ...opened }
  }

  test('asks with the path and the query that are configured, over a connection of its own', async () => {
    const { origin, registry, listener } = await serve(json, { path: 'a/b', queryParams: 'x=1&y=2' })
    await registry.start(listener)
    expect(listener.texts).toEqual([lineOne])
    const [request] = origin.received
    expect([request!.method, request!.url, request!.headers.connection]).toEqual([
      'GET',
      '/a/b?x=1&y=2',
      'close',
    ])
    await waitFor(() => origin.received.length > 2, { what: 'more questions' })
  })

  test('follows redirects, and not for ever', async () => {
    const { registry, listener } = await serve((request, response) => {
      if (request.url === '/there') json(request, response)
      else response.writeHead(302, { location: '/there' }).end()
    })
    await registry.start(listener)
    expect(listener.texts).toEqual([lineOne])

    const endless = await serve((request, response) =>
      response.writeHead(302, { location: `${request.url}x` }).end(),
    )
    const outcome = endless.registry.start(endless.listener).catch((thrown: unknown) => thrown)
    await waitFor(() => endless.registry.status().error !== '', { what: 'the end of the redirects' })
    expect(endless.registry.status().error).toBe('expected status 200, got 302')
    await endless.registry.close()
    expect(await outcome).toBeInstanceOf(StartError)
  })

  // The short limit is for those that run into it: the machine that a test runs on may have much else to do.
  test.each<[what: string, handler: Handler, words: RegExp, timeout: number]>([
    ['never answers', () => {}, /got: expected a whole answer within 0\.1 s, got none$/, 100],
    [
      'never ends its answer',
      (_request, response) => void response.writeHead(200, { 'content-length': 100 }).write('['),
      /got: expected a whole answer within 0\.1 s, got none$/,
      100,
    ],
    [
      'cuts its answer',
      (_request, response) =>
        void response.writeHead(200, { 'content-length': 100 }).write('[', () => response.destroy()),
      /got: (?!expected a whole answer)/,
      5_000,
    ],
  ])('an endpoint that %s is one that fails', async (_what, handler, words, timeout) => {
    const { registry, listener } = await serve(handler, { timeout, startTimeout: 300 })
    await expect(registry.start(listener)).rejects.toThrow(words)
  })

  test('a certificate that nobody vouches for counts only where it is not to be checked', async () => {
    const server = createServer(selfSigned, json)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`

    const strict = await open({ scheme: 'https', host })
    const outcome = strict.registry.start(strict.listener).catch((thrown: unknown) => thrown)
    await waitFor(() => strict.registry.status().error !== '', { what: 'the certificate to be looked at' })
    expect(strict.registry.status().error).toBe('self-signed certificate')
    await strict.registry.close()
    expect(await outcome).toBeInstanceOf(StartError)
    const lax = await open({ scheme: 'https', host, skipVerify: true })
    await lax.registry.start(lax.listener)
    expect(lax.listener.texts).toEqual([lineOne])
  })
})
