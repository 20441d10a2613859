import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import type { ExplanationView, TableView } from '../../src/admin/view.ts'
import { closingAfterEach } from '../support/cleanups.ts'
import { startTestGateway } from '../support/gateway.ts'
import { startOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'

const kept = closingAfterEach()

async function gatewayTo(routes: readonly string[], ...flags: string[]) {
  const gateway = await startTestGateway('http://127.0.0.1:1', [
    ...[
      '-registry.backend',
      'static',
      '-registry.static.routes',
      routes.join('\n'),
      '-proxy.shutdownwait',
      '0s',
    ],
    ...flags,
  ])
  await kept(Promise.resolve({ close: () => gateway.stop() }))
  const api = async <T>(path: string): Promise<T> =>
    (await (await request(gateway.adminUrl + path)).body.json()) as T
  return { ...gateway, api }
}

const answering = (status: number) =>
  kept(
    startOrigin((_message, response) => {
      response.statusCode = status
      response.end()
    }),
  )

describe('the admin API', () => {
  test('says of an instance that is ejected since when, why, and that the route does without it', async () => {
    const [good, bad] = [await answering(200), await answering(503)]
    const gateway = await gatewayTo([good, bad].map(({ url }) => `route add web / ${url}`))
    for (let i = 0; i < 12; i++) await (await request(gateway.url)).body.dump()
    const { routes } = await gateway.api<TableView>('/api/table')
    const targetOf = (url: string) => routes[0]!.targets.find((each) => each.url === url)!
    expect(targetOf(bad.url)).toMatchObject({ failures: 5, ejectedIn: 1, processes: 1, routed: true })
    const until = Date.parse(targetOf(bad.url).ejectedUntil!)
    expect(until - Date.now()).toBeGreaterThan(5_000)
    expect(until - Date.now()).toBeLessThanOrEqual(10_000)
    expect(targetOf(good.url)).not.toHaveProperty('ejectedUntil')
    const { targets } = await gateway.api<ExplanationView>('/api/explain?url=/')
    const why = Object.fromEntries(targets.map((each) => [each.url, each.why]))
    expect(why[good.url]).toBe('it gets 50 % of the requests')
    expect(why[bad.url]).toMatch(
      /^it gets 50 % of the requests; ejected after 5 failures in a row: it gets none before \S+Z, unless too few others are left$/,
    )
  })

  test('says what is in flight, and that a limit is reached', async () => {
    let release = (): void => {}
    const slow = await kept(
      startOrigin((_message, response) => {
        release = () => response.end()
      }),
    )
    const gateway = await gatewayTo([`route add web / ${slow.url} opts "maxconn=1"`])
    const answer = request(gateway.url)
    await waitFor(() => slow.received.length === 1, { what: 'the request' })
    const { targets } = await gateway.api<ExplanationView>('/api/explain?url=/')
    expect(targets).toMatchObject([
      { inFlight: 1, why: 'it gets 100 % of the requests; it has 1 of at most 1 now: what comes waits' },
    ])
    release()
    await (await answer).body.dump()
    expect((await gateway.api<TableView>('/api/table')).routes[0]!.targets[0]).not.toHaveProperty('inFlight')
  })

  test('says where a request belongs', async () => {
    const [a, b] = [await answering(200), await answering(200)]
    const opts = 'opts "sticky=cookie:place"'
    const gateway = await gatewayTo([a, b].map(({ url }) => `route add web / ${url} ${opts}`))
    const first = await request(gateway.url)
    await first.body.dump()
    const cookie = String(first.headers['set-cookie']).split(';')[0]!
    const home = a.received.length === 1 ? a : b
    const question = `/api/explain?url=/&header=${encodeURIComponent(`Cookie: ${cookie}`)}`
    const { targets } = await gateway.api<ExplanationView>(question)
    for (const { url, why } of targets) {
      expect(why).toContain(url === home.url ? 'this one belongs here' : 'this one belongs to another')
    }
  })
})
