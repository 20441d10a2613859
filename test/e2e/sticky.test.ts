import { request as httpRequest } from 'node:http'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { closingAfterEach } from '../support/cleanups.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

const kept = closingAfterEach()

const named = (name: string): Promise<Origin> => kept(startOrigin((_message, response) => response.end(name)))

const routesTo = (route: string, origins: readonly Origin[]) =>
  serviceRoutes('web', ...origins.map(({ url }) => definition('web', route, url)))

const trafficTo = (
  route: string,
  origins: readonly Origin[],
  more: Parameters<typeof startTraffic>[1] = {},
) => kept(startTraffic([routesTo(route, origins)], more))

/** Who answers, and the cookie that comes with it. */
async function ask(url: string, headers: Record<string, string> = {}) {
  const answer = await request(url, { headers })
  const line = [answer.headers['set-cookie'] ?? []].flat().at(-1) ?? ''
  const name = answer.statusCode === 200 ? await answer.body.text() : String(answer.statusCode)
  return { name, line, cookie: line.split(';')[0]! }
}

/** Who answers requests from this address of the machine. */
function askFrom(localAddress: string, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { localAddress, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => resolve(text))
    })
    asked.on('error', reject).end()
  })
}

describe('sticky=cookie', () => {
  test('a client without a cookie is given one, and stays at its instance with it', async () => {
    const { url } = await trafficTo('/ sticky=cookie', [await named('a'), await named('b'), await named('c')])
    const first = await ask(url)
    expect(first.line).toMatch(/^gatehouse-[\da-f]{8}=[\w-]{16}; Path=\/; HttpOnly; SameSite=Lax$/)
    for (let i = 0; i < 9; i++) {
      const again = await ask(url, { cookie: `theme=dark; ${first.cookie}` })
      expect([again.name, again.line]).toEqual([first.name, ''])
    }
    expect(new Set([(await ask(url)).name, (await ask(url)).name]).has(first.name)).toBe(false)
  })

  test('the cookie of an upstream goes on beside it', async () => {
    const web = await kept(
      startOrigin((_message, response) => response.setHeader('Set-Cookie', ['own=1', 'two=2']).end('a')),
    )
    const { url } = await trafficTo('/ sticky=cookie:place', [web])
    const answer = await request(url)
    await answer.body.dump()
    expect(answer.headers['set-cookie']).toEqual(['own=1', 'two=2', expect.stringMatching(/^place=/)])
  })

  test('a deploy of others moves nobody, and one of its own sends the client elsewhere with another cookie', async () => {
    const [a, b, c] = [await named('a'), await named('b'), await named('c')]
    const { url, traffic } = await trafficTo('/ sticky=cookie', [a, b])
    const { name, cookie } = await ask(url)
    const own = name === 'a' ? a : b
    traffic.apply([routesTo('/ sticky=cookie', [own, c])])
    for (let i = 0; i < 6; i++) expect((await ask(url, { cookie })).name).toBe(name)
    traffic.apply([routesTo('/ sticky=cookie', [c])])
    const moved = await ask(url, { cookie })
    expect([moved.name, moved.cookie === cookie]).toEqual(['c', false])
    expect((await ask(url, { cookie: moved.cookie })).line).toBe('')
  })

  test('the weight of a canary holds for new clients, and who is there stays', async () => {
    const [stable, canary] = [await named('stable'), await named('canary')]
    const weighted = (weight: number) =>
      serviceRoutes(
        'web',
        definition('web', '/ sticky=cookie', stable.url),
        definition('web', `/ sticky=cookie weight=${weight}`, canary.url),
      )
    const { url, traffic } = await kept(startTraffic([weighted(0.1)]))
    const clients = []
    for (let i = 0; i < 40; i++) clients.push(await ask(url))
    expect(clients.filter(({ name }) => name === 'canary')).toHaveLength(4)
    traffic.apply([weighted(0.5)])
    for (const { name, cookie } of clients.slice(0, 20)) expect((await ask(url, { cookie })).name).toBe(name)
    const fresh = []
    for (let i = 0; i < 10; i++) fresh.push((await ask(url)).name)
    expect(fresh.filter((name) => name === 'canary')).toHaveLength(5)
  })

  test('an instance that is ejected loses its clients to another, which keeps them', async () => {
    let isBroken = false
    const moody = await kept(
      startOrigin((_message, response) => {
        response.statusCode = isBroken ? 503 : 200
        response.end('moody')
      }),
    )
    const { url, log } = await trafficTo('/ sticky=cookie', [moody, await named('b')], {
      ejection: { failures: 3, time: 60_000 },
    })
    let client = await ask(url)
    if (client.name !== 'moody') client = await ask(url)
    const { cookie } = client
    isBroken = true
    const names = []
    for (let i = 0; i < 5; i++) names.push((await ask(url, { cookie })).name)
    expect(names).toEqual(['503', '503', '503', 'b', 'b'])
    expect(log.of('ejected')).toHaveLength(1)
    const moved = await ask(url, { cookie })
    expect(await ask(url, { cookie: moved.cookie })).toMatchObject({ name: 'b', line: '' })
  })

  test('an instance that is gone without a word loses no request: the answer of another sets its cookie', async () => {
    const [a, b] = [await named('a'), await named('b')]
    const { url } = await trafficTo('/ sticky=cookie', [a, b])
    const { name, cookie } = await ask(url)
    await (name === 'a' ? a : b).close()
    const moved = await ask(url, { cookie })
    expect(moved.name).toBe(name === 'a' ? 'b' : 'a')
    expect(moved.cookie).not.toBe(cookie)
  })

  test('an error of the gateway sets no cookie: nobody is to stay where nothing is', async () => {
    const gone = await startOrigin((_message, response) => response.end())
    await gone.close()
    const { url } = await trafficTo('/ sticky=cookie', [gone])
    expect(await ask(url)).toMatchObject({ name: '502', line: '' })
  })

  test('routes of one host have cookies of their own', async () => {
    const [a, b] = [await named('a'), await named('b')]
    const { url } = await kept(
      startTraffic([
        routesTo('/ sticky=cookie', [a]),
        { ...routesTo('/b sticky=cookie', [b]), service: 'other' },
      ]),
    )
    const [first, second] = [await ask(url), await ask(`${url}/b`)]
    expect(first.cookie.split('=')[0]).not.toBe(second.cookie.split('=')[0])
  })
})

describe('sticky=header', () => {
  test('what has the same value goes to the same instance, after a change of the table as well', async () => {
    const [a, b, c] = [await named('a'), await named('b'), await named('c')]
    const route = '/ sticky=header:X-Tenant'
    const { url, traffic } = await trafficTo(route, [a, b])
    const tenants = Array.from({ length: 40 }, (_, i) => `tenant-${i}`)
    const ofAll = async () => {
      const names = []
      for (const tenant of tenants) names.push((await ask(url, { 'X-Tenant': tenant })).name)
      return names
    }
    const before = await ofAll()
    expect(new Set(before).size).toBe(2)
    expect(await ofAll()).toEqual(before)
    traffic.apply([routesTo(route, [c, b, a])])
    const after = await ofAll()
    for (const [i, name] of after.entries()) expect([before[i], 'c']).toContain(name)
    expect(after).toContain('c')
  })

  test('what has none goes to everybody in turn', async () => {
    const { url } = await trafficTo('/ sticky=header:X-Tenant', [await named('a'), await named('b')])
    const names = [await ask(url), await ask(url), await ask(url), await ask(url)].map(({ name }) => name)
    expect(names.filter((name) => name === 'a')).toHaveLength(2)
  })

  test('a failure there sends the request on, and no cookie is set', async () => {
    const [a, b] = [await named('a'), await named('b')]
    const { url } = await trafficTo('/ sticky=header:X-Tenant', [a, b])
    const { name } = await ask(url, { 'X-Tenant': 'one' })
    await (name === 'a' ? a : b).close()
    expect(await ask(url, { 'X-Tenant': 'one' })).toMatchObject({ name: name === 'a' ? 'b' : 'a', line: '' })
  })
})

describe('sticky=address', () => {
  test('requests from one address go to one instance, and addresses are spread', async () => {
    const { url } = await trafficTo('/ sticky=address', [await named('a'), await named('b')])
    const names: string[] = []
    for (let i = 1; i <= 30; i++) {
      const address = `127.0.0.${i}`
      const first = await askFrom(address, url)
      expect(await askFrom(address, url)).toBe(first)
      names.push(first)
    }
    expect(new Set(names).size).toBe(2)
  })

  test('the address is the one that a trusted proxy names', async () => {
    const { url } = await trafficTo('/ sticky=address', [await named('a'), await named('b')], {
      handler: { trusted: [{ family: 'ipv4', address: '127.0.0.0', bits: 8 }] },
    })
    const by = async (client: string) => (await ask(url, { 'X-Forwarded-For': client })).name
    const names = []
    for (let i = 1; i <= 30; i++) {
      names.push(await by(`203.0.113.${i}`))
      expect(await by(`203.0.113.${i}`)).toBe(names.at(-1))
    }
    expect(new Set(names).size).toBe(2)
  })
})
