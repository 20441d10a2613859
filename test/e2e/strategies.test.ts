import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { closingAfterEach } from '../support/cleanups.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

const kept = closingAfterEach()

const named = (name: string): Promise<Origin> => kept(startOrigin((_message, response) => response.end(name)))

const routesTo = (route: string, ...origins: Origin[]) =>
  serviceRoutes('web', ...origins.map(({ url }) => definition('web', route, url)))

async function ask(url: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await (await request(url)).body.dump()
}

describe('strategy=least', () => {
  test('an instance that takes long gets fewer requests than one that does not', async () => {
    const slow = await kept(
      startOrigin((_message, response) => {
        setTimeout(() => response.end('slow'), 50)
      }),
    )
    const fast = await named('fast')
    const { url } = await kept(startTraffic([routesTo('/ strategy=least', slow, fast)]))
    await Promise.all(Array.from({ length: 10 }, () => ask(url, 20)))
    expect(slow.received.length + fast.received.length).toBe(200)
    // With equal parts it would be half of them.
    expect(slow.received.length).toBeLessThan(70)
  })

  test('is that of its route: another keeps proxy.strategy', async () => {
    const [a, b] = [await named('a'), await named('b')]
    const { url } = await kept(startTraffic([routesTo('/', a, b)], { strategy: 'rr' }))
    await ask(url, 10)
    expect([a.received.length, b.received.length]).toEqual([5, 5])
  })
})

describe('a slow start', () => {
  test('an instance that a deploy brings gets a tenth of its share at first, and the others theirs', async () => {
    const [old, fresh] = [await named('old'), await named('fresh')]
    const { url, traffic } = await kept(startTraffic([routesTo('/', old)], { care: { slowStart: 60_000 } }))
    await ask(url, 5)
    expect(old.received).toHaveLength(5)
    traffic.apply([routesTo('/', old, fresh)])
    await ask(url, 220)
    // A tenth of a half, of what is then given out: 1 in 11.
    expect(fresh.received.length).toBeGreaterThan(5)
    expect(fresh.received.length).toBeLessThan(50)
  })

  test('instances that are all new share as if they were not', async () => {
    const [one, two] = [await named('one'), await named('two')]
    const { url, traffic } = await kept(startTraffic([], { care: { slowStart: 60_000 } }))
    traffic.apply([routesTo('/', one, two)])
    await ask(url, 20)
    expect([one.received.length, two.received.length]).toEqual([10, 10])
  })
})
