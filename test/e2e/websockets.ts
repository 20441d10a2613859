import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { closingAfterEach } from '../support/cleanups.ts'
import { startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'
import { handshake, serverFrame, switching } from '../support/websocket.ts'

const kept = closingAfterEach()

const large = 4 * 1024 * 1024

/** A service that agrees to switch, and then does as it is told. */
async function switchingOrigin(then: (socket: Socket) => void, early = '') {
  return kept(
    startRawOrigin((socket) => {
      socket.once('data', (head) => {
        socket.write(switching(head.toString('latin1')) + early, 'latin1')
        then(socket)
      })
    }, true),
  )
}

/** Octets that a socket has received. */
function counting(socket: Socket): { octets: number; hasEnded: boolean } {
  const count = { octets: 0, hasEnded: false }
  socket.on('data', (chunk) => {
    count.octets += chunk.length
  })
  socket.on('end', () => {
    count.hasEnded = true
  })
  return count
}

/** Connections that have become another protocol, whatever speaks to the upstream. */
export function websockets(upstreamClient: 'wire' | 'undici'): void {
  const trafficTo = (url: string, more: Parameters<typeof startTraffic>[1] = {}) =>
    kept(startTraffic([serviceRoutes('web', definition('web', '/', url))], { upstreamClient, ...more }))

  const open = async (port: number, request = handshake(), allowHalfOpen = false): Promise<RawClient> => {
    const client = await kept(Promise.resolve(new RawClient(port, { allowHalfOpen })))
    client.send(request)
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    return client
  }

  describe('a websocket', () => {
    test('passes octets on as they are, in both directions', async () => {
      const web = await switchingOrigin((socket) => socket.pipe(socket), 'early')
      const { port } = await trafficTo(web.url)
      const client = await open(port)
      await client.until('early')
      const sent = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet))
      client.send(sent)
      expect((await client.until(sent)).endsWith(`early${sent}`)).toBe(true)
    })

    test('that the client sent octets of behind its request gets them once it is one', async () => {
      const web = await switchingOrigin((socket) => socket.pipe(socket))
      const { port } = await trafficTo(web.url)
      const client = await open(port, `${handshake()}at once`)
      await client.until('at once')
    })

    test('asks the upstream with the fields of the handshake, those of the way here, and no others of this hop', async () => {
      const heads: string[] = []
      const web = await kept(
        startRawOrigin((socket) => {
          socket.once('data', (head) => {
            heads.push(head.toString('latin1'))
            socket.write(switching(heads[0]!))
          })
        }),
      )
      const { port } = await trafficTo(web.url)
      await open(
        port,
        handshake('/chat?room=1', 'Sec-WebSocket-Protocol: chat, superchat\r\nOrigin: http://a\r\n'),
      )
      const head = heads[0]!.toLowerCase()
      expect(head).toMatch(/^get \/chat\?room=1 http\/1\.1\r\n/)
      expect(
        head
          .match(/^(?:connection|upgrade): .*/gm)
          ?.map((line) => line.trim())
          .toSorted(),
      ).toEqual(['connection: upgrade', 'upgrade: websocket'])
      for (const line of [
        'sec-websocket-protocol: chat, superchat',
        'origin: http://a',
        'x-forwarded-for: 127.0.0.1',
        'x-forwarded-proto: http',
        'forwarded: for=127.0.0.1; proto=ws; httpproto=http/1.1',
      ]) {
        expect(head).toContain(`\r\n${line}\r\n`)
      }
    })

    test.each(['websocket', 'WebSocket', 'chat/2', 'my-protocol'])('may as well be %s', async (protocol) => {
      const web = await kept(
        startRawOrigin((socket) => {
          socket.once('data', () => {
            socket.write(`HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`)
            socket.pipe(socket)
          })
        }),
      )
      const { port } = await trafficTo(web.url)
      const client = await open(port, handshake().replace('Upgrade: websocket', `Upgrade: ${protocol}`))
      expect(client.received).toMatch(new RegExp(`\r\nUpgrade: ${protocol}\r\n`, 'i'))
      await client.send('x').until('\r\n\r\nx')
    })

    test('of which the client has ended its direction goes on in the other', async () => {
      const web = await switchingOrigin((socket) => {
        socket.on('end', () => {
          socket.write('still ')
          setTimeout(() => socket.end('here'), 50)
        })
        socket.resume()
      })
      const { port } = await trafficTo(web.url)
      const client = await open(port)
      client.socket.end('bye')
      expect(await client.untilClosed()).toMatch(/\r\n\r\nstill here$/)
    })

    test('of which the upstream has ended its direction goes on in the other', async () => {
      const received: Buffer[] = []
      let hasEnded = false
      const web = await switchingOrigin((socket) => {
        socket.end('that was all')
        socket.on('data', (chunk) => received.push(chunk))
        socket.on('end', () => {
          hasEnded = true
        })
      })
      const { port } = await trafficTo(web.url)
      const client = await open(port, handshake(), true)
      await client.until('that was all')
      await waitFor(() => client.socket.readableEnded, { what: 'the end to reach the client' })
      await pause(50)
      client.send('but I ')
      await pause(50)
      client.socket.end('go on')
      await waitFor(() => hasEnded, { what: 'the end to reach the upstream' })
      expect(Buffer.concat(received).toString()).toBe('but I go on')
      await client.untilClosed()
    })

    test('whose client sent its end before the answer came goes on in the other direction', async () => {
      const web = await kept(
        startRawOrigin((socket) => {
          socket.once('data', (head) => {
            socket.on('end', () => socket.end('heard it'))
            setTimeout(() => socket.write(switching(head.toString('latin1'))), 100)
          })
        }, true),
      )
      const { port } = await trafficTo(web.url)
      const client = await kept(Promise.resolve(new RawClient(port, { allowHalfOpen: true })))
      client.socket.end(handshake())
      expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nheard it$/)
    })

    test('of which the upstream closes brings a slow client what was sent before, all of it', async () => {
      const web = await switchingOrigin((socket) => {
        socket.end(Buffer.alloc(large, 'x'))
      })
      const { port } = await trafficTo(web.url)
      const client = await open(port)
      client.socket.pause()
      await waitFor(() => web.sockets[0]!.writableFinished || web.sockets[0]!.writableLength < large, {
        what: 'the upstream to send',
      })
      await pause(200)
      client.socket.resume()
      await waitFor(() => client.received.length >= large, { what: 'all of it', deadline: 15_000 })
      client.close()
    })

    test('whose upstream is gone brings the client what it sent, also while the client goes on sending', async () => {
      const web = await switchingOrigin((socket) => {
        socket.write(Buffer.alloc(large / 4, 'x'), () => socket.destroy())
      })
      const { port } = await trafficTo(web.url)
      const client = await open(port)
      client.socket.pause()
      await waitFor(() => web.sockets[0]!.destroyed, { what: 'the upstream to be gone', deadline: 15_000 })
      // What it still sends is answered by a reset.
      for (let n = 0; n < 5; n++) {
        client.send('anybody there?')
        await pause(20)
      }
      client.socket.resume()
      await client.untilClosed()
      expect(client.received.replace(/^[\s\S]*?\r\n\r\n/, '').length).toBe(large / 4)
    })

    test('of which the client closes brings a slow upstream what was sent before, all of it', async () => {
      let upstream: Socket | null = null
      const web = await switchingOrigin((socket) => {
        socket.pause()
        upstream = socket
      })
      const { port } = await trafficTo(web.url)
      const client = await open(port)
      client.socket.end(Buffer.alloc(large, 'x'))
      await waitFor(() => client.socket.writableLength < large, { what: 'the client to send' })
      await pause(100)
      const count = counting(upstream!)
      upstream!.resume()
      await waitFor(() => count.hasEnded, { what: 'the end', deadline: 15_000 })
      expect(count.octets).toBe(large)
      upstream!.end()
      await client.untilClosed()
    })

    test('that one side reads slowly holds the other back', async () => {
      let written = 0
      const chunk = Buffer.alloc(64 * 1024)
      const web = await switchingOrigin((socket) => {
        const more = (): void => {
          while (!socket.destroyed) {
            written += chunk.length
            if (!socket.write(chunk)) {
              socket.once('drain', more)
              return
            }
          }
        }
        more()
      })
      const { port } = await trafficTo(web.url)
      const client = await open(port)
      client.socket.pause()
      let before = -1
      await waitFor(
        async () => {
          const isStill = before === written
          before = written
          await pause(100)
          return isStill && written > 0
        },
        { what: 'the upstream to be held back', deadline: 15_000 },
      )
      expect(written).toBeLessThan(32 * 1024 * 1024)
    })

    test('that the client cuts ends at the upstream, and the other way round', async () => {
      const web = await switchingOrigin((socket) => socket.resume())
      const { port, traffic } = await trafficTo(web.url)
      const first = await open(port)
      first.socket.resetAndDestroy()
      await waitFor(() => web.sockets[0]!.readableEnded, { what: 'the upstream to hear of it' })
      const second = await open(port)
      web.sockets[1]!.resetAndDestroy()
      await second.untilClosed()
      await waitFor(async () => (await traffic.running()) === 0, { what: 'both to be forgotten' })
    })

    test('is counted while it is open', async () => {
      const web = await switchingOrigin((socket) => socket.pipe(socket))
      const { port, metricsText } = await trafficTo(web.url)
      const [one, other] = [await open(port), await open(port)]
      expect(await metricsText()).toContain('gatehouse_ws_conn 2')
      one.close()
      await waitFor(async () => (await metricsText()).includes('gatehouse_ws_conn 1'), {
        what: 'one to be gone',
      })
      other.close()
      await waitFor(async () => (await metricsText()).includes('gatehouse_ws_conn 0'), {
        what: 'both to be gone',
      })
      expect(await metricsText()).toContain('gatehouse_http_status_count{code="101",service="web"} 2')
    })

    test('has none of the time limits of an answer', async () => {
      const web = await switchingOrigin((socket) => socket.pipe(socket))
      const { port } = await trafficTo(web.url, {
        plan: { timeout: 800, idleTimeout: 800, headTimeout: 800 },
        listener: { readTimeout: 800, writeTimeout: 800, idleTimeout: 800, headTimeout: 800 },
        upstream: { headTimeout: 800, answerStallTimeout: 800, idleTimeout: 800, stallTimeout: 800 },
      })
      const client = await open(port)
      await pause(1_800)
      await client.send('still there').until('still there')
    })
  })

  describe('a websocket of a gateway that stops', () => {
    test('goes on for its time, is told that it ends, and is not cut when both sides then close', async () => {
      const received: Buffer[] = []
      const web = await switchingOrigin((socket) => {
        socket.on('data', (chunk) => {
          received.push(chunk)
          if (chunk.includes(0x88)) socket.end()
          else socket.write(serverFrame('heard'))
        })
      })
      const { port, traffic } = await trafficTo(web.url)
      const client = await open(port)
      const drained = traffic.drain(1_000)
      client.send('\x81\x80\0\0\0\0')
      await client.until('heard')
      await client.until('\x88\x02\x03\xe9')
      await waitFor(() => Buffer.concat(received).includes(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 3, 0xe9])), {
        what: 'the upstream to be told as well',
      })
      expect(await drained).toBe(0)
      await client.untilClosed()
    })

    test('is cut and counted when nobody closes it', async () => {
      const web = await switchingOrigin((socket) => socket.resume())
      const { port, traffic } = await trafficTo(web.url)
      const client = await open(port, handshake(), true)
      expect(await traffic.drain(300)).toBe(1)
      await waitFor(() => client.socket.readableEnded, { what: 'the end' })
    })
  })

  describe('a websocket that the upstream refuses', () => {
    test.each([403, 426, 503, 200])(
      'with %d is an answer like any other, and its connection goes on',
      async (status) => {
        const web = await kept(
          startRawOrigin((socket) => {
            socket.on('data', (head) => {
              const isFirst = head.toString('latin1').includes('/chat')
              const text = isFirst ? `HTTP/1.1 ${status} Word` : 'HTTP/1.1 200 OK'
              const body = isFirst ? 'x'.repeat(3_000) : 'next'
              socket.write(`${text}\r\nX-Why: because\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
            })
          }),
        )
        const { port, metricsText } = await trafficTo(web.url)
        const client = await kept(Promise.resolve(new RawClient(port)))
        client.send(handshake())
        // fabio cuts it at 1024 octets (QUIRK-33).
        const answer = await client.until('x'.repeat(3_000))
        expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} Word\r\n`))
        expect(answer).toContain('\r\nX-Why: because\r\n')
        client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n')
        await client.until('next')
        expect(await metricsText()).toContain('gatehouse_ws_conn 0')
      },
    )

    test('by not being there is 502, with words', async () => {
      const { port } = await trafficTo('http://127.0.0.1:9/')
      const client = await kept(Promise.resolve(new RawClient(port)))
      const answer = await client.send(handshake()).until('refused the connection')
      expect(answer).toMatch(/^HTTP\/1\.1 502 [\s\S]*X-Gatehouse-Error: GW_CONNECT_REFUSED\r\n/)
    })

    test('by closing is 502, with words', async () => {
      const web = await kept(startRawOrigin((socket) => socket.once('data', () => socket.end())))
      const { port } = await trafficTo(web.url)
      const client = await kept(Promise.resolve(new RawClient(port)))
      expect(await client.send(handshake()).until('502')).toMatch(/^HTTP\/1\.1 502 /)
    })
  })
}
