import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type {
  ExplanationView,
  HistoryView,
  ProblemsView,
  RouteView,
  ServicesView,
} from '../../src/admin/view.ts'
import { systemWorld } from '../../src/base/world.ts'
import { doctor } from '../../src/cli/doctor.ts'
import { explain } from '../../src/cli/explain.ts'
import { routes } from '../../src/cli/routes.ts'
import { type EmbeddedRegistry, startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { runCommand } from '../support/command.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'

let registry: EmbeddedRegistry
let origin: Origin
let gateway: TestGateway

beforeAll(async () => {
  registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  origin = await startOrigin((message, response) => response.end(`served ${message.url}`))
  await register('shop', { tags: ['urlprefix-shop.com/api strip=/api', 'urlprefix-shop.com/', 'v1'] })
  await register('shop-2', { name: 'shop', tags: ['urlprefix-shop.com/api strip=/api'], check: 'critical' })
  await register('near', { tags: ['Urlprefix-/near'] })
  await register('plain', { tags: ['v1'] })
  await register('lonely', { tags: ['urlprefix-/lonely'], check: null })
  await register('secure', {
    tags: ['urlprefix-www.com:80/ redirect=301,https://www.com$path', 'urlprefix-www.com/'],
  })
  await register('loop', { tags: ['urlprefix-loop.com/ redirect=301,https://loop.com$path'] })
  await register('sidecar', { tags: ['urlprefix-/side'], more: { Kind: 'connect-proxy', Proxy: proxy } })
  gateway = await startTestGateway(registry.url, ['-registry.consul.register.enabled=false'])
}, 30_000)

afterAll(async () => {
  await gateway?.stop()
  await origin?.close()
  await registry?.close()
})

const proxy = { DestinationServiceName: 'shop' }

async function register(
  id: string,
  options: { name?: string; tags: string[]; check?: 'passing' | 'critical' | null; more?: object },
): Promise<void> {
  const { name = id, tags, check = 'passing', more = {} } = options
  await put('/v1/agent/service/register', {
    ...{ ID: id, Name: name, Tags: tags, Address: '127.0.0.1', Port: origin.port },
    ...(check === null ? {} : { Check: { CheckID: `ttl-${id}`, TTL: '600s', Status: check } }),
    ...more,
  })
}

async function put(path: string, body: unknown = ''): Promise<void> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const answer = await request(registry.url + path, { method: 'PUT', body: text })
  expect([path, answer.statusCode, await answer.body.text()]).toEqual([path, 200, expect.anything()])
}

async function get<T>(path: string): Promise<T> {
  const answer = await request(gateway.adminUrl + path)
  return (await answer.body.json()) as T
}

const flags = (): string[] => [
  ...['-ui.addr', new URL(gateway.adminUrl).host],
  ...['-registry.consul.addr', registry.url],
]
const instance = (id: string): string => `${registry.node}/${id}`

describe('an explanation', () => {
  test('says of a request what is then really sent: target and every field', async () => {
    const url = `http://shop.com/api/x%20y?q=1`
    const query = new URLSearchParams([
      ['url', url],
      ['method', 'DELETE'],
      ['header', 'X-Forwarded-For: 9.9.9.9'],
      ['header', 'Accept: a'],
    ])
    const said = await get<ExplanationView>(`/api/explain?${query}`)
    const headers = { host: 'shop.com', 'x-forwarded-for': '9.9.9.9', accept: 'a' }
    const answer = await request(`${gateway.url}/api/x%20y?q=1`, { method: 'DELETE', headers })
    await answer.body.dump()
    const { method, url: target, headers: received } = origin.received.at(-1)!
    const sent = said.targets[0]!.request!
    expect([sent.method, sent.target]).toEqual([method, target])
    const { connection: _hop, ...fields } = received
    const named = sent.fields.map(({ name, value }) => [name.toLowerCase(), value])
    expect(Object.fromEntries(named)).toEqual(fields)
    expect(said.answer).toBeNull()
    expect(said).toMatchObject({
      method: 'DELETE',
      host: 'shop.com',
      path: '/api/x y',
      route: { host: 'shop.com', path: '/api', matcher: 'prefix' },
    })
  })

  // It said 404 here, because the handler that is asked found nothing wider in the table made for it.
  test.each([
    ['http://www.com/x', [], 301, 'www.com:80/'],
    ['http://www.com/x', ['X-Forwarded-Proto: https'], null, 'www.com/'],
    ['http://loop.com/x', ['X-Forwarded-Proto: https'], 404, null],
  ] as const)(
    'of %s with %j passes over redirects as the gateway does',
    async (url, header, status, route) => {
      const query = new URLSearchParams([
        ['url', url],
        ...header.map((line): [string, string] => ['header', line]),
      ])
      const said = await get<ExplanationView>(`/api/explain?${query}`)
      expect(said.answer?.status ?? null).toBe(status)
      expect(said.route === null ? null : said.route.host + said.route.path).toBe(route)
      const fields = Object.fromEntries(header.map((line) => line.split(': ')))
      const headers = { ...fields, host: new URL(url).host }
      const real = await request(`${gateway.url}/x`, { headers })
      await real.body.dump()
      expect(real.statusCode).toBe(status ?? 200)
      if (header.length > 0) expect(said.why).toContain('leads to where the request already is')
    },
  )

  // A websocket looked as if it went on as an ordinary request.
  test('of a websocket says that it goes on as one', async () => {
    const query = new URLSearchParams([
      ['url', 'http://shop.com/'],
      ['header', 'Connection: keep-alive, Upgrade'],
      ['header', 'Upgrade: websocket'],
    ])
    const { targets } = await get<ExplanationView>(`/api/explain?${query}`)
    const fields = targets[0]!.request!.fields.map(({ name, value }) => `${name}: ${value}`)
    expect(fields.slice(-2)).toEqual(['Connection: Upgrade', 'Upgrade: websocket'])
  })

  test.each([
    ['http://shop.com:8080/api', '; shop.com/api is for shop.com without a port: one that is neither'],
    ['http://shop.com:8080/lonely', '; shop.com/ is for shop.com without a port'],
    ['http://nobody.com:8080/', ''],
  ])('of %s says when it is the port that keeps it from its route', async (url, words) => {
    const { why } = await get<ExplanationView>(`/api/explain?url=${encodeURIComponent(url)}`)
    if (words === '') expect(why).not.toContain('port')
    else expect(why).toContain(words)
  })

  test('has the instances that get nothing, and why', async () => {
    const { targets } = await get<ExplanationView>('/api/explain?url=http://shop.com/api')
    expect(targets.map((each) => [each.instance, each.share, each.routed, each.why])).toEqual([
      [instance('shop'), 1, true, 'it gets 100 % of the requests'],
      [instance('shop-2'), 0, false, expect.stringContaining('is critical')],
    ])
  })

  test.each([
    ['http://shop.com/api/x', 200],
    ['http://SHOP.com:80/', 200],
    ['http://nobody.com/', 404],
    ['/lonely', 503],
  ])('of %s knows that the answer is %d', async (url, status) => {
    const { answer } = await get<ExplanationView>(`/api/explain?url=${encodeURIComponent(url)}`)
    const { host, pathname } = new URL(url, 'http://any.where')
    const real = await request(gateway.url + pathname, { headers: { host } })
    const body = await real.body.text()
    expect(real.statusCode).toBe(status)
    if (status === 200) expect(answer).toBeNull()
    else {
      expect([answer!.status, answer!.body]).toEqual([real.statusCode, body])
      for (const { name, value } of answer!.fields) {
        const found = real.headers[name.toLowerCase()]
        if (value === '(a new id for each request)') expect(found).toMatch(/^[\da-f-]{36}$/)
        else expect(found).toBe(value)
      }
    }
  })

  test('changes nothing for the traffic: nobody is asked, and nobody’s turn is taken', async () => {
    await register('turn-1', { name: 'turn', tags: ['urlprefix-/turn weight=0.5'] })
    const other = await startOrigin((_message, response) => response.end('other'))
    try {
      await put('/v1/kv/fabio/config/turn', `route add turn /turn ${other.url} weight 0.5`)
      const both = () =>
        get<ExplanationView>('/api/explain?url=/turn').then(({ targets }) => targets.length === 2)
      await waitFor(both, { what: 'both targets' })
      const before = origin.received.length + other.received.length
      const who: string[] = []
      for (let i = 0; i < 6; i++) {
        await get('/api/explain?url=/turn')
        who.push(await (await request(`${gateway.url}/turn`)).body.text())
      }
      expect(origin.received.length + other.received.length - before).toBe(6)
      expect(new Set([who[0], who[2], who[4]]).size).toBe(1)
      expect(who[0]).not.toBe(who[1])
    } finally {
      await other.close()
    }
  })
})

describe('the API of a running gateway', () => {
  test('has each service with its instances, their health, tags and routes', async () => {
    const { services } = await get<ServicesView>('/api/services?service=shop')
    expect(services).toEqual([
      {
        service: 'shop',
        instances: [
          {
            instance: instance('shop'),
            address: `127.0.0.1:${origin.port}`,
            tags: ['urlprefix-shop.com/api strip=/api', 'urlprefix-shop.com/', 'v1'],
            routed: true,
            health: 'passing',
            reason: '',
          },
          expect.objectContaining({ instance: instance('shop-2'), routed: false, health: 'critical' }),
        ],
        routes: [
          expect.objectContaining({ source: 'shop.com/', routed: true, reason: '' }),
          expect.objectContaining({ source: 'shop.com/api', options: 'strip=/api', routed: true }),
          expect.objectContaining({
            source: 'shop.com/api',
            routed: false,
            reason: expect.stringContaining('critical'),
          }),
        ],
        problems: [],
      },
    ])
    expect((await get<ServicesView>('/api/services?service=none')).services).toEqual([])
  })

  test('has the instances that ask for routes and get no request', async () => {
    const { unrouted } = await get<ProblemsView>('/api/problems')
    expect(unrouted.filter(({ service }) => service === 'lonely' || service === 'shop')).toEqual([
      {
        service: 'lonely',
        instance: instance('lonely'),
        tags: ['urlprefix-/lonely'],
        health: 'critical',
        reason: 'it has no health check of its own, and needs one to be routed',
      },
      expect.objectContaining({ service: 'shop', instance: instance('shop-2') }),
    ])
  })

  test('tells in its history which check, tag or override changed what', async () => {
    await register('flip', { tags: ['urlprefix-/flip'] })
    const newest = async (service: string, until: (change: HistoryView['changes'][0]) => boolean) =>
      waitFor(
        async () => {
          const { changes } = await get<HistoryView>('/api/history')
          const of = changes.filter(({ instances }) => instances.some((each) => each.service === service))
          return of[0] !== undefined && until(of[0]) ? of[0] : null
        },
        { what: `the change of ${service}` },
      )
    const line = `route add flip /flip http://127.0.0.1:${origin.port}/`
    const came = (await newest('flip', ({ added }) => added.length > 0))!
    expect(came).toMatchObject({
      added: [line],
      removed: [],
      instances: [{ before: null, after: 'passing', tagsAdded: ['urlprefix-/flip'] }],
    })
    await put('/v1/agent/check/fail/ttl-flip?note=out+of+disk')
    const fell = (await newest('flip', ({ removed }) => removed.length > 0))!
    expect(fell).toMatchObject({
      removed: [line],
      added: [],
      instances: [{ before: 'passing', after: 'critical', reason: expect.stringContaining('out of disk') }],
    })
    expect(fell.version).toBeGreaterThan(came.version)

    await put('/v1/kv/fabio/config/history', 'route add h /h http://127.0.0.1:1/')
    const written = await waitFor(
      async () => {
        const { changes } = await get<HistoryView>('/api/history')
        return changes.find(({ overrides }) => overrides.some(({ name }) => name.endsWith('/history')))
      },
      { what: 'the override' },
    )
    expect(written).toMatchObject({
      overrides: [{ name: 'fabio/config/history', change: 'added' }],
      added: ['route add h /h http://127.0.0.1:1/'],
    })
  })

  test('saves an override that then serves, and refuses the next that has not seen it', async () => {
    const text = `route add saved /saved ${origin.url}`
    const save = async (version: string) => {
      const body = JSON.stringify({ value: text, version })
      const answer = await request(`${gateway.adminUrl}/api/manual/team%20a`, { method: 'PUT', body })
      await answer.body.dump()
      return answer.statusCode
    }
    const check = await request(`${gateway.adminUrl}/api/manual/check`, {
      method: 'POST',
      body: JSON.stringify({ value: text, path: '/team a' }),
    })
    expect(await check.body.json()).toEqual({ mistakes: [], added: [text], removed: [] })
    expect(await save('0')).toBe(200)
    await waitFor(async () => (await request(`${gateway.url}/saved`)).statusCode === 200, { what: '/saved' })
    expect(await save('0')).toBe(409)
    const { version, value } = await get<{ version: string; value: string }>('/api/manual/team%20a')
    expect(value).toBe(text)
    expect(await save(version)).toBe(200)
    expect(await get('/api/paths')).toContain('/team a')
  })

  test('shows the configuration with its sources', async () => {
    const config = await get<Record<string, object>>('/api/settings')
    expect(config['registry.consul.addr']).toMatchObject({ value: registry.url, source: 'flag' })
    expect(config['proxy.shutdownwait']).toMatchObject({ value: 5000, source: 'default', type: 'duration' })
  })
})

describe('gatehouse routes', () => {
  test('prints the table, or its JSON', async () => {
    const { code, output } = await runCommand(routes, flags())
    expect(code).toBe(0)
    expect(output).toMatch(/^shop\.com\/api +shop +http:\/\/127\.0\.0\.1:\d+\/ +100 % +passing +strip=\/api/m)
    expect(output).toMatch(/^\/lonely +lonely .* 0 % +critical +it has no health check/m)
    const asJson = await runCommand(routes, ['--json', '--admin', gateway.adminUrl])
    expect(JSON.parse(asJson.output)).toEqual(gateway.gateway.control.table().routes)
  })
})

describe('gatehouse explain', () => {
  test.each([
    ['http://shop.com/api/x', 0, ['* ', 'prefix /api', 'sent to http', 'GET /x', 'X-Forwarded-Prefix: /api']],
    ['http://shop.com/other', 0, ['route shop.com/ (prefix)', 'GET /other']],
    ['/lonely', 1, ['answer 503', 'Retry-After: 1', 'it has no health check of its own']],
    ['/nothing', 1, ['answer 404', 'no route: none of the routes for any host has a path that matches']],
  ])('of %s ends with %d', async (url, code, words) => {
    const ran = await runCommand(explain, [...flags(), url])
    expect([ran.code, ran.complaints]).toEqual([code, ''])
    for (const part of words) expect(ran.output).toContain(part)
    const asJson = await runCommand(explain, ['--json', url, ...flags()])
    expect(asJson.code).toBe(code)
    const query = `/api/explain?url=${encodeURIComponent(url)}`
    expect(JSON.parse(asJson.output)).toEqual(await get(query))
  })

  test.each([
    [[], 'explain: expected a URL like http://example.com/path, got nothing'],
    [['http://a b/'], 'url: expected one like'],
    [['/', '--header', 'x'], 'header: expected "Name: value", got "x"'],
    [['/', '--admin', 'http://['], 'flag --admin: expected a URL'],
  ])('%j is a mistake of whoever typed it', async (argv, words) => {
    const ran = await runCommand(explain, [...flags(), ...argv])
    expect([ran.code, ran.output]).toEqual([2, ''])
    expect(ran.complaints).toContain(words)
  })
})

// Issue 3 asks for each command against a gateway or straight from Consul; two of them knew the gateway only.
describe('straight from the registry', () => {
  const nowhere = ['-ui.addr', '127.0.0.1:9']
  const alone = (): string[] => [...nowhere, '-registry.consul.addr', registry.url]

  test.each([
    ['the gateway does not run', (): string[] => alone()],
    ['it is wished for', (): string[] => [...flags(), '--direct']],
  ])('where %s, routes prints the table that a gateway would have', async (what, argv) => {
    const { code, output, complaints } = await runCommand(routes, [...argv(), '--json'])
    expect(code).toBe(0)
    expect(complaints.includes(`asked consul at ${registry.url} instead`)).toBe(what.includes('not run'))
    const stable = (table: readonly RouteView[]) =>
      table.map(({ host, path, targets }) => [host, path, targets.map(({ url, share }) => [url, share])])
    const running = gateway.gateway.control.table().routes
    expect(stable(JSON.parse(output) as RouteView[])).toEqual(stable(running))
    expect(running.length).toBeGreaterThan(3)
  })

  test('explain says the same as the gateway', async () => {
    for (const url of ['http://shop.com/api/x', '/lonely', '/nothing']) {
      const one = await runCommand(explain, [...flags(), '--json', url])
      const other = await runCommand(explain, [...alone(), '--json', url])
      expect(other.code).toBe(one.code)
      const { tableVersion: _one, ...said } = JSON.parse(one.output) as ExplanationView
      const { tableVersion: _other, ...saidAlone } = JSON.parse(other.output) as ExplanationView
      expect(saidAlone).toEqual(said)
    }
  })

  test.each([
    ['http://a b/', 'url: expected one like'],
    ['ftp://x/', 'url: expected one like'],
  ])('explain %j is a mistake of whoever typed it', async (url, words) => {
    const ran = await runCommand(explain, [...alone(), '--direct', url])
    expect([ran.code, ran.output]).toEqual([2, ''])
    expect(ran.complaints).toContain(words)
  })

  // It looked at tags and checks alone, and called a service routed that an override had taken away.
  test('doctor knows the manual overrides', async () => {
    await register('taken', { tags: ['urlprefix-/taken'] })
    await put('/v1/kv/fabio/config/taken', 'route del taken')
    const ran = await runCommand(doctor, [...alone(), 'taken'])
    expect(ran.code).toBe(1)
    expect(ran.output).toMatch(/taken +\S+ +override +manual overrides take its routes away/)
  })

  test('a gateway that is named and does not run is an error, and nobody else is asked', async () => {
    for (const [command, operands] of [
      [routes, []],
      [explain, ['/']],
    ] as const) {
      const ran = await runCommand(command, ['--admin', '127.0.0.1:9', ...operands])
      expect([ran.code, ran.output]).toEqual([1, ''])
      expect(ran.complaints).toContain('http://127.0.0.1:9: expected a running gateway, got')
    }
  })

  test.each([
    ['static', ['-registry.static.routes', 'route add a a.net/ http://10.0.0.1:80/\nroute ad']],
    ['file', ['-registry.file.path', 'none']],
  ])('of a %s registry too', async (backend, more) => {
    const argv = [...nowhere, '-registry.backend', backend, ...more]
    const ran = await runCommand(routes, argv)
    const checked = await runCommand(doctor, [...argv, '--json'])
    expect(checked.code).toBe(1)
    const { findings } = JSON.parse(checked.output) as { findings: { code: string; words: string }[] }
    if (backend === 'file') {
      expect([ran.code, ran.complaints]).toEqual([
        1,
        expect.stringContaining('registry.file.path: expected a file'),
      ])
      expect(findings).toEqual([expect.objectContaining({ code: 'no-contact' })])
      return
    }
    expect([ran.code, ran.output]).toEqual([
      0,
      expect.stringContaining('a.net/  a        http://10.0.0.1:80/'),
    ])
    expect(findings.map(({ code }) => code).sort()).toEqual(['rejected', 'routed'])
  })
})

describe('gatehouse doctor', () => {
  test.each([
    ['shop', 1, ['shop-2', 'critical', 'routed']],
    ['near', 1, ['prefix', 'tag "Urlprefix-/near" is no route: expected it to begin with "urlprefix-"']],
    ['plain', 1, ['not-tagged', 'expected a tag that begins with "urlprefix-", it has "v1"']],
    ['lonely', 1, ['it has no health check of its own']],
    ['sidecar', 1, ['sidecar', 'it is a connect-proxy']],
    ['shoop', 1, ['not-registered', 'did you mean shop?']],
  ])('of %s, with a gateway and without one', async (service, code, words) => {
    const nobody = ['-registry.consul.addr', registry.url, '--admin', 'http://127.0.0.1:9']
    for (const argv of [
      [...flags(), service],
      [service, ...nobody],
    ]) {
      const ran = await runCommand(doctor, argv)
      expect([ran.code, ran.complaints]).toEqual([code, ''])
      for (const part of words) expect(ran.output).toContain(part)
    }
  })

  test('of a service that is routed ends with 0', async () => {
    await register('fine', { tags: ['urlprefix-/fine'] })
    await waitFor(async () => (await request(`${gateway.url}/fine`)).statusCode === 200, { what: '/fine' })
    const ran = await runCommand(doctor, [...flags(), 'fine'])
    expect([ran.code, ran.output]).toEqual([0, expect.stringContaining('/fine leads to http://127.0.0.1:')])
    const alone = await runCommand(doctor, [
      'fine',
      '--admin',
      ':9',
      '-registry.consul.addr',
      registry.url,
      '--json',
    ])
    expect(alone.code).toBe(0)
    expect(JSON.parse(alone.output)).toMatchObject({
      ok: true,
      findings: [{ service: 'fine', code: 'routed' }],
    })
  })

  test('of nothing in particular lists everything that is wrong', async () => {
    const ran = await runCommand(doctor, [...flags(), '--json'])
    expect(ran.code).toBe(1)
    const { findings } = JSON.parse(ran.output) as { findings: { service: string; code: string }[] }
    const codeOf = (service: string) =>
      findings.filter((each) => each.service === service).map(({ code }) => code)
    expect(codeOf('near')).toEqual(['prefix'])
    expect(codeOf('lonely')).toEqual(['critical'])
    // It has the tags of what it stands for, and is to have no route.
    expect(codeOf('sidecar')).toEqual([])
    expect(codeOf('plain')).toEqual([])
    expect(codeOf('shop')).toContain('critical')
  })

  test('with neither a gateway nor Consul says so', async () => {
    const ran = await runCommand(doctor, [
      'x',
      '--admin',
      'http://127.0.0.1:9',
      '-registry.consul.addr',
      '127.0.0.1:9',
    ])
    expect(ran.code).toBe(1)
    expect(ran.output).toContain('127.0.0.1:9: expected a running gateway, got')
    expect(ran.output).toContain('expected Consul to answer at http://127.0.0.1:9 within 3 s, got: ')
  })
})
