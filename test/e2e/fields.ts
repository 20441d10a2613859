import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { startOrigin, startRawOrigin } from '../support/origin.ts'
import { planOptions } from '../support/plan.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

/** What is written over the fields of requests and answers, whatever speaks to the instances. */
export function fields(upstreamClient: 'wire' | 'undici'): void {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  const trafficTo = async (route: string, url: string, more: Parameters<typeof startTraffic>[1] = {}) => {
    const started = await startTraffic([serviceRoutes('web', definition('web', route, url))], {
      upstreamClient,
      ...more,
    })
    cleanups.push(() => started.close())
    return started
  }

  describe(`with ${upstreamClient}`, () => {
    test('an instance gets the fields that are set, and the client too', async () => {
      const web = await startOrigin((_message, response) => {
        response.writeHead(200, { Server: 'x/1', 'X-Frame-Options': 'ALLOW', 'Set-Cookie': ['a=1'] })
        response.end('ok')
      })
      cleanups.push(() => web.close())
      const { url } = await trafficTo(
        '/ header.request.set=X-Env:prod%201 header.request.remove=Cookie header.response.remove=Server header.response.set=X-Frame-Options:DENY header.response.add=Set-Cookie:b=2',
        web.url,
      )
      const answer = await request(url, { headers: { 'X-ENV': 'forged', Cookie: 'secret' } })
      expect(await answer.body.text()).toBe('ok')
      expect(answer.headers).toMatchObject({ 'x-frame-options': 'DENY', 'set-cookie': ['a=1', 'b=2'] })
      expect(answer.headers.server).toBeUndefined()
      expect(web.received[0]!.headers).toMatchObject({ 'x-env': 'prod 1' })
      expect(web.received[0]!.headers.cookie).toBeUndefined()
    })

    // The path was written as it stood in the tag, and heads are written as latin1: of U+010D and U+010A were left CR
    // and LF. The instance got the field X-Admin from the gateway.
    test('an instance is told of strip= on one line, whatever the tag says', async () => {
      const web = await startOrigin((_message, response) => response.end('ok'))
      cleanups.push(() => web.close())
      const { url } = await trafficTo('/ strip=/für\u010d\u010aX-Admin:yes', web.url)
      await (await request(url)).body.text()
      expect(web.received[0]!.headers).toMatchObject({
        'x-forwarded-prefix': '/f%C3%BCr%C4%8D%C4%8AX-Admin:yes',
      })
      expect(web.received[0]!.headers['x-admin']).toBeUndefined()
    })

    test('Date, hints and trailers are as without any change', async () => {
      const web = await startRawOrigin((socket) => {
        socket.on('data', () =>
          socket.write(
            'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVary: X-A\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n',
          ),
        )
      })
      cleanups.push(() => web.close())
      const { port } = await trafficTo('/ header.response.set=X-A:1', web.url)
      const client = new RawClient(port)
      cleanups.push(() => client.close())
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const received = await client.until('X-Sum: 42\r\n\r\n')
      expect(received).toMatch(/^HTTP\/1.1 103 Early Hints\r\nLink: <\/a.css>\r\n\r\nHTTP\/1.1 200 OK\r\n/)
      expect(received.match(/^X-A: 1\r$/gm)).toHaveLength(1)
      expect(received.match(/^Date: /gm)).toHaveLength(1)
      expect(received.match(/^Vary: X-A\r$/gm)).toHaveLength(1)
    })

    test('a preflight is answered here, the connection goes on, and the request that follows reaches the instance', async () => {
      const web = await startOrigin((message, response) => {
        response.writeHead(200, { 'Access-Control-Allow-Origin': '*', Vary: 'Accept' })
        response.end(message.method)
      })
      cleanups.push(() => web.close())
      const { port } = await trafficTo('/ cors=https://*.app.test cors.credentials=true', web.url)
      const client = new RawClient(port)
      cleanups.push(() => client.close())
      const origin = 'Host: a\r\nOrigin: https://www.app.test\r\n'
      client.send(`OPTIONS /x HTTP/1.1\r\n${origin}Access-Control-Request-Method: PUT\r\n\r\n`)
      const preflight = await client.until('\r\n\r\n')
      expect(preflight).toMatch(/^HTTP\/1.1 204 No Content\r\n/)
      expect(preflight).toContain('Access-Control-Allow-Origin: https://www.app.test\r\n')
      expect(preflight).not.toContain('Content-Length')
      expect(web.received).toHaveLength(0)
      client.send(`PUT /x HTTP/1.1\r\n${origin}Content-Length: 2\r\n\r\nok`)
      const answer = (await client.until('Vary: Accept, Origin\r\n')).slice(preflight.length)
      expect(answer.match(/access-control-allow-origin: .*/gi)).toEqual([
        'Access-Control-Allow-Origin: https://www.app.test',
      ])
      expect(answer).toContain('Access-Control-Allow-Credentials: true\r\n')
      expect(answer).toContain('Vary: Accept, Origin\r\n')
    })

    test('the requests of a client are counted by route, whichever instance is next and however often the table changes', async () => {
      const [one, two] = await Promise.all([
        startOrigin((_message, response) => response.end('one')),
        startOrigin((_message, response) => response.end('two')),
      ])
      cleanups.push(
        () => one.close(),
        () => two.close(),
      )
      const { url, traffic, metricsText } = await trafficTo('/ ratelimit=4/h', one.url)
      const statuses: number[] = []
      for (let i = 0; i < 6; i++) {
        traffic.apply([
          serviceRoutes(
            'web',
            definition('web', '/ ratelimit=4/h', one.url),
            definition('web', '/ ratelimit=4/h', two.url, { healthy: i % 2 === 0 }),
          ),
        ])
        const answer = await request(url)
        await answer.body.dump()
        statuses.push(answer.statusCode)
        expect(answer.headers['ratelimit-policy']).toBe('"client";q=4;w=3600')
        if (i === 0) expect(answer.headers.ratelimit).toBe('"client";r=3;t=900')
        if (i === 5) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(800)
      }
      expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
      expect(one.received.length + two.received.length).toBe(4)
      expect(await metricsText()).toContain('gatehouse_failures{error="GW_RATE_LIMITED"} 2')
    })

    test('a refusal of what is no request has those of the configuration', async () => {
      const { port } = await trafficTo('/', 'http://127.0.0.1:1/', {
        plan: planOptions({ responseFields: [{ kind: 'set', name: 'X-Frame-Options', value: 'DENY' }] }),
      })
      const client = new RawClient(port)
      cleanups.push(() => client.close())
      const received = await client.send('GET / HTTP/1.1\r\nHost : a\r\n\r\n').untilClosed()
      expect(received).toMatch(/^HTTP\/1.1 400 Bad Request\r\n(?:.*\r\n)*X-Frame-Options: DENY\r\n/)
    })

    test('an error of the gateway’s own has them, and its own type', async () => {
      const gone = await startOrigin((_message, response) => response.end())
      await gone.close()
      const { url } = await trafficTo(
        '/ header.response.set=X-Frame-Options:DENY header.response.set=Content-Type:text/html',
        gone.url,
      )
      const answer = await request(url, { headers: { Accept: 'application/json' } })
      expect(answer.statusCode).toBe(502)
      expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'x-frame-options': 'DENY' })
    })
  })
}
