import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { startConsul } from '../support/consul.ts'
import { startTestGateway } from '../support/gateway.ts'
import { startOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(flags: readonly string[] = []) {
  const consul = await startConsul()
  cleanups.push(() => consul.stop())
  const web = await startOrigin((message, response) => response.end(`web ${message.url}`))
  const other = await startOrigin((message, response) => response.end(`other ${message.url}`))
  cleanups.push(
    () => web.close(),
    () => other.close(),
  )
  const put = async (path: string, body: string): Promise<void> => {
    const answer = await request(consul.url + path, { method: 'PUT', body })
    expect([path, answer.statusCode]).toEqual([path, 200])
    await answer.body.dump()
  }
  await put(
    '/v1/agent/service/register',
    JSON.stringify({
      Name: 'web',
      Address: '127.0.0.1',
      Port: web.port,
      Tags: ['urlprefix-/'],
      Check: { TTL: '600s', Status: 'passing' },
    }),
  )
  const gateway = await startTestGateway(consul.url, flags)
  cleanups.push(() => gateway.stop())
  const ask = async (path: string): Promise<string> => {
    const answer = await request(gateway.url + path)
    return `${answer.statusCode} ${await answer.body.text()}`
  }
  const until = (what: string, condition: () => boolean | Promise<boolean>) =>
    waitFor(condition, { what, deadline: 5_000 })
  return { consul, gateway, web, other, put, ask, until }
}

describe('manual overrides in Consul’s KV store', () => {
  test('add, re-weight and take away routes, over all sub-keys, and a bad line costs only itself', async () => {
    const { put, ask, until, other, web, gateway } = await start()
    await put('/v1/kv/fabio/config', `# by hand\nroute add manual /manual ${other.url}\nroute add broken`)
    await until('the route', async () => (await ask('/manual')) === '200 other /manual')
    expect(await ask('/x')).toBe('200 web /x')
    const { problems } = gateway.gateway.control.table()
    expect(problems).toEqual([
      expect.objectContaining({
        text: 'route add broken',
        reason: expect.stringContaining('fabio/config: line 3: '),
      }),
    ])

    await put('/v1/kv/fabio/config/canary', `route add web / ${other.url} weight 0.25`)
    await until('the canary', async () => (await ask('/y')).includes('other'))
    const answers = new Map<string, number>()
    for (let i = 0; i < 40; i++) {
      const who = (await ask('/z')).split(' ')[1]!
      answers.set(who, (answers.get(who) ?? 0) + 1)
    }
    expect(Object.fromEntries(answers)).toEqual({ web: 30, other: 10 })

    await put('/v1/kv/fabio/config/zz', `route del web / ${web.url}`)
    await until('the service’s own route to be gone', async () => {
      for (let i = 0; i < 4; i++) if ((await ask('/z')).includes('web')) return false
      return true
    })
    // A key that only begins with the same letters is none of ours.
    await put('/v1/kv/fabio/config-old', `route add old /old ${other.url}`)
    await put('/v1/kv/fabio/config', '')
    const paths = () => gateway.gateway.control.table().routes.map(({ path }) => path)
    await until('the manual route to be gone', () => !paths().includes('/manual'))
    expect(paths()).not.toContain('/old')
  })
})

describe('the page for requests without a route', () => {
  test('comes from Consul’s KV store, is HTML, and goes when its key goes', async () => {
    const { consul, put, ask, until } = await start()
    await put(
      '/v1/agent/service/register',
      JSON.stringify({ Name: 'web', Port: 1, Tags: [], Check: { TTL: '600s', Status: 'passing' } }),
    )
    await put('/v1/kv/fabio/noroute.html', '<h1>nothing here</h1>')
    await until('the page', async () => (await ask('/')) === '404 <h1>nothing here</h1>')
    await request(`${consul.url}/v1/kv/fabio/noroute.html`, { method: 'DELETE' }).then((answer) =>
      answer.body.dump(),
    )
    await until('the page to be gone', async () => (await ask('/')) === '404 no route\n')
  })
})

describe('the gateway’s own entry', () => {
  test('is in Consul with its check while it serves, and gone before it stops', async () => {
    const { consul, gateway, until } = await start(['-registry.consul.register.name', 'gate'])
    const health = async () => {
      const answer = await request(`${consul.url}/v1/health/service/gate`)
      return (await answer.body.json()) as { Checks: { CheckID: string; Status: string }[] }[]
    }
    await until('its check to pass', async () => {
      const [entry] = await health()
      return entry?.Checks.every(({ Status }) => Status === 'passing') === true
    })
    await gateway.stop()
    expect(await health()).toEqual([])
  })

  test('is not made with registry.consul.register.enabled = false', async () => {
    const { consul } = await start(['-registry.consul.register.enabled=false'])
    const answer = await request(`${consul.url}/v1/catalog/services`)
    expect(Object.keys((await answer.body.json()) as object).sort()).toEqual(['consul', 'web'])
  })

  test('has the names that register= options ask for, too', async () => {
    const { consul, put, until, web } = await start()
    const names = async () => {
      const answer = await request(`${consul.url}/v1/catalog/services`)
      return Object.keys((await answer.body.json()) as object)
    }
    await put('/v1/kv/fabio/config', `route add web /alias ${web.url} opts "register=alias-a"`)
    await until('the alias', async () => (await names()).includes('alias-a'))
    await put('/v1/kv/fabio/config', '')
    await until('the alias to be gone', async () => !(await names()).includes('alias-a'))
  })
})
