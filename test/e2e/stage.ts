import { request } from 'undici'
import { type Clock, systemClock, systemWorld } from '../../src/base/world.ts'
import { startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Origin, startOrigin } from '../support/origin.ts'

/** A gateway as it may be found on a working day: services, some of them unwell, and traffic through all of them. */
export interface Stage {
  readonly clock: Clock
  readonly gateway: TestGateway
  readonly registryUrl: string
  /** Sends a PUT to the registry; a body that is no text is sent as JSON. */
  put(path: string, body: unknown): Promise<void>
  /** Keeps requests coming until the stage is closed. */
  startTraffic(): void
  close(): Promise<void>
}

interface Cast {
  readonly service: string
  readonly instances: number
  /** Median of its answers, milliseconds. */
  readonly takes: number
  /** Part of its answers that are 500. */
  readonly fails: number
  readonly tags: readonly string[]
}

const cast: readonly Cast[] = [
  {
    service: 'shop',
    instances: 3,
    takes: 12,
    fails: 0,
    tags: ['urlprefix-shop.example.com/', 'urlprefix-shop.example.com/cart strip=/cart', 'v2'],
  },
  {
    service: 'orders',
    instances: 2,
    takes: 40,
    fails: 0.02,
    tags: ['urlprefix-api.example.com/v1/orders', 'v1'],
  },
  { service: 'search', instances: 2, takes: 90, fails: 0, tags: ['urlprefix-api.example.com/v1/search'] },
  {
    service: 'accounts',
    instances: 2,
    takes: 8,
    fails: 0,
    tags: ['urlprefix-api.example.com/v1/accounts', 'blue'],
  },
  { service: 'docs', instances: 1, takes: 2, fails: 0, tags: ['urlprefix-*.docs.example.com/'] },
  { service: 'status', instances: 1, takes: 1, fails: 0, tags: ['urlprefix-/status'] },
]

/** What is asked for, each about as often as it stands here. */
const asked: readonly (readonly [host: string, path: string])[] = [
  ['shop.example.com', '/'],
  ['shop.example.com', '/'],
  ['shop.example.com', '/products/7'],
  ['shop.example.com', '/cart/items'],
  ['api.example.com', '/v1/orders'],
  ['api.example.com', '/v1/orders/12'],
  ['api.example.com', '/v1/search?q=shoes'],
  ['api.example.com', '/v1/accounts/me'],
  ['api.example.com', '/v1/accounts/me'],
  ['de.docs.example.com', '/start'],
  ['any.example', '/status'],
  ['old.example.com', '/gone'],
]

/**
 * @param flags of the gateway
 * @param assets the folder of the built page
 * @param version that the gateway says it is of
 */
export async function startStage(flags: readonly string[], assets: string, version?: string): Promise<Stage> {
  const registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  const origins: Origin[] = []
  const put = async (path: string, body: unknown): Promise<void> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await request(registry.url + path, { method: 'PUT', body: text })
    if (answer.statusCode !== 200) throw new Error(`${path}: expected 200, got ${answer.statusCode}`)
    await answer.body.dump()
  }
  for (const { service, instances, takes, fails, tags } of cast) {
    for (let number = 1; number <= instances; number++) {
      const origin = await startOrigin((_message, response) => {
        // Mostly near the median, now and then far above.
        const ms = takes * (0.5 + Math.random()) * (Math.random() < 0.03 ? 6 : 1)
        setTimeout(() => {
          response.statusCode = Math.random() < fails ? 500 : 200
          response.end(service)
        }, ms)
      })
      origins.push(origin)
      await put('/v1/agent/service/register', {
        ID: `${service}-${number}`,
        Name: service,
        Address: '127.0.0.1',
        Port: origin.port,
        Tags: tags,
        Check: {
          CheckID: `${service}-${number}`,
          Name: `${service} answers`,
          TTL: '600s',
          Status: 'passing',
        },
      })
    }
  }
  const gateway = await startTestGateway(
    registry.url,
    ['-registry.consul.register.enabled=false', ...flags],
    assets,
    version,
  )

  let isOver = false
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const [host, path] = asked[Math.floor(Math.random() * asked.length)]!
      const answer = await request(gateway.url + path, { headers: { host } }).catch(() => null)
      await answer?.body.dump().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60))
    }
  }
  const asking: Promise<void>[] = []
  return {
    clock: systemClock,
    gateway,
    registryUrl: registry.url,
    put,
    startTraffic() {
      for (let client = 0; client < 6; client++) asking.push(ask())
    },
    async close() {
      isOver = true
      await Promise.all(asking)
      await gateway.stop()
      await Promise.all(origins.map((origin) => origin.close()))
      await registry.close()
    },
  }
}

/** What goes wrong on that day: a check that fails, tags with mistakes, an override, an instance in maintenance. */
export async function letThingsHappen({ put }: Stage): Promise<void> {
  await put(
    '/v1/agent/check/fail/search-2?note=HTTP+GET+http%3A%2F%2F127.0.0.1%2Fhealth%3A+503+index+is+being+rebuilt',
    '',
  )
  await put('/v1/kv/fabio/config', 'route weight shop shop.example.com/ weight 0.05 tags "v2"')
  await put(
    '/v1/kv/fabio/config/team-a',
    '# the old shop, until its links are gone\nroute add shop-old old-shop.example.com/ http://127.0.0.1:1/\nroute weight nobody /x weight 0.5',
  )
  // Where nobody listens, and each at an address of its own: what traffic learns of one is not said of another.
  let port = 0
  const register = (id: string, tags: readonly string[], status = 'passing') =>
    put('/v1/agent/service/register', {
      ID: id,
      Name: id.replace(/-\d+$/, ''),
      Address: '127.0.0.1',
      Port: ++port,
      Tags: tags,
      Check: { CheckID: id, Name: `${id} answers`, TTL: '600s', Status: status },
    })
  await register('billing-1', ['urlprefix-api.example.com/v1/billing weight=half'])
  // It refuses connections whatever its check says: traffic ejects it.
  await register('orders-3', ['urlprefix-api.example.com/v1/orders', 'v1'])
  await register('legacy-1', ['urlprefix-[legacy/'])
  await register('mail-1', ['urlprefix-mail.example.com/'], 'critical')
  await register('accounts-3', ['urlprefix-api.example.com/v1/accounts', 'green'], 'warning')
  await put('/v1/agent/service/maintenance/accounts-2?enable=true&reason=moving+to+another+rack', '')
}
