import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { startOrigin, startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function trafficTo(
  tags: [route: string, url: string][],
  more: Parameters<typeof startTraffic>[1] = {},
) {
  const routes = tags.map(([route, url]) => definition('web', route, url))
  const started = await startTraffic([serviceRoutes('web', ...routes)], more)
  cleanups.push(() => started.close())
  return started
}

async function origin(...args: Parameters<typeof startOrigin>) {
  const started = await startOrigin(...args)
  cleanups.push(() => started.close())
  return started
}

async function rawOrigin(...args: Parameters<typeof startRawOrigin>) {
  const started = await startRawOrigin(...args)
  cleanups.push(() => started.close())
  return started
}

/** A port at which nobody answers: a server that is gone again. */
async function refusingUrl(): Promise<string> {
  const gone = await startOrigin(() => {})
  await gone.close()
  return gone.url
}

const silent = () => rawOrigin((socket) => void socket.resume())

describe('a redirect', () => {
  test('is answered without asking anybody, and what is wider serves where it leads', async () => {
    const web = await origin((_message, response) => response.end('served'))
    const { url, port } = await trafficTo([
      ['shop.test:80/ redirect=301,https://shop.test$path', web.url],
      ['/', web.url],
    ])
    const at = (path: string, proto: string) =>
      request(url + path, { headers: { host: 'shop.test', 'x-forwarded-proto': proto } })
    const sentOn = await at('/a?b=c', 'http')
    expect([sentOn.statusCode, sentOn.headers.location]).toEqual([301, 'https://shop.test/a?b=c'])
    await sentOn.body.dump()
    expect(web.received).toHaveLength(0)
    const served = await at('/a', 'https')
    expect(await served.body.text()).toBe('served')
    const client = new RawClient(port)
    cleanups.push(() => client.close())
    // A kept connection goes on behind it.
    client.send('GET /x HTTP/1.1\r\nHost: shop.test\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n')
    await client.until('served')
  })
})

describe('a route with time limits of its own', () => {
  test('timeout= ends a request that nobody answers with 504, and the upstream hears of it', async () => {
    const web = await silent()
    const { url } = await trafficTo([['/ timeout=150ms', web.url]])
    const answer = await request(url)
    expect([answer.statusCode, answer.headers['x-gatehouse-error']]).toEqual([504, 'GW_ANSWER_TIMEOUT'])
    await expect.poll(() => web.sockets[0]!.destroyed || web.sockets[0]!.readableEnded).toBe(true)
  })

  test('timeout= cuts an answer that has begun: it does not look whole', async () => {
    const web = await origin((_message, response) => response.write('some of it'))
    const { url } = await trafficTo([['/ timeout=150ms', web.url]])
    const answer = await request(url)
    await expect(answer.body.text()).rejects.toThrow()
  })

  test('headertimeout= counts for this route alone', async () => {
    const web = await silent()
    const { url } = await trafficTo([['/ headertimeout=100ms', web.url]], {
      upstream: { headTimeout: 60_000 },
    })
    const answer = await request(url)
    expect([answer.statusCode, answer.headers['x-gatehouse-error']]).toEqual([504, 'GW_HEAD_TIMEOUT'])
  })

  test('idletimeout= ends an answer that stands still, and not one that moves', async () => {
    const web = await origin((message, response) => {
      response.write('begun')
      if (message.url !== '/moving') return
      let left = 6
      const timer = setInterval(() => {
        response.write('.')
        if (--left === 0) {
          clearInterval(timer)
          response.end('done')
        }
      }, 60)
    })
    const { url } = await trafficTo([['/ idletimeout=200ms', web.url]])
    const moving = await request(`${url}/moving`)
    expect(await moving.body.text()).toBe('begun......done')
    const still = await request(`${url}/still`)
    await expect(still.body.text()).rejects.toThrow()
  })

  test('connecttimeout= gives up a port that accepts nobody, and another instance is asked', async () => {
    // A full backlog: the system takes no more connections, and says nothing.
    const web = await origin((_message, response) => response.end('other'))
    const full = await fullBacklog()
    const { url } = await trafficTo([
      ['/ connecttimeout=150ms', full],
      ['/ connecttimeout=150ms', web.url],
    ])
    for (let i = 0; i < 2; i++) {
      const answer = await request(url)
      expect([answer.statusCode, await answer.body.text()]).toEqual([200, 'other'])
    }
  })
})

/** The URL of a port whose queue of connections is full: its process has been stopped. */
async function fullBacklog(): Promise<string> {
  const program =
    "const s = require('node:net').createServer(); s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))"
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanups.push(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  child.kill('SIGSTOP')
  const port = Number(line.toString())
  const held = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  cleanups.push(() => held.forEach((socket) => void socket.destroy()))
  return `http://127.0.0.1:${port}/`
}

describe('maxbody= of a route', () => {
  test('refuses a larger body by its length, and by what comes where that is not said', async () => {
    const web = await origin((message, response) => {
      message.resume().on('end', () => response.end('ok'))
    })
    const { url, port } = await trafficTo([['/ maxbody=10', web.url]])
    const fits = await request(url, { method: 'POST', body: '0123456789' })
    expect(fits.statusCode).toBe(200)
    const stated = await request(url, { method: 'POST', body: '0123456789x' })
    expect([stated.statusCode, stated.headers['x-gatehouse-error']]).toEqual([413, 'GW_BODY_TOO_LARGE'])
    const client = new RawClient(port)
    cleanups.push(() => client.close())
    client.send(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789x\r\n0\r\n\r\n',
    )
    expect(await client.untilClosed()).toMatch(/^HTTP\/1.1 413 /)
  })
})

describe('another attempt', () => {
  test('of a PUT whose kept connection died sends its body again', async () => {
    // The first connection serves one request, takes the head of the next, and dies.
    let connections = 0
    const bodies: string[] = []
    const web = await rawOrigin((socket) => {
      const isFirst = ++connections === 1
      let served = 0
      socket.on('data', (chunk) => {
        const text = chunk.toString('latin1')
        if (isFirst && served === 1) {
          socket.destroy()
          return
        }
        served++
        bodies.push(text.slice(text.indexOf('\r\n\r\n') + 4))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    })
    const { url } = await trafficTo([['/', web.url]])
    await request(url, { method: 'PUT', body: 'first' }).then((answer) => answer.body.dump())
    const answer = await request(url, { method: 'PUT', body: 'second' })
    expect([answer.statusCode, await answer.body.text()]).toEqual([200, 'ok'])
    expect([connections, bodies]).toEqual([2, ['first', 'second']])
  })

  // Both kept connections were closed as the instance restarted: the second attempt on the other of them lost the GET.
  test('goes out on a new connection, whatever kept ones there are', async () => {
    let connections = 0
    const web = await rawOrigin((socket) => {
      const isOld = ++connections <= 2
      let served = 0
      socket.on('data', (chunk) => {
        if (isOld && served === 1) {
          socket.destroy()
          return
        }
        served++
        const answer = (): boolean => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        if (chunk.includes('/slow')) setTimeout(answer, 50)
        else answer()
      })
    })
    const { url } = await trafficTo([['/', web.url]])
    const two = await Promise.all([request(`${url}/slow`), request(`${url}/slow`)])
    for (const answer of two) await answer.body.dump()
    const answer = await request(url)
    expect([answer.statusCode, await answer.body.text(), connections]).toEqual([200, 'ok', 3])
  })

  test('is not needed for a POST that gets a connection of its own: proxy.upstream.reuse = safe', async () => {
    let connections = 0
    const web = await rawOrigin((socket) => {
      connections++
      let served = 0
      // It dies with the second request on it.
      socket.on('data', () =>
        ++served === 1 ? socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') : socket.destroy(),
      )
    })
    const { url } = await trafficTo([['/', web.url]], { upstream: { reuse: 'safe' } })
    for (let i = 0; i < 3; i++) {
      const answer = await request(url, { method: 'POST', body: 'x' })
      expect([answer.statusCode, await answer.body.text()]).toEqual([200, 'ok'])
    }
    expect(connections).toBe(3)
  })

  test('is not made with retry=0', async () => {
    const web = await origin((_message, response) => response.end('ok'))
    const { url } = await trafficTo([
      ['/ retry=0', await refusingUrl()],
      ['/ retry=0', web.url],
    ])
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) {
      const answer = await request(url)
      await answer.body.dump()
      statuses.push(answer.statusCode)
    }
    expect(statuses.filter((status) => status === 502).length).toBeGreaterThan(0)
  })

  test('is not made when the budget is spent: instances in trouble are not asked twice as much', async () => {
    let asked = 0
    const dying = await rawOrigin((socket) => {
      socket.on('data', () => {
        asked++
        socket.resetAndDestroy()
      })
    })
    const { url } = await trafficTo([['/', dying.url]], {
      handler: { retryBudget: { share: 0.5, minimum: 0 } },
    })
    for (let i = 0; i < 8; i++) {
      const answer = await request(url)
      expect([answer.statusCode, answer.headers['x-gatehouse-error']]).toEqual([502, 'GW_RESET'])
      await answer.body.dump()
    }
    expect(asked).toBe(8 + 4)
  })

  test('needs no budget where nothing was sent', async () => {
    const web = await origin((_message, response) => response.end('ok'))
    const { url } = await trafficTo(
      [
        ['/', await refusingUrl()],
        ['/', web.url],
      ],
      { handler: { retryBudget: { share: 0, minimum: 0 } } },
    )
    for (let i = 0; i < 4; i++) expect((await request(url, { method: 'POST' })).statusCode).toBe(200)
  })

  test('never goes to a route whose guards have not been asked', async () => {
    const web = await origin((_message, response) => response.end('secret'))
    const { traffic, url } = await trafficTo([['/', await refusingUrl()]], {
      handler: { retryBudget: { share: 1, minimum: 9 } },
    })
    // The same source gets another target with a rule of its own while the first is being asked.
    const answer = request(url)
    traffic.apply([serviceRoutes('web', definition('web', '/ deny=ip:127.0.0.1', web.url))])
    expect([403, 502, 503]).toContain((await answer).statusCode)
    expect(web.received).toHaveLength(0)
  })
})

test('the query of a destination goes to the instance, before the client’s own', async () => {
  const web = await origin((message, response) => response.end(message.url))
  const { url } = await trafficTo([['/', `${web.url}/ignored?key=1`]])
  expect(await (await request(`${url}/a?b=c`)).body.text()).toBe('/a?key=1&b=c')
  expect(await (await request(`${url}/a`)).body.text()).toBe('/a?key=1')
})

describe('an error', () => {
  test.each([
    ['text/html,application/xhtml+xml,*/*;q=0.8', /^text\/html/, /<h1>404 Not Found<\/h1><p>No route\.<\/p>/],
    [
      'application/json',
      /^application\/json/,
      /^\{"error":\{"code":"GW_NO_ROUTE","status":404,"message":"no route"/,
    ],
    ['application/problem+json, text/html;q=0', /^application\/json/, /"requestId":"id"/],
    ['*/*', /^text\/plain/, /^no route\n$/],
  ])('is told to a client that accepts %s in its own form', async (accept, type, body) => {
    const { url } = await trafficTo([])
    const answer = await request(url, { headers: { accept } })
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toMatch(type)
    expect(answer.headers['x-gatehouse-error']).toBe('GW_NO_ROUTE')
    expect(answer.headers['x-request-id']).toBe('id')
    expect(await answer.body.text()).toMatch(body)
  })

  test('has the operator’s own page, by status or by class', async () => {
    const pages = { '404': '<p>mine</p>', '5xx': '<p>ours</p>' }
    const { url } = await trafficTo([['shop.test/', await refusingUrl()]], { handler: { errorPages: pages } })
    const missing = await request(url)
    expect(await missing.body.text()).toBe('<p>mine</p>')
    const failed = await request(url, { headers: { host: 'shop.test' } })
    expect([failed.statusCode, await failed.body.text()]).toEqual([502, '<p>ours</p>'])
  })
})
