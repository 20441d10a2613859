import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { closingAfterEach } from '../support/cleanups.ts'
import { startOrigin, startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'

const kept = closingAfterEach()

const routesTo = (...urls: string[]) =>
  serviceRoutes('web', ...urls.map((url) => definition('web', '/', url)))

/** An instance that speaks WebSocket as far as it takes to open one; what it receives is kept. */
async function webSocketOrigin() {
  const sockets: { socket: Socket; received: Buffer[] }[] = []
  const origin = await kept(
    startRawOrigin((socket) => {
      socket.once('data', (head) => {
        const key = /sec-websocket-key: (\S+)/i.exec(head.toString('latin1'))![1]!
        const accept = createHash('sha1')
          .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest('base64')
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        )
        const received: Buffer[] = []
        sockets.push({ socket, received })
        socket.on('data', (chunk) => received.push(chunk))
      })
    }),
  )
  return { url: origin.url, sockets }
}

async function openWebSocket(port: number) {
  const client = new RawClient(port)
  client.send(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  const head = await client.until('\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1.1 101 /)
  await kept(Promise.resolve(client))
  return { client, framesOf: () => Buffer.from(client.received.slice(head.length), 'latin1') }
}

/** What becomes of the requests of an instance that is no longer in the table, whatever speaks to it. */
export function leaving(upstreamClient: 'wire' | 'undici'): void {
  const trafficTo = (urls: readonly string[], drainTimeout = 60_000) =>
    kept(startTraffic([routesTo(...urls)], { upstreamClient, care: { drainTimeout } }))

  describe('an instance that leaves the table', () => {
    test('closes its idle connections at once, and gets no new request', async () => {
      const [a, b] = [
        await kept(startOrigin((_message, response) => response.end('a'))),
        await kept(startOrigin((_message, response) => response.end('b'))),
      ]
      const { url, traffic } = await trafficTo([a.url])
      expect(await (await request(url)).body.text()).toBe('a')
      const { socket } = a.received[0]!
      expect(socket.destroyed).toBe(false)
      traffic.apply([routesTo(b.url)])
      await waitFor(() => socket.destroyed, { what: 'the idle connection to close', deadline: 1_000 })
      for (let i = 0; i < 3; i++) expect(await (await request(url)).body.text()).toBe('b')
    })

    test('finishes what it has begun', async () => {
      let release = (): void => {}
      const a = await kept(
        startOrigin((_message, response) => {
          response.write('first ')
          release = () => response.end('last')
        }),
      )
      const { url, traffic, log } = await trafficTo([a.url])
      const answer = await request(url)
      traffic.apply([routesTo()])
      release()
      expect(await answer.body.text()).toBe('first last')
      expect(log.of('drain-cut')).toEqual([])
      await waitFor(() => a.received[0]!.socket.destroyed, { what: 'its connection to close' })
    })

    test('has so long for it: then a GET goes to another instance, and what was half answered is cut', async () => {
      const responses: ServerResponse[] = []
      const slow = await kept(
        startOrigin((message, response) => {
          if (message.url === '/half') response.write('half')
          responses.push(response)
        }),
      )
      const fast = await kept(startOrigin((_message, response) => response.end('fast')))
      const { url, traffic, log } = await trafficTo([slow.url], 150)
      const half = await request(`${url}/half`)
      const get = request(`${url}/get`)
      const post = request(`${url}/post`, { method: 'POST' })
      await waitFor(() => responses.length === 3, { what: 'all three requests' })
      traffic.apply([routesTo(fast.url)])
      expect(await (await get).body.text()).toBe('fast')
      const refused = await post
      expect([refused.statusCode, refused.headers['x-gatehouse-error']]).toEqual([502, 'GW_INSTANCE_LEFT'])
      await refused.body.dump()
      await expect(half.body.text()).rejects.toThrow()
      expect(log.of('drain-cut')).toEqual([
        `warn upstream drain-cut: 3 requests are cut 0.15 s after ${slow.url.slice(0, -1)} left the table`,
      ])
    })

    test('has no limit where drainTimeout is 0', async () => {
      let release = (): void => {}
      const a = await kept(startOrigin((_message, response) => (release = () => response.end('late'))))
      const { url, traffic } = await trafficTo([a.url], 0)
      const answer = request(url)
      await waitFor(() => a.received.length === 1, { what: 'the request' })
      traffic.apply([routesTo()])
      await new Promise((resolve) => setTimeout(resolve, 300))
      release()
      expect(await (await answer).body.text()).toBe('late')
    })

    test('keeps its websockets until then, and tells both sides that it goes: 1001, and the end', async () => {
      const web = await webSocketOrigin()
      const { port, traffic } = await trafficTo([web.url], 300)
      const { client, framesOf } = await openWebSocket(port)
      traffic.apply([routesTo()])
      const { socket, received } = web.sockets[0]!
      socket.write(Buffer.from([0x81, 2, 0x68, 0x69]))
      await waitFor(() => framesOf().length === 4, { what: 'a message after it has left', deadline: 250 })
      await waitFor(() => framesOf().length === 8, { what: 'the close frame' })
      expect([...framesOf().subarray(4)]).toEqual([0x88, 2, 0x03, 0xe9])
      await waitFor(() => Buffer.concat(received).length === 8, { what: 'the close frame of the client' })
      expect([...Buffer.concat(received)]).toEqual([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9])
      await waitFor(() => client.isClosed && socket.destroyed, { what: 'both connections to close' })
    })

    test('does not put its word into the middle of a message: it waits for the end of the frame', async () => {
      const web = await webSocketOrigin()
      const { port, traffic, log } = await trafficTo([web.url], 100)
      const { framesOf } = await openWebSocket(port)
      const { socket } = web.sockets[0]!
      socket.write(Buffer.from([0x81, 5, 0x61, 0x62]))
      await waitFor(() => framesOf().length === 4, { what: 'half a message' })
      traffic.apply([routesTo()])
      await waitFor(() => log.of('drain-cut').length === 1, { what: 'the end of its time' })
      socket.write(Buffer.from([0x63, 0x64, 0x65, 0x81, 1, 0x7a]))
      await waitFor(() => framesOf().length === 11, { what: 'the rest and the close frame' })
      expect(framesOf().toString('latin1')).toBe('\x81\x05abcde\x88\x02\x03\xe9')
    })

    test('cuts a websocket whose sides do not close it when they are told to', async () => {
      const web = await webSocketOrigin()
      const { port, traffic } = await trafficTo([web.url], 100)
      const { client, framesOf } = await openWebSocket(port)
      traffic.apply([routesTo()])
      await waitFor(() => framesOf().length === 4, { what: 'the close frame' })
      expect([client.isClosed, await traffic.running()]).toEqual([false, 1])
      await waitFor(() => client.isClosed && web.sockets[0]!.socket.destroyed, { what: 'the cut' })
      expect(await traffic.running()).toBe(0)
    })
  })
}
