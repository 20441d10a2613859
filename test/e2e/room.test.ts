import type { ServerResponse } from 'node:http'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { closingAfterEach } from '../support/cleanups.ts'
import { startOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'

const kept = closingAfterEach()

/** An instance that answers when it is told to, with its name and the path of the request. */
async function held(name: string) {
  const open: { response: ServerResponse; path: string }[] = []
  const figures = { most: 0 }
  const origin = await kept(
    startOrigin((message, response) => {
      open.push({ response, path: message.url! })
      figures.most = Math.max(figures.most, open.length)
      response.on('close', () => {
        const index = open.findIndex((each) => each.response === response)
        if (index !== -1) open.splice(index, 1)
      })
    }),
  )
  return {
    url: origin.url,
    open,
    figures,
    /** Answers the request that came first. */
    async release(): Promise<void> {
      await waitFor(() => open.length > 0, { what: `a request to ${name}` })
      const [first] = open.splice(0, 1)
      first!.response.end(`${name} ${first!.path}`)
    },
  }
}

type Started = Awaited<ReturnType<typeof startTraffic>>

const routesTo = (route: string, origins: readonly { url: string }[]) =>
  serviceRoutes('web', ...origins.map(({ url }) => definition('web', route, url)))

const trafficTo = (
  route: string,
  origins: readonly { url: string }[],
  more: Parameters<typeof startTraffic>[1] = {},
): Promise<Started> => kept(startTraffic([routesTo(route, origins)], more))

/** Until so many requests wait for an instance. */
const waiting = ({ traffic }: Started, count: number) =>
  waitFor(async () => (await traffic.metrics()).counts.waiting === count, {
    what: `${count} requests to wait`,
  })

async function get(url: string, headers: Record<string, string> = {}) {
  const answer = await request(url, { headers })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

/** Sends requests one after the other: each has arrived before the next one goes. */
async function sendInOrder(
  started: Started,
  paths: readonly string[],
  room: number,
  origin: { open: unknown[] },
) {
  const answers: ReturnType<typeof get>[] = []
  for (const [i, path] of paths.entries()) {
    answers.push(get(started.url + path))
    if (i < room) await waitFor(() => origin.open.length === i + 1, { what: `${path} to arrive` })
    else await waiting(started, i - room + 1)
  }
  return answers
}

describe('maxconn=', () => {
  test('an instance never has more requests than that: the others wait and go in the order in which they came', async () => {
    const one = await held('one')
    const started = await trafficTo('/ maxconn=2', [one])
    const paths = ['/1', '/2', '/3', '/4', '/5', '/6']
    const answers = await sendInOrder(started, paths, 2, one)
    const arrived: string[] = []
    for (const _path of paths) {
      await waitFor(() => one.open.length > 0, { what: 'a request' })
      arrived.push(one.open[0]!.path)
      await one.release()
    }
    expect(arrived).toEqual(paths)
    expect((await Promise.all(answers)).map(({ text }) => text)).toEqual(paths.map((path) => `one ${path}`))
    expect(one.figures.most).toBe(2)
    await waiting(started, 0)
  })

  test('whoever becomes free first gets the next one', async () => {
    const [one, two] = [await held('one'), await held('two')]
    const started = await trafficTo('/ maxconn=1', [one, two])
    const answers = [get(`${started.url}/1`), get(`${started.url}/2`)]
    await waitFor(() => one.open.length + two.open.length === 2, { what: 'one request each' })
    answers.push(get(`${started.url}/3`))
    await waiting(started, 1)
    await two.release()
    await waitFor(() => two.open[0]?.path === '/3', { what: 'the third at the second' })
    await two.release()
    await one.release()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test('more requests than may wait are answered at once', async () => {
    const one = await held('one')
    const started = await trafficTo('/ maxconn=1 maxqueue=1', [one])
    const answers = await sendInOrder(started, ['/1', '/2'], 1, one)
    const refused = await get(`${started.url}/3`)
    expect([refused.status, refused.headers['x-gatehouse-error'], refused.headers['retry-after']]).toEqual([
      503,
      'GW_BUSY',
      '1',
    ])
    await one.release()
    await one.release()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200])
  })

  test('with maxqueue=0 nobody waits', async () => {
    const one = await held('one')
    const started = await trafficTo('/ maxconn=1 maxqueue=0', [one])
    const [answer] = await sendInOrder(started, ['/1'], 1, one)
    expect((await get(`${started.url}/2`)).status).toBe(503)
    await one.release()
    expect((await answer!).status).toBe(200)
    const again = get(`${started.url}/3`)
    await one.release()
    expect((await again).status).toBe(200)
  })

  test('who has waited too long is answered, and has left the queue', async () => {
    const one = await held('one')
    const started = await trafficTo('/ maxconn=1 queuetimeout=100ms', [one])
    const [first] = await sendInOrder(started, ['/1'], 1, one)
    const late = await get(`${started.url}/2`)
    expect([late.status, late.headers['x-gatehouse-error']]).toEqual([503, 'GW_BUSY'])
    await waiting(started, 0)
    await one.release()
    expect((await first!).status).toBe(200)
    expect(one.open).toEqual([])
  })

  test('a client that goes away leaves the queue, and its instance never hears of it', async () => {
    const one = await held('one')
    const started = await trafficTo('/ maxconn=1', [one])
    const [first] = await sendInOrder(started, ['/1'], 1, one)
    const impatient = new RawClient(started.port).send('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
    await waiting(started, 1)
    const third = get(`${started.url}/3`)
    await waiting(started, 2)
    impatient.socket.resetAndDestroy()
    await waiting(started, 1)
    await one.release()
    await waitFor(() => one.open[0]?.path === '/3', { what: 'the third request' })
    await one.release()
    expect((await Promise.all([first!, third])).map(({ text }) => text)).toEqual(['one /1', 'one /3'])
  })

  test('who waits gets an instance that a deploy brings, and an answer when the route goes', async () => {
    const [one, two] = [await held('one'), await held('two')]
    const started = await trafficTo('/ maxconn=1', [one])
    const answers = await sendInOrder(started, ['/1', '/2', '/3'], 1, one)
    started.traffic.apply([routesTo('/ maxconn=1', [one, two])])
    await waitFor(() => two.open[0]?.path === '/2', { what: 'the second request at the new instance' })
    started.traffic.apply([routesTo('/', [])])
    expect((await answers[2]!).status).toBe(404)
    await one.release()
    await two.release()
    expect((await Promise.all(answers.slice(0, 2))).map(({ status }) => status)).toEqual([200, 200])
  })

  test('a limit that is taken away lets all go that waited for it', async () => {
    const one = await held('one')
    const started = await trafficTo('/ maxconn=1', [one])
    const answers = await sendInOrder(started, ['/1', '/2', '/3'], 1, one)
    started.traffic.apply([routesTo('/', [one])])
    await waitFor(() => one.open.length === 3, { what: 'all of them' })
    for (let i = 0; i < 3; i++) await one.release()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test('two routes to one instance count together, and whoever has waited longest goes first', async () => {
    const one = await held('one')
    const both = serviceRoutes(
      'web',
      definition('web', '/a maxconn=1', one.url),
      definition('web', '/b maxconn=1', one.url),
    )
    const started = await kept(startTraffic([both]))
    const answers = await sendInOrder(started, ['/a/1', '/b/2', '/a/3', '/b/4'], 1, one)
    for (const path of ['/a/1', '/b/2', '/a/3', '/b/4']) {
      await waitFor(() => one.open[0]?.path === path, { what: path })
      await one.release()
    }
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(one.figures.most).toBe(1)
  })

  test('a sticky client waits for its own instance, and keeps nobody from another that is free', async () => {
    const [one, two] = [await held('one'), await held('two')]
    const started = await trafficTo('/ maxconn=1 sticky=header:X-Who', [one, two])
    const ask = (who: string, path: string) => get(started.url + path, { 'x-who': who })
    // Which of them belongs where is the hash's business: find one of each.
    const home = new Map<string, string>()
    for (let i = 0; home.size < 2; i++) {
      const answer = ask(`who-${i}`, '/')
      const at = await waitFor(() => [one, two].find(({ open }) => open.length > 0), { what: 'a request' })
      await at!.release()
      home.set((await answer).text.split(' ')[0]!, `who-${i}`)
    }
    const first = ask(home.get('one')!, '/1')
    await waitFor(() => one.open.length === 1, { what: 'the first' })
    const second = ask(home.get('one')!, '/2')
    await waiting(started, 1)
    const third = ask(home.get('two')!, '/3')
    await waitFor(() => two.open.length === 1, { what: 'the third' })
    await two.release()
    await one.release()
    await one.release()
    const texts = (await Promise.all([first, second, third])).map(({ text }) => text)
    expect(texts).toEqual(['one /1', 'one /2', 'two /3'])
  })

  test('an instance that refuses gives its place back: the retry goes to another, or waits for it', async () => {
    const one = await held('one')
    const gone = await startOrigin((_message, response) => response.end())
    await gone.close()
    const started = await trafficTo('/ maxconn=1', [one, gone], { ejection: null })
    const answers = [get(`${started.url}/1`), get(`${started.url}/2`), get(`${started.url}/3`)]
    for (let i = 0; i < 3; i++) await one.release()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(one.figures.most).toBe(1)
    await waiting(started, 0)
  })

  test('the processes share a limit out among themselves, and each may have one', async () => {
    const one = await held('one')
    const started = await trafficTo('/ maxconn=3', [one], { worker: { number: 2, of: 2 } })
    const answers = await sendInOrder(started, ['/1', '/2', '/3'], 2, one)
    for (let i = 0; i < 3; i++) await one.release()
    await Promise.all(answers)
    expect(one.figures.most).toBe(2)
  })
})
