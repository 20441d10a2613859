import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request as httpRequest, type ServerResponse } from 'node:http'
import { setImmediate as tick } from 'node:timers/promises'
import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { type Origin, startOrigin, startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function origin(...args: Parameters<typeof startOrigin>): Promise<Origin> {
  const started = await startOrigin(...args)
  cleanups.push(() => started.close())
  return started
}

async function rawOrigin(...args: Parameters<typeof startRawOrigin>) {
  const started = await startRawOrigin(...args)
  cleanups.push(() => started.close())
  return started
}

async function startTrafficTo(route: string, url: string, more: Parameters<typeof startTraffic>[1] = {}) {
  const started = await startTraffic([serviceRoutes('web', definition('web', route, url))], more)
  cleanups.push(() => started.close())
  return started
}

function rawClient(port: number): RawClient {
  const client = new RawClient(port)
  cleanups.push(() => client.close())
  return client
}

/** A raw upstream that answers each request head with these octets. */
const answering = (text: string) =>
  rawOrigin((socket) => {
    socket.on('data', () => socket.write(text, 'latin1'))
  })

const get = (path: string, host = 'shop.test'): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`

/** What a gateway does with requests and answers, whatever speaks to its upstreams. */
export function forwarding(upstreamClient: 'wire' | 'undici'): void {
  const trafficTo = (route: string, url: string, more: Parameters<typeof startTraffic>[1] = {}) =>
    startTrafficTo(route, url, { upstreamClient, ...more })

  describe('a request', () => {
    test('reaches the upstream with its method, target and body, and the answer comes back whole', async () => {
      const web = await origin((message, response) => {
        response.writeHead(201, 'Made', { 'X-Method': message.method!, 'Set-Cookie': ['a=1', 'b=2'] })
        message.pipe(response)
      })
      const { url } = await trafficTo('/', web.url)
      const answer = await request(`${url}/a%2Fb//c?x=%20&y`, { method: 'POST', body: 'the body' })
      expect(answer.statusCode).toBe(201)
      expect(answer.headers['x-method']).toBe('POST')
      expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
      expect(await answer.body.text()).toBe('the body')
      expect(web.received[0]!.url).toBe('/a%2Fb//c?x=%20&y')
    })

    test.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND'])(
      '%s is forwarded as it is',
      async (method) => {
        const web = await origin((message, response) => response.end(message.method))
        const { url } = await trafficTo('/', web.url)
        const answer = await request(url, { method: method as 'GET' })
        expect(await answer.body.text()).toBe(method === 'HEAD' ? '' : method)
      },
    )

    test('is answered over a kept connection, and the next one takes it again', async () => {
      const web = await origin((_message, response) => response.end('ok'))
      const { url, port } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/1'))
      await client.until('ok')
      client.send(get('/2'))
      await waitFor(() => client.received.split('HTTP/1.1 200').length === 3, { what: 'two answers' })
      await request(url).then((answer) => answer.body.text())
      expect(new Set(web.received.map((message) => message.socket.remotePort)).size).toBe(1)
    })

    test('that takes trailers says so to the upstream, and nothing else of TE', async () => {
      const web = await origin((message, response) => response.end(`te=${message.headers.te}`))
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port)
      client.send('GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\nConnection: TE, close\r\n\r\n')
      expect(await client.untilClosed()).toMatch(/te=trailers$/)
    })

    test('in absolute form is routed and forwarded by its own authority', async () => {
      const web = await origin((message, response) => response.end(`${message.headers.host} ${message.url}`))
      const { port } = await trafficTo('right.test/', web.url)
      const client = rawClient(port)
      client.send('GET http://right.test/x?y HTTP/1.1\r\nHost: RIGHT.test:80\r\nConnection: close\r\n\r\n')
      expect(await client.untilClosed()).toContain('right.test /x?y')
    })

    test.each([
      ['two Host fields', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
      ['no Host field', 'GET / HTTP/1.1\r\n\r\n'],
      ['a Host other than its absolute form', 'GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n'],
      [
        'Content-Length and Transfer-Encoding',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ],
      [
        'two different lengths',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
      ],
      ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
    ])('with %s is refused with 400 and reaches nobody', async (_what, text) => {
      const web = await origin((_message, response) => response.end('ok'))
      const { port } = await trafficTo('/', web.url)
      expect(await rawClient(port).send(text).untilClosed()).toMatch(/^HTTP\/1.1 400 /)
      expect(web.received).toHaveLength(0)
    })

    test('with more fields than proxy.maxheaders is refused whole, whatever the last of them says', async () => {
      // A parser limit that drops fields and frames by them all the same lets a hidden request through.
      const web = await origin((_message, response) => response.end('ok'))
      const { port } = await trafficTo('/', web.url)
      const hidden = get('/hidden')
      const head = `GET /seen HTTP/1.1\r\nHost: a\r\n${'a:1\r\n'.repeat(2_100)}Content-Length: ${hidden.length}\r\n`
      const client = rawClient(port).send(`${head}\r\n${hidden}`)
      expect(await client.untilClosed()).toMatch(/^HTTP\/1.1 431 .*\r\n\r\n[^\r]*$/s)
      expect(web.received).toEqual([])
    })

    test('that strips and prepends reaches the upstream with the path rewritten and the prefix told', async () => {
      const web = await origin((message, response) =>
        response.end(`${message.url} ${message.headers['x-forwarded-prefix']} ${message.headers.host}`),
      )
      const { url } = await trafficTo('/foo strip=/foo prepend=/pre host=dst', web.url)
      const answer = await request(`${url}/foo/bar?q`)
      expect(await answer.body.text()).toBe(`/pre/bar?q /foo 127.0.0.1:${web.port}`)
    })
  })

  describe('bodies', () => {
    test('of 20 MiB go through unchanged in both directions at once', async () => {
      const web = await origin((message, response) => message.pipe(response))
      const { url } = await trafficTo('/', web.url)
      const sent = randomBytes(20 * 1024 * 1024)
      const answer = await request(url, { method: 'POST', body: sent })
      const hash = createHash('sha256')
      for await (const chunk of answer.body) hash.update(chunk as Buffer)
      expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
    })

    test('are streamed: the first part arrives before the last is sent', async () => {
      const web = await origin((message, response) => {
        message.once('data', (chunk: Buffer) => response.write(`got ${chunk}`))
        message.on('end', () => response.end(' end'))
      })
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port)
      client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n')
      await client.until('got first')
      client.send('0\r\n\r\n')
      await client.until(' end')
    })

    // Each part is only sent once the client has the one before: whoever gathers parts would wait for ever.
    test.each([
      ['an event stream', { 'Content-Type': 'text/event-stream' }],
      ['an answer in chunks', {}],
      ['an answer with a length', { 'Content-Length': '500' }],
      ['an answer that ends with its connection', { Connection: 'close', 'Transfer-Encoding': '' }],
    ])('%s is passed on part by part, nothing is kept back', async (what, fields) => {
      let stream: ServerResponse | null = null
      const web = await origin((_message, response) => {
        if (what.includes('connection')) response.useChunkedEncodingByDefault = false
        const { 'Transfer-Encoding': _none, ...others } = fields as Record<string, string>
        response.writeHead(200, others).flushHeaders()
        stream = response
      })
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/'))
      await client.until('\r\n\r\n')
      for (let n = 0; n < 50; n++) {
        const part = `data: ${String(n).padStart(2, '0')}\n\n`
        stream!.write(part)
        await client.until(part)
      }
      stream!.end()
    })

    test('the head of an answer goes on before its body begins', async () => {
      const web = await origin((_message, response) => {
        response.writeHead(200, { 'X-Early': 'yes' })
        response.flushHeaders()
      })
      const { port } = await trafficTo('/', web.url)
      await rawClient(port).send(get('/')).until('X-Early: yes')
    })

    test('a client that does not read holds the upstream back', async () => {
      let written = 0
      const total = 64 * 1024 * 1024
      const chunk = Buffer.alloc(64 * 1024)
      const web = await origin((_message, response) => {
        const more = (): void => {
          while (written < total) {
            written += chunk.length
            if (!response.write(chunk)) {
              response.once('drain', more)
              return
            }
          }
          response.end()
        }
        more()
      })
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port)
      client.socket.pause()
      client.send(get('/'))
      await waitFor(() => written > 0, { what: 'the upstream to begin' })
      let before = -1
      await waitFor(
        async () => {
          if (before === written) return true
          before = written
          for (let i = 0; i < 50; i++) await tick()
          return false
        },
        { what: 'the upstream to be held back' },
      )
      expect(written).toBeLessThan(total / 2)
      const read = once(client.socket, 'end')
      client.socket.on('data', () => {})
      client.socket.resume()
      await Promise.race([read, waitFor(() => written === total, { what: 'the rest', deadline: 20_000 })])
      expect(written).toBe(total)
    })

    test('trailers go on', async () => {
      const text =
        'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n'
      const web = await answering(text)
      const { port } = await trafficTo('/', web.url)
      await rawClient(port).send(get('/')).until('X-Sum: 42')
    })

    test.each([
      ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 'GET'],
      ['304', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', 'GET'],
      ['an answer to HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD'],
    ])('%s has none, and the connection goes on', async (_what, text, method) => {
      const web = await answering(text)
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/').replace('GET', method))
      await client.until('\r\n\r\n')
      client.send(get('/').replace('GET', method))
      await waitFor(() => client.received.split('HTTP/1.1 ').length === 3, { what: 'a second answer' })
    })

    test('an answer that ends with the connection arrives whole', async () => {
      const web = await rawOrigin((socket) => {
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'))
      })
      const { url } = await trafficTo('/', web.url)
      expect(await request(url).then((answer) => answer.body.text())).toBe('all of it')
    })

    test('an informational answer goes on before the final one', async () => {
      const web = await answering(
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      )
      const { port } = await trafficTo('/', web.url)
      const received = await rawClient(port).send(get('/')).until('ok')
      expect(received).toMatch(/^HTTP\/1.1 103 Early Hints\r\nLink: <\/a.css>\r\n\r\nHTTP\/1.1 200 OK/)
    })
  })

  describe('failures', () => {
    test('a refused connection is 502 at once', async () => {
      const gone = await origin((_message, response) => response.end())
      await gone.close()
      const { url } = await trafficTo('/', gone.url)
      const started = performance.now()
      const answer = await request(url)
      expect(answer.statusCode).toBe(502)
      expect(answer.headers['x-gatehouse-error']).toBe('GW_CONNECT_REFUSED')
      expect(performance.now() - started).toBeLessThan(500)
    })

    test('an upstream that closes before it answers is 502', async () => {
      const web = await rawOrigin((socket) => {
        socket.once('data', () => socket.destroy())
      })
      const { url } = await trafficTo('/', web.url)
      const answer = await request(url)
      expect([answer.statusCode, answer.headers['x-gatehouse-error']]).toEqual([502, 'GW_RESET'])
    })

    test.each([
      ['no HTTP at all', 'hello\r\n\r\n'],
      ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
      ['a space before the colon', 'HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n'],
    ])('an answer with %s is 502', async (_what, text) => {
      const web = await answering(text)
      const { url } = await trafficTo('/', web.url)
      const answer = await request(url)
      expect([answer.statusCode, answer.headers['x-gatehouse-error']]).toEqual([502, 'GW_BAD_ANSWER'])
    })

    test('an upstream that is silent is 504 at proxy.responseheadertimeout', async () => {
      const web = await rawOrigin(() => {})
      const { url } = await trafficTo('/', web.url, { upstream: { headTimeout: 300 } })
      const answer = await request(url)
      expect([answer.statusCode, answer.headers['x-gatehouse-error']]).toEqual([504, 'GW_HEAD_TIMEOUT'])
    })

    test.each([
      ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'],
      ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
    ])('an answer %s that breaks off never looks complete', async (_how, text) => {
      const web = await rawOrigin((socket) => {
        socket.once('data', () => socket.write(text))
      })
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/'))
      await client.until('part')
      web.sockets[0]!.destroy()
      const received = await client.untilClosed()
      expect(received).not.toContain('\r\n0\r\n')
    })

    test('no route is proxy.noroutestatus, and the connection goes on', async () => {
      const web = await origin((_message, response) => response.end('found'))
      const { port } = await trafficTo('/only', web.url)
      const client = rawClient(port).send(get('/other'))
      expect(await client.until('no route')).toMatch(/^HTTP\/1.1 404 Not Found\r\n/)
      client.send(get('/only'))
      await client.until('found')
    })

    test('a request body without a route is read and never taken for a request', async () => {
      const web = await origin((_message, response) => response.end('found'))
      const { port } = await trafficTo('/only', web.url)
      const hidden = get('/only')
      rawClient(port)
        .send(`POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n`)
        .send(hidden)
      const client = rawClient(port)
      client.send(`POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`)
      await client.until('no route')
      await client.untilClosed().catch(() => '')
      expect(web.received).toHaveLength(0)
    })

    test('a route without a healthy instance is 503 with Retry-After', async () => {
      const down = definition('web', '/', 'http://127.0.0.1:1/', { healthy: false })
      const started = await startTraffic([serviceRoutes('web', down)])
      cleanups.push(() => started.close())
      const answer = await request(started.url)
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1'])
    })

    test('a client that goes away ends the exchange with the upstream', async () => {
      const web = await rawOrigin((socket) => socket.resume())
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/'))
      await waitFor(() => web.sockets.length === 1, { what: 'the request to arrive' })
      client.close()
      await waitFor(() => web.sockets[0]!.destroyed, {
        what: 'the upstream’s connection to end',
        deadline: 2_000,
      })
    })

    test('a client that cuts its upload never completes the request', async () => {
      let isComplete = false
      const web = await origin((message) => {
        message.on('end', () => {
          isComplete = true
        })
        message.on('error', () => {})
        message.resume()
      })
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart')
      await waitFor(() => web.received.length === 1, { what: 'the request to arrive' })
      client.close()
      await waitFor(() => web.received[0]!.destroyed, { what: 'the upload to be cut' })
      expect(isComplete).toBe(false)
    })

    test('an upstream that answers early and closes does not stop the client from getting the answer', async () => {
      const web = await rawOrigin((socket) => {
        socket.once('data', () =>
          socket.end('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig'),
        )
      })
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port).send(
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin',
      )
      expect(await client.until('big')).toMatch(/^HTTP\/1.1 413 /)
    })

    test('what upstreams answer is counted by service and status', async () => {
      const web = await origin((_message, response) => response.writeHead(418).end())
      const { url, metricsText } = await trafficTo('/x', web.url)
      await request(`${url}/x`).then((answer) => answer.body.text())
      await request(`${url}/none`).then((answer) => answer.body.text())
      const text = await metricsText()
      expect(text).toContain('gatehouse_http_status_count{code="418",service="web"} 1')
      expect(text).toContain('gatehouse_requests_count{service="web"} 1')
      expect(text).toContain('gatehouse_notfound 1')
    })
  })

  describe('found by a hostile reader', () => {
    test.each([
      ['longer than a name can be', 'a'.repeat(60_000)],
      ['with a path', 'a/b'],
      ['with a user', 'u@a'],
      ['that is a list', 'a, b'],
      ['with a space', 'a b'],
      ['with octets that no name has', 'a\xe9'],
    ])(
      'a Host %s is refused: it would be compared with every pattern, and passed on',
      async (_what, host) => {
        const web = await origin((_message, response) => response.end('ok'))
        const { port } = await trafficTo('/', web.url)
        expect(await rawClient(port).send(get('/', host)).untilClosed()).toMatch(/^HTTP\/1.1 400 /)
        expect(web.received).toHaveLength(0)
      },
    )

    test.each([
      ['a version that is none', 'GET /\r\n\r\n'],
      ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
      [
        'a coding before chunked',
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      ],
      [
        'a length that would be rounded',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740993\r\n\r\nx',
      ],
    ])('%s is refused and reaches nobody', async (_what, text) => {
      const web = await origin((_message, response) => response.end('ok'))
      const { port } = await trafficTo('/', web.url)
      expect(await rawClient(port).send(text).untilClosed()).toMatch(/^HTTP\/1.1 [45]\d\d /)
      expect(web.received).toHaveLength(0)
    })

    test('a client that leaves takes all its pipelined requests with it, not the first alone', async () => {
      const web = await rawOrigin((socket) => socket.resume())
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/1') + get('/2') + get('/3'))
      await waitFor(() => web.sockets.length > 0, { what: 'a request to arrive' })
      client.close()
      // Connections that never got their request are kept for a while as any idle one is.
      const areGone = () => web.sockets.every((socket) => socket.destroyed)
      await waitFor(areGone, { what: 'all to end', deadline: 8_000 })
    })

    test.each([
      ['304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n'],
      ['204', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'],
    ])('a %s with a length costs neither its connection nor the next request', async (status, text) => {
      const web = await answering(text)
      const { port } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/1'))
      await client.until('\r\n\r\n')
      client.send(get('/2'))
      await waitFor(() => client.received.split(`HTTP/1.1 ${status} `).length === 3, {
        what: 'a second answer',
      })
    })

    test('a hint that Node cannot read is left out, and the answer comes', async () => {
      const hint =
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; as=style; crossorigin, </b.css>; rel=preload'
      const web = await answering(`${hint}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)
      const { url } = await trafficTo('/', web.url)
      const answer = await request(url)
      expect([answer.statusCode, await answer.body.text()]).toEqual([200, 'ok'])
    })

    test('a reason phrase of any octets does not cost the answer', async () => {
      const web = await answering('HTTP/1.1 200 Caf\xe9\r\nContent-Length: 2\r\n\r\nok')
      const { url } = await trafficTo('/', web.url)
      const answer = await request(url)
      expect([answer.statusCode, await answer.body.text()]).toEqual([200, 'ok'])
    })
  })

  describe('another instance is tried', () => {
    const both = async (first: { url: string }, second: { url: string }) => {
      const routes = serviceRoutes(
        'web',
        definition('web', '/', first.url),
        definition('web', '/', second.url),
      )
      // Retries alone: an instance that goes on failing would soon get nothing at all.
      const started = await startTraffic([routes], { upstreamClient, ejection: null })
      cleanups.push(() => started.close())
      return started
    }

    test.each(['GET', 'POST'])('when one refuses connections: no %s is lost', async (method) => {
      const gone = await origin((_message, response) => response.end())
      await gone.close()
      const web = await origin((message, response) => message.pipe(response))
      const { url } = await both(gone, web)
      for (let i = 0; i < 10; i++) {
        const answer = await request(url, {
          method: method as 'GET',
          ...(method === 'POST' ? { body: 'whole' } : {}),
        })
        expect([answer.statusCode, await answer.body.text()]).toEqual([200, method === 'POST' ? 'whole' : ''])
      }
    })

    test('when one closes a connection instead of answering: no GET is lost, and a POST is sent once', async () => {
      let posts = 0
      const rude = await rawOrigin((socket) => {
        socket.once('data', (chunk) => {
          if (String(chunk).startsWith('POST')) posts++
          socket.destroy()
        })
      })
      const web = await origin((message, response) => {
        if (message.method === 'POST') posts++
        response.end('ok')
      })
      const { url } = await both(rude, web)
      for (let i = 0; i < 10; i++) expect((await request(url)).statusCode).toBe(200)
      const statuses = new Set<number>()
      for (let i = 0; i < 10; i++) {
        const answer = await request(url, { method: 'POST' })
        await answer.body.dump()
        statuses.add(answer.statusCode)
      }
      expect([posts, [...statuses].sort()]).toEqual([10, [200, 502]])
    })

    test('a kept connection that died while it was idle costs no GET, also with one instance alone', async () => {
      const web = await origin((_message, response) => response.end('ok'))
      const { url } = await trafficTo('/', web.url)
      for (let i = 0; i < 20; i++) {
        expect((await request(url)).statusCode).toBe(200)
        web.received.at(-1)!.socket.destroy()
      }
    })
  })

  describe('draining', () => {
    test('a running request ends, a new connection is refused', async () => {
      let release = (): void => {}
      const web = await origin((message, response) => {
        if (message.url === '/') release = () => response.end('late')
        else response.end('early')
      })
      const { port, traffic } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/'))
      await waitFor(() => web.received.length === 1, { what: 'the request to arrive' })
      const drained = traffic.drain(5_000)
      await waitFor(
        () =>
          new Promise((resolve) => {
            const probe = httpRequest({ port, host: '127.0.0.1', path: '/probe', agent: new Agent() })
            probe.on('error', () => resolve(true))
            probe.on('response', () => resolve(false))
            probe.end()
          }),
        { what: 'the port to be closed' },
      )
      release()
      await client.until('late')
      expect(await drained).toBe(0)
    })

    test('a kept connection is told to end by its next answer, and its request is served', async () => {
      const web = await origin((_message, response) => response.end('ok'))
      const { port, traffic } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/1'))
      await client.until('ok')
      const drained = traffic.drain(5_000)
      client.send(get('/2'))
      const received = await client.untilClosed()
      expect(received.split('HTTP/1.1 200 OK')).toHaveLength(3)
      expect(received).toMatch(/connection: close/i)
      expect(await drained).toBe(0)
    })

    test('a request that does not end in time is cut and counted', async () => {
      const web = await origin(() => {})
      const { port, traffic } = await trafficTo('/', web.url)
      const client = rawClient(port).send(get('/'))
      await waitFor(() => web.received.length === 1, { what: 'the request to arrive' })
      expect(await traffic.drain(50)).toBe(1)
      await client.untilClosed()
    })
  })
}
