import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { decoders } from '../support/codings.ts'
import { type Origin, startOrigin, startRawOrigin } from '../support/origin.ts'
import { planOptions } from '../support/plan.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'

const { compression } = planOptions()
const asked = 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n'
/** Text that does not get much smaller, so that what is held back shows. */
const noise = (octets: number): Buffer => Buffer.from(randomBytes(octets / 2).toString('hex'))

/** Compression on real sockets, whatever speaks to the instances. */
export function compressing(upstreamClient: 'wire' | 'undici'): void {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  const origin = async (...args: Parameters<typeof startOrigin>): Promise<Origin> => {
    const started = await startOrigin(...args)
    cleanups.push(() => started.close())
    return started
  }
  const rawOrigin = async (...args: Parameters<typeof startRawOrigin>) => {
    const started = await startRawOrigin(...args)
    cleanups.push(() => started.close())
    return started
  }
  const trafficTo = async (url: string, route = '/', more: Partial<typeof compression> = {}) => {
    const started = await startTraffic([serviceRoutes('web', definition('web', route, url))], {
      upstreamClient,
      plan: { compression: { ...compression, contentType: '^text/', ...more } },
    })
    cleanups.push(() => started.close())
    return started
  }
  const rawClient = (port: number): RawClient => {
    const client = new RawClient(port)
    cleanups.push(() => client.close())
    return client
  }

  describe(`with ${upstreamClient}`, () => {
    test.each(decoders)('20 MiB come out of %s as they were', async (coding, decompress) => {
      const sent = Buffer.concat([noise(8 * 1024 * 1024), Buffer.alloc(12 * 1024 * 1024, 'abc ')])
      const web = await origin((_message, response) => {
        response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': sent.length })
        response.end(sent)
      })
      const { url } = await trafficTo(web.url)
      const answer = await request(url, { headers: { 'Accept-Encoding': coding } })
      expect(answer.headers).toMatchObject({ 'content-encoding': coding, vary: 'Accept-Encoding' })
      expect(answer.headers['content-length']).toBeUndefined()
      const hash = createHash('sha256')
      let received = 0
      const whole = decompress()
      answer.body.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      for await (const chunk of answer.body.pipe(whole)) hash.update(chunk as Buffer)
      expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
      expect(received).toBeLessThan(sent.length / 2)
    })

    test('many answers at a time over kept connections are each their own', async () => {
      const web = await origin((message, response) => {
        response.writeHead(200, { 'Content-Type': 'text/plain' })
        for (let i = 0; i < 20; i++) response.write(`${message.url} `.repeat(i * 20))
        response.end(`end of ${message.url}`)
      })
      const { url } = await trafficTo(web.url)
      const texts = await Promise.all(
        Array.from({ length: 60 }, async (_, i) => {
          const answer = await fetch(`${url}/${i}`, {
            headers: { 'Accept-Encoding': i % 3 === 0 ? 'br' : 'gzip' },
          })
          return answer.text()
        }),
      )
      for (const [i, text] of texts.entries()) {
        expect(text.endsWith(`end of /${i}`)).toBe(true)
        expect(new Set(text.split(' ').slice(0, -3))).toEqual(new Set([`/${i}`]))
      }
    })

    // fabio QUIRK-26: its answers are not flushed.
    test.each(decoders)(
      'each event of a stream arrives in %s before the next one is sent',
      async (coding, decompress) => {
        let stream: ServerResponse | null = null
        const web = await origin((_message, response) => {
          response.writeHead(200, { 'Content-Type': 'text/event-stream' })
          response.flushHeaders()
          stream = response
        })
        const { url } = await trafficTo(web.url)
        const answer = await request(url, {
          headers: { 'Accept-Encoding': coding, Accept: 'text/event-stream' },
        })
        expect(answer.headers['content-encoding']).toBe(coding)
        let received = ''
        const events = answer.body.pipe(decompress())
        events.on('data', (chunk: Buffer) => {
          received += chunk.toString()
        })
        events.on('error', () => {})
        for (let i = 0; i < 5; i++) {
          stream!.write(`data: ${i}\n\n`)
          await waitFor(() => received.endsWith(`data: ${i}\n\n`), { what: `event ${i}` })
        }
        stream!.end()
        await once(events, 'end')
      },
    )

    test('a client that does not read holds the upstream back, and gets all of it in the end', async () => {
      let written = 0
      const total = 48 * 1024 * 1024
      const chunk = noise(64 * 1024)
      const web = await origin((_message, response) => {
        response.writeHead(200, { 'Content-Type': 'text/plain' })
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
      const { port } = await trafficTo(web.url)
      const client = connect(port, '127.0.0.1')
      cleanups.push(() => client.destroy())
      client.pause()
      client.write(asked)
      await waitFor(() => written > 0, { what: 'the upstream to begin' })
      let before = -1
      await waitFor(
        async () => {
          if (before === written) return true
          before = written
          await new Promise((resolve) => setTimeout(resolve, 200))
          return false
        },
        { what: 'the upstream to be held back', deadline: 15_000 },
      )
      expect(written).toBeLessThan(total / 2)
      let last = ''
      client.on('data', (octets: Buffer) => {
        last = (last + octets.toString('latin1', Math.max(0, octets.length - 7))).slice(-7)
      })
      client.resume()
      await waitFor(() => last.endsWith('\r\n0\r\n\r\n'), { what: 'the end', deadline: 20_000 })
      expect(written).toBe(total)
    })

    test.each([
      ['with a length', 'Content-Length: 100000\r\n\r\n'],
      ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n2710\r\n'],
    ])('an upstream that breaks off %s never makes a whole answer', async (_how, framing) => {
      const web = await rawOrigin((socket) => {
        socket.once('data', () =>
          socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${framing}${noise(10_000)}`),
        )
      })
      const { port } = await trafficTo(web.url)
      const client = rawClient(port).send(asked)
      await waitFor(() => client.received.length > 2_000, { what: 'some of the answer' })
      web.sockets[0]!.destroy()
      const received = await client.untilClosed()
      expect(received).toContain('Content-Encoding: gzip')
      expect(received).not.toContain('\r\n0\r\n')
    })

    test('an upstream that sends malformed chunks in the middle never makes a whole answer', async () => {
      const web = await rawOrigin((socket) => {
        socket.once('data', () => {
          socket.write(
            `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n${noise(5_000)}\r\nnonsense\r\n`,
          )
        })
      })
      const { port } = await trafficTo(web.url)
      const received = await rawClient(port).send(asked).untilClosed()
      expect(received).not.toContain('\r\n0\r\n')
    })

    test.each([
      ['while the upstream is silent', 0],
      ['while the compressor is at work', 4 * 1024 * 1024],
    ])(
      'a client that goes away %s ends the exchange with the upstream and frees the place',
      async (_when, octets) => {
        const web = await rawOrigin((socket) => {
          socket.once('data', () => {
            socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n')
            socket.write(`5\r\nhello\r\n`)
            if (octets > 0) socket.write(`${octets.toString(16)}\r\n${noise(octets)}\r\n`)
          })
        })
        const { port, url } = await trafficTo(web.url, '/', { maxStreams: 1 })
        for (let round = 0; round < 3; round++) {
          const client = rawClient(port).send(asked)
          const head = await client.until('\r\n\r\n')
          expect(head, `round ${round}`).toContain('Content-Encoding: gzip')
          client.close()
          await waitFor(() => web.sockets[round]!.destroyed, {
            what: 'the upstream’s connection to end',
            deadline: 2_000,
          })
        }
        expect(url).toBeTruthy()
      },
    )

    test('a client that stops reading and then goes away frees the place too', async () => {
      const web = await origin((_message, response) => {
        response.writeHead(200, { 'Content-Type': 'text/plain' })
        response.end(noise(16 * 1024 * 1024))
      })
      const { port } = await trafficTo(web.url, '/', { maxStreams: 1 })
      const client = rawClient(port)
      client.socket.pause()
      client.send(asked)
      await waitFor(() => web.received.length === 1, { what: 'the request to arrive' })
      await waitFor(() => client.socket.bytesRead > 0, { what: 'the answer to begin' }).catch(() => {})
      client.close()
      await waitFor(() => web.received[0]!.socket.destroyed, { what: 'the upstream to be let go' })
      const next = await request(`http://127.0.0.1:${port}`, { headers: { 'Accept-Encoding': 'gzip' } })
      expect(next.headers['content-encoding']).toBe('gzip')
      await next.body.dump()
    })

    test('the whole of an answer that takes too long is cut, and not completed', async () => {
      const web = await origin((_message, response) => {
        response.writeHead(200, { 'Content-Type': 'text/plain' })
        response.write('begin')
      })
      const { port } = await trafficTo(web.url, '/ timeout=300ms')
      const received = await rawClient(port).send(asked).untilClosed()
      expect(received).toContain('Content-Encoding: gzip')
      expect(received).not.toContain('\r\n0\r\n')
    })

    test('trailers come behind the compressed body, and the connection goes on', async () => {
      const web = await rawOrigin((socket) => {
        socket.on('data', () =>
          socket.write(
            'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n',
          ),
        )
      })
      const { port } = await trafficTo(web.url)
      const client = rawClient(port).send(asked)
      await client.until('\r\n0\r\nX-Sum: 42\r\n\r\n')
      client.send(asked)
      await waitFor(() => client.received.split('X-Sum: 42').length === 3, { what: 'a second answer' })
    })

    test('pipelined requests get their answers in order', async () => {
      const web = await origin((message, response) => {
        response.writeHead(200, {
          'Content-Type': message.url === '/1' ? 'text/plain' : 'image/png',
          'X-Of': message.url,
        })
        response.end('x'.repeat(5_000))
      })
      const { port } = await trafficTo(web.url)
      const of = (path: string): string => asked.replace('GET /', `GET ${path}`)
      const client = rawClient(port).send(of('/1') + of('/2') + of('/1'))
      await waitFor(() => client.received.split('X-Of: ').length === 4, { what: 'three answers' })
      expect([...client.received.matchAll(/X-Of: (\S+)/g)].map((match) => match[1])).toEqual([
        '/1',
        '/2',
        '/1',
      ])
    })

    test('a HEAD, a 304 and a part have no coding, and the connection goes on', async () => {
      const web = await origin((message, response) => {
        const status = message.url === '/304' ? 304 : message.url === '/206' ? 206 : 200
        response.writeHead(status, {
          'Content-Type': 'text/plain',
          ...(status === 304 ? {} : { 'Content-Length': 5_000 }),
          ...(status === 206 ? { 'Content-Range': 'bytes 0-4999/6000' } : {}),
        })
        if (status === 304 || message.method === 'HEAD') response.end()
        else response.end('x'.repeat(5_000))
      })
      const { port } = await trafficTo(web.url)
      const client = rawClient(port)
      client.send(asked.replace('GET /', 'HEAD /'))
      await client.until('\r\n\r\n')
      client.send(asked.replace('GET /', 'GET /304'))
      await client.until('304')
      client.send(asked.replace('GET /', 'GET /206'))
      await client.until('x'.repeat(5_000))
      expect(client.received).not.toContain('Content-Encoding')
    })
  })
}
