import { type AddressInfo, createServer } from 'node:net'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { closingAfterEach } from '../support/cleanups.ts'
import { type Origin, startOrigin, startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'

const kept = closingAfterEach()

const named = (name: string): Promise<Origin> => kept(startOrigin((_message, response) => response.end(name)))

/** The URL of a port on which nobody listens. */
async function refusingUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}/`
}

/** How often each answer came. */
async function answersOf(url: string, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const answer = await request(url)
    const key = answer.statusCode === 200 ? await answer.body.text() : String(answer.statusCode)
    if (answer.statusCode !== 200) await answer.body.dump()
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

/** What a gateway does about instances in trouble, whatever speaks to them. */
export function ejection(upstreamClient: 'wire' | 'undici'): void {
  const trafficTo = (
    urls: readonly string[],
    more: Parameters<typeof startTraffic>[1] & { route?: string } = {},
  ) => {
    const { route = '/', ...rest } = more
    const routes = [serviceRoutes('web', ...urls.map((url) => definition('web', route, url)))]
    const quick = { failures: 3, time: 200 }
    return kept(startTraffic(routes, { upstreamClient, ejection: quick, ...rest }))
  }

  describe('an instance that', () => {
    test('refuses connections costs nobody a request, is ejected, and back once it listens and a probe is answered', async () => {
      const [a, b] = [await named('a'), await named('b')]
      const gone = await refusingUrl()
      const { url, log } = await trafficTo([a.url, b.url, gone])
      expect(Object.keys(await answersOf(url, 12)).toSorted()).toEqual(['a', 'b'])
      expect(log.of('ejected')).toHaveLength(1)
      expect(log.of('ejected')[0]).toContain(
        `${gone.slice(0, -1)} gets nothing for 0.2 s: 3 failures in a row: `,
      )
      const server = await kept(
        startOrigin((_message, response) => response.end('c'), '127.0.0.1', Number(new URL(gone).port)),
      )
      await waitFor(async () => (await answersOf(url, 3)).c === 1, {
        what: 'a share for the one that is back',
      })
      expect(log.of('returned')).toHaveLength(1)
      expect(server.received.length).toBeGreaterThan(0)
    })

    test('goes on refusing is probed by one request each time, which another instance then answers', async () => {
      const a = await named('a')
      const { url, log } = await trafficTo([a.url, await refusingUrl()])
      await waitFor(
        async () => {
          expect(Object.keys(await answersOf(url, 4))).toEqual(['a'])
          return log.of('ejected').length >= 3
        },
        { what: 'two probes' },
      )
      const times = log
        .of('ejected')
        .map((line) => /for (.*?) s: (\d failures|its probe)/.exec(line)!.slice(1, 3))
      expect(times.slice(0, 3)).toEqual([
        ['0.2', '3 failures'],
        ['0.4', 'its probe'],
        ['0.8', 'its probe'],
      ])
    })

    test('resets connections before it answers is ejected', async () => {
      const a = await named('a')
      const bad = await kept(startRawOrigin((socket) => socket.once('data', () => socket.resetAndDestroy())))
      const { url, log } = await trafficTo([a.url, bad.url])
      // To repeat a GET is safe.
      expect(await answersOf(url, 20)).toEqual({ a: 20 })
      expect(log.of('ejected')).toHaveLength(1)
      expect(bad.sockets).toHaveLength(3)
    })

    test.each([502, 503, 504])('answers %d is ejected', async (status) => {
      const a = await named('a')
      const bad = await kept(
        startOrigin((_message, response) => {
          response.statusCode = status
          response.end()
        }),
      )
      const { url, log } = await trafficTo([a.url, bad.url], { ejection: { failures: 3, time: 60_000 } })
      expect(await answersOf(url, 20)).toEqual({ a: 17, [status]: 3 })
      expect(log.of('ejected')[0]).toContain(`3 failures in a row: answered ${status}`)
    })

    test('answers 500 is not', async () => {
      const a = await named('a')
      const bad = await kept(
        startOrigin((_message, response) => {
          response.statusCode = 500
          response.end()
        }),
      )
      const { url, log } = await trafficTo([a.url, bad.url])
      expect(await answersOf(url, 20)).toEqual({ a: 10, 500: 10 })
      expect(log.of('ejected')).toEqual([])
    })

    test('answers 503 now and then is not', async () => {
      const a = await named('a')
      let count = 0
      const moody = await kept(
        startOrigin((_message, response) => {
          response.statusCode = ++count % 3 === 0 ? 200 : 503
          response.end('moody')
        }),
      )
      const { url, log } = await trafficTo([a.url, moody.url])
      expect(await answersOf(url, 24)).toEqual({ a: 12, 503: 8, moody: 4 })
      expect(log.of('ejected')).toEqual([])
    })

    test('takes requests and does not answer is ejected, where there is a time limit', async () => {
      const a = await named('a')
      const silent = await kept(startRawOrigin((socket) => socket.resume()))
      const { url, log } = await trafficTo([a.url, silent.url], {
        route: '/ headertimeout=50ms',
        ejection: { failures: 3, time: 60_000 },
      })
      expect(await answersOf(url, 12)).toEqual({ a: 9, 504: 3 })
      expect(log.of('ejected')[0]).toMatch(/no answer within 50 ms|Headers Timeout/)
    })

    test('takes longer than the whole request may is ejected as well', async () => {
      const a = await named('a')
      const silent = await kept(startRawOrigin((socket) => socket.resume()))
      const { url, log } = await trafficTo([a.url, silent.url], {
        route: '/ timeout=50ms',
        ejection: { failures: 3, time: 60_000 },
      })
      expect(await answersOf(url, 12)).toEqual({ a: 9, 504: 3 })
      expect(log.of('ejected')).toHaveLength(1)
    })

    test('is left by its clients before it answers is not ejected for that', async () => {
      let asked = 0
      let left = 0
      const silent = () =>
        kept(
          startRawOrigin((socket) => {
            // undici opens a connection in advance for the one that was cut.
            socket.once('data', () => {
              asked++
              socket.once('close', () => left++)
            })
          }),
        )
      const { port, log } = await trafficTo([(await silent()).url, (await silent()).url])
      for (let i = 1; i <= 8; i++) {
        const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        await waitFor(() => asked === i, { what: 'the request to arrive' })
        client.socket.resetAndDestroy()
        await waitFor(() => left === i, { what: 'the abort' })
      }
      expect(log.lines.filter((line) => line.includes('eject'))).toEqual([])
    })
  })

  describe('the last instance of a route', () => {
    test('is never ejected: what it does is all there is', async () => {
      let count = 0
      const only = await kept(
        startOrigin((_message, response) => {
          response.statusCode = ++count > 8 ? 200 : 503
          response.end('only')
        }),
      )
      const { url, log } = await trafficTo([only.url])
      expect(await answersOf(url, 10)).toEqual({ 503: 8, only: 2 })
      expect(log.of('ejected')).toEqual([])
      expect(log.of('not-ejected')).toHaveLength(1)
    })

    test('serves on while all others are ejected', async () => {
      const [one, two] = [await refusingUrl(), await refusingUrl()]
      const { url, log } = await trafficTo([one, two])
      expect(await answersOf(url, 10)).toEqual({ 502: 10 })
      expect(log.of('ejected')).toHaveLength(1)
      expect(log.of('not-ejected')).toHaveLength(1)
    })
  })

  test('an ejection outlives the tables: a deploy of others does not bring the ejected one back', async () => {
    const a = await named('a')
    const gone = await refusingUrl()
    const { url, log, traffic } = await trafficTo([a.url, gone], { ejection: { failures: 3, time: 60_000 } })
    await answersOf(url, 8)
    expect(log.of('ejected')).toHaveLength(1)
    const b = await named('b')
    traffic.apply([serviceRoutes('web', ...[a.url, b.url, gone].map((to) => definition('web', '/', to)))])
    expect(await answersOf(url, 8)).toEqual({ a: 4, b: 4 })
    expect(log.lines.filter((line) => line.includes('retry'))).toHaveLength(3)
  })

  test('with ejection off nobody is ejected, and retries alone hide the one that refuses', async () => {
    const a = await named('a')
    const { url, log } = await trafficTo([a.url, await refusingUrl()], { ejection: null })
    expect(await answersOf(url, 20)).toEqual({ a: 20 })
    expect(log.of('retry')).toHaveLength(10)
    expect(log.of('ejected')).toEqual([])
  })
}
