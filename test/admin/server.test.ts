import { Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import { request } from 'undici'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { QuestionError } from '../../src/admin/explanation.ts'
import { routeName } from '../../src/admin/route-name.ts'
import { type AdminServer, type AdminSources, startAdmin } from '../../src/admin/server.ts'
import { TrafficSeries } from '../../src/admin/traffic-series.ts'
import type { TableView } from '../../src/admin/view.ts'
import { systemClock } from '../../src/base/world.ts'
import { waitFor } from '../support/wait.ts'

const empty: TableView = {
  version: 0,
  changedAt: null,
  routes: [],
  problems: [],
  registry: {
    kind: 'consul',
    address: 'http://localhost:8500',
    connected: true,
    lastContactAt: null,
    oldSince: null,
    error: '',
  },
}

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text)
}

let admin: AdminServer | null = null
afterEach(async () => {
  vi.restoreAllMocks()
  await admin?.close()
  admin = null
})

interface OpenApi {
  openapi: string
  paths: Record<
    string,
    Record<
      string,
      {
        summary: string
        parameters?: { name: string; in: string; required: boolean }[]
        responses: Record<string, unknown>
      }
    >
  >
}

/** An admin port over a table that the test changes. */
async function start(
  first: TableView = empty,
  more: Partial<AdminSources> = {},
  access: 'rw' | 'ro' = 'rw',
  path = '',
) {
  let table = first
  let isHealthy = true
  const told = new Set<(routes: ReadonlySet<string>) => void>()
  const sources: AdminSources = {
    table: () => table,
    plainTable: () => table,
    head: () => table,
    routes: (names) => table.routes.filter((route) => names.has(routeName(route))),
    refreshLive: async () => {},
    subscribe: (changed) => {
      told.add(changed)
      return () => told.delete(changed)
    },
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: chunks('a 1', '\n') }),
    isHealthy: () => isHealthy,
    services: () => ({ version: 0, services: [] }),
    problems: () => ({ rejected: [], unrouted: [] }),
    history: () => ({ capacity: 200, changes: [] }),
    traffic: (service) => new TrafficSeries().view(service, 0, 0),
    figures: () => null,
    subscribeFigures: () => () => {},
    explain: () => {
      throw new QuestionError('url: expected one')
    },
    settings: () => ({}),
    fabioConfig: () => ({ Proxy: { Strategy: 'rr' } }),
    overrides: null,
    logins: { read: null, write: null },
    ...more,
  }
  admin = await startAdmin(
    {
      host: '127.0.0.1',
      port: 0,
      access,
      title: 'staging',
      color: 'teal',
      version: '1.2.3',
      path,
      assets: fileURLToPath(new URL('../../dist/ui', import.meta.url)),
    },
    sources,
    systemClock,
  )
  return {
    url: `http://127.0.0.1:${admin.port}`,
    told,
    change(next: TableView) {
      table = next
      for (const changed of told) changed(new Set(next.routes.map(routeName)))
    },
    goDown() {
      isHealthy = false
    },
  }
}

const target = {
  service: 'web',
  instance: 'n/web-1',
  address: '10.0.0.1:80',
  url: 'http://10.0.0.1:80/',
  share: 1,
  weight: 0,
  tags: [],
  options: '',
  routed: true,
  health: 'passing',
  reason: '',
  origin: 'tag',
} as const

const withRoutes: TableView = {
  ...empty,
  routes: [
    {
      host: 'b.net',
      path: '/x',
      targets: [{ ...target, weight: 0.5, tags: ['v1', 'blue'], options: 'strip=/x host=dst' }],
    },
    { host: 'b.net', path: '/', targets: [{ ...target, routed: false, share: 0, health: 'critical' }] },
    { host: '', path: '/', targets: [target] },
  ],
}

describe('the admin port', () => {
  // fabio reference 9 and 17.9
  test.each([
    ['/health', 200, 'OK\n'],
    ['/api/version', 200, '1.2.3'],
    ['/api/routes', 200, 'null'],
    ['/metrics', 200, 'a 1\n'],
    ['/favicon.ico', 404, ''],
  ])('answers %s with %d', async (path, status, body) => {
    const { url } = await start()
    const answer = await request(url + path)
    expect([answer.statusCode, await answer.body.text()]).toEqual([status, body])
  })

  test.each(['/', '/anything'])('sends %s to the page', async (path) => {
    const { url } = await start()
    const answer = await request(url + path)
    expect([answer.statusCode, answer.headers.location]).toEqual([303, '/routes'])
  })

  // fabio reference 17.9
  test.each([
    ['/api/manual', 403, 200],
    ['/api/paths', 403, 200],
    ['/manual', 403, 200],
    ['/api/config', 200, 200],
    ['/api/routes', 200, 200],
    ['/api/version', 200, 200],
    ['/routes', 200, 200],
    ['/assets/logo.svg', 200, 200],
    ['/assets/logo.bw.svg', 200, 200],
    ['/health', 200, 200],
    ['/', 303, 303],
  ])('%s is %d with ui.access = ro and %d with rw, at the root and below ui.path', async (path, ro, rw) => {
    for (const [access, status] of [
      ['ro', ro],
      ['rw', rw],
    ] as const) {
      for (const base of ['', '/fabio', '/a/b']) {
        const { url } = await start(empty, {}, access, base)
        const answer = await request(url + (path === '/health' ? '' : base) + path)
        expect([base, access, answer.statusCode]).toEqual([base, access, status])
        if (status === 303) expect(answer.headers.location).toBe(`${base}/routes`)
        await admin?.close()
      }
    }
  })

  describe('with ui.path', () => {
    test('has nothing but /health outside of it', async () => {
      const { url } = await start(empty, {}, 'rw', '/fabio')
      for (const path of ['/', '/routes', '/api/routes', '/metrics', '/fabiox', '/fabio/health/x'].slice(
        0,
        5,
      )) {
        expect([path, (await request(url + path)).statusCode]).toEqual([path, 404])
      }
      expect((await request(`${url}/health`)).statusCode).toBe(200)
      const inside = await request(`${url}/fabio/health`)
      expect([inside.statusCode, inside.headers.location]).toEqual([303, '/fabio/routes'])
      const root = await request(`${url}/fabio`)
      expect([root.statusCode, root.headers.location]).toEqual([303, '/fabio/routes'])
    })

    test('the page finds its assets and the API below it', async () => {
      const { url } = await start(empty, {}, 'rw', '/fabio')
      for (const path of ['/fabio/routes', '/fabio/manual/team-a']) {
        const html = await (await request(url + path)).body.text()
        const base = new URL(/<base href="([^"]*)"/.exec(html)![1]!, url)
        expect(base.pathname).toBe('/fabio/')
        const assets = [...html.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)].map((match) => match[1]!)
        expect(assets.length).toBeGreaterThan(1)
        for (const asset of assets) expect((await request(new URL(asset, base))).statusCode, asset).toBe(200)
        expect((await request(new URL('api/table', base))).statusCode).toBe(200)
      }
    })

    test('the API document names it, and says of /health that it is at the root', async () => {
      const { url } = await start(empty, {}, 'rw', '/fabio')
      const document = (await (await request(`${url}/fabio/api/openapi.json`)).body.json()) as OpenApi & {
        servers: object
      }
      expect(document.servers).toEqual([{ url: '/fabio' }])
      expect(Object.keys(document.paths)).toContain('/api/table')
      expect(document.paths['/health']!.get).toMatchObject({ servers: [{ url: '/' }] })
      expect(document.paths['/api/table']!.get).not.toHaveProperty('servers')
    })

    test('the stream of the table ends with the gateway', async () => {
      const { url } = await start(empty, {}, 'rw', '/fabio')
      const stream = await request(`${url}/fabio/api/events`)
      await admin!.close()
      expect(await stream.body.text()).toContain('event: table')
    })
  })

  // fabio reference 9: "any". A probe that sent OPTIONS or POST took the gateway out of its balancer.
  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])(
    '%s is answered as GET where fabio does',
    async (method) => {
      const { url } = await start()
      const ask = async (path: string): Promise<[number, string]> => {
        const body = method === 'HEAD' || method === 'OPTIONS' ? null : 'no JSON {'
        const answer = await request(url + path, { method: method as 'POST', body })
        return [answer.statusCode, await answer.body.text()]
      }
      const isHead = method === 'HEAD'
      expect(await ask('/health')).toEqual([200, isHead ? '' : 'OK\n'])
      expect(await ask('/api/version')).toEqual([200, isHead ? '' : '1.2.3'])
      expect(await ask('/api/routes?raw')).toEqual([200, isHead ? '' : '\n'])
      expect(await ask('/api/config')).toEqual([200, isHead ? '' : '{"Proxy":{"Strategy":"rr"}}'])
    },
  )

  test.each(['POST', 'DELETE'])(
    '%s is sent to the page where nothing else is, and shown it',
    async (method) => {
      const { url } = await start()
      const ask = (path: string) => request(url + path, { method: method as 'POST' })
      expect((await ask('/')).headers.location).toBe('/routes')
      expect((await ask('/routes')).statusCode).toBe(200)
      expect((await ask('/manual/x')).statusCode).toBe(200)
      expect((await ask('/favicon.ico')).statusCode).toBe(404)
      expect((await ask('/api/none')).statusCode).toBe(404)
    },
  )

  test('a question that cannot be answered is 400 with its reason', async () => {
    const { url } = await start()
    for (const [query, error] of [
      ['?url=x', 'url: expected one'],
      ['', "querystring must have required property 'url'"],
    ]) {
      const answer = await request(`${url}/api/explain${query}`)
      expect([answer.statusCode, await answer.body.json()]).toEqual([400, { error }])
    }
  })

  test('every call of the API is in its own document, and what it answers is described there', async () => {
    const { url } = await start(withRoutes)
    const answer = await request(`${url}/api/openapi.json`)
    const document = (await answer.body.json()) as OpenApi
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths).sort()).toEqual([
      '/api/config',
      '/api/events',
      '/api/explain',
      '/api/history',
      '/api/manual',
      '/api/manual/check',
      '/api/manual/{key}',
      '/api/openapi.json',
      '/api/paths',
      '/api/problems',
      '/api/routes',
      '/api/services',
      '/api/settings',
      '/api/table',
      '/api/traffic',
      '/api/ui',
      '/api/version',
      '/health',
      '/metrics',
    ])
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { summary, parameters = [], responses }] of Object.entries(methods)) {
        expect(summary, `${method} ${path}`).not.toBe('')
        expect(Object.keys(responses).length, `${method} ${path}`).toBeGreaterThan(0)
        const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
        const inPath = parameters.filter((parameter) => parameter.in === 'path')
        expect(inPath.map(({ name, required }) => [name, required])).toEqual(
          named.map((name) => [name, true]),
        )
      }
    }
    expect(document.paths['/api/explain']!.get!.parameters).toContainEqual(
      expect.objectContaining({ name: 'url', in: 'query', required: true }),
    )
  })

  test('serves the page and its assets from here, and lets nothing else run in it', async () => {
    const { url } = await start()
    const page = await request(`${url}/routes`)
    const html = await page.body.text()
    expect(page.headers).toMatchObject({
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
      ),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-cache',
    })
    const assets = [...html.matchAll(/(?:src|href)="(\.[^"]+)"/g)].map((match) => match[1]!)
    expect(assets.length).toBeGreaterThan(1)
    for (const asset of assets) {
      const { href, origin } = new URL(asset, `${url}/`)
      expect(origin).toBe(url)
      const answer = await request(href)
      expect([answer.statusCode, answer.headers['cache-control']], asset).toEqual([
        200,
        'public, max-age=31536000, immutable',
      ])
      await answer.body.dump()
    }
  })

  test('an unknown call of the API is 404 in JSON', async () => {
    const { url } = await start()
    const answer = await request(`${url}/api/none`)
    expect([answer.statusCode, await answer.body.json()]).toEqual([404, { error: 'no GET /api/none' }])
  })

  test('is unhealthy once the gateway goes down', async () => {
    const { url, goDown } = await start()
    goDown()
    expect((await request(`${url}/health`)).statusCode).toBe(503)
  })

  test('says what the page needs', async () => {
    const { url } = await start()
    const answer = await request(`${url}/api/ui`)
    expect(await answer.body.json()).toEqual({
      title: 'staging',
      color: 'teal',
      version: '1.2.3',
      access: 'rw',
    })
  })

  // With its default ui.addr = :9998 the gateway did not start on a system without IPv6, where its ports for traffic
  // could be opened well.
  test('without a host is on IPv4 alone where the system has no IPv6', async () => {
    const real = Server.prototype.listen
    vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args: unknown[]) {
      if ((args[0] as { host?: string }).host !== '::') return Reflect.apply(real, this, args) as Server
      const error = Object.assign(new Error('listen EAFNOSUPPORT :::0'), { code: 'EAFNOSUPPORT' })
      process.nextTick(() => this.emit('error', error))
      return this
    })
    const names = { title: '', color: '', version: '1.2.3', path: '', access: 'rw' } as const
    const assets = fileURLToPath(new URL('../../dist/ui', import.meta.url))
    admin = await startAdmin(
      { host: '', port: 0, ...names, assets },
      { logins: { read: null, write: null } } as AdminSources,
      systemClock,
    )
    const answer = await request(`http://127.0.0.1:${admin.port}/api/version`)
    expect(await answer.body.text()).toBe('1.2.3')
  })

  test('a port that is taken is told with its address', async () => {
    const { url } = await start()
    const names = { title: '', color: '', version: '', path: '', access: 'rw' } as const
    const options = { host: '127.0.0.1', port: Number(new URL(url).port), ...names }
    const assets = fileURLToPath(new URL('../../dist/ui', import.meta.url))
    const second = startAdmin(
      { ...options, assets },
      { logins: { read: null, write: null } } as AdminSources,
      systemClock,
    )
    await expect(second).rejects.toThrow(
      `ui.addr: cannot listen on 127.0.0.1:${options.port}: another process has it`,
    )
  })
})

describe('fabio’s routes', () => {
  test('are the healthy targets, hosts ascending, with the fields that fabio has', async () => {
    const { url } = await start(withRoutes)
    const answer = await request(`${url}/api/routes`)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    const any = {
      service: 'web',
      host: '',
      path: '/',
      src: '/',
      dst: 'http://10.0.0.1:80/',
      opts: '',
      weight: 1,
    }
    const fixed = { cmd: 'route add', rate1: 0, pct99: 0 }
    expect(await answer.body.json()).toEqual([
      { ...any, ...fixed },
      {
        ...any,
        ...fixed,
        host: 'b.net',
        path: '/x',
        src: 'b.net/x',
        opts: 'strip=/x host=dst',
        tags: ['v1', 'blue'],
      },
    ])
  })

  test('are indented with ?pretty, and commands with ?raw', async () => {
    const { url } = await start(withRoutes)
    expect(await (await request(`${url}/api/routes?pretty`)).body.text()).toContain(
      '\n    {\n        "service"',
    )
    expect(await (await request(`${url}/api/routes?raw`)).body.text()).toBe(
      'route add web b.net/x http://10.0.0.1:80/ weight 0.5000 tags "v1,blue" opts "host=dst strip=/x"\n' +
        'route add web / http://10.0.0.1:80/\n',
    )
  })
})

describe('the stream of tables', () => {
  test('sends the table at first and after each change, and forgets a reader that left', async () => {
    const { url, change, told } = await start()
    const stop = new AbortController()
    const answer = await request(`${url}/api/events`, { signal: stop.signal })
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    let received = ''
    answer.body.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    answer.body.on('error', () => {})
    await waitFor(() => received.includes('\n\n'), { what: 'the first table' })
    expect(received).toBe(`event: table\ndata: ${JSON.stringify({ sequence: 0, ...empty })}\n\n`)
    change({ ...withRoutes, version: 1 })
    await waitFor(() => received.includes('"version":1'), { what: 'what has changed' })
    expect(received).toContain('event: changes\n')
    stop.abort()
    await waitFor(() => told.size === 0, { what: 'the reader to be forgotten' })
  })

  test('changes that come together are sent once', async () => {
    const { url, change } = await start()
    const stop = new AbortController()
    const answer = await request(`${url}/api/events`, { signal: stop.signal })
    let received = ''
    answer.body.on('error', () => {})
    answer.body.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    await waitFor(() => received !== '', { what: 'the first table' })
    for (let version = 1; version <= 50; version++) change({ ...empty, version })
    await waitFor(() => received.includes('"version":50'), { what: 'the newest version' })
    expect(received.split('event: ').length - 1).toBe(2)
    stop.abort()
  })

  test('goes out as gzip to who takes it, each event readable as soon as it is there', async () => {
    const { url, change } = await start(withRoutes)
    const stop = new AbortController()
    const headers = { 'accept-encoding': 'gzip, deflate, br' }
    const answer = await request(`${url}/api/events`, { signal: stop.signal, headers })
    expect(answer.headers['content-encoding']).toBe('gzip')
    let received = ''
    const unpacked = createGunzip().on('data', (chunk: Buffer) => {
      received += chunk.toString()
    })
    answer.body.on('error', () => {}).on('data', (chunk: Buffer) => unpacked.write(chunk))
    await waitFor(() => received.endsWith('\n\n'), { what: 'the table' })
    expect(received).toBe(`event: table\ndata: ${JSON.stringify({ sequence: 0, ...withRoutes })}\n\n`)
    change({ ...withRoutes, version: 1 })
    await waitFor(() => received.includes('"version":1'), { what: 'what has changed' })
    stop.abort()
  })
})
