import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type Origin, startOrigin, startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'

// Hostile peers on both sides, in octets on real sockets.

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function origin(...args: Parameters<typeof startOrigin>): Promise<Origin> {
  const started = await startOrigin(...args)
  cleanups.push(() => started.close())
  return started
}

/** An upstream in octets that keeps what reached it on each connection. */
async function recording(answer: (text: string, socket: Socket, connection: number) => void) {
  const received: string[] = []
  const started = await startRawOrigin((socket) => {
    const connection = received.push('') - 1
    socket.on('data', (chunk) => {
      received[connection] += chunk.toString('latin1')
      answer(received[connection]!, socket, connection)
    })
  })
  cleanups.push(() => started.close())
  return { ...started, received }
}

async function trafficTo(url: string, more: Parameters<typeof startTraffic>[1] = {}) {
  const started = await startTraffic([serviceRoutes('web', definition('web', '/', url))], more)
  cleanups.push(() => started.close())
  return started
}

function rawClient(port: number): RawClient {
  const client = new RawClient(port)
  cleanups.push(() => client.close())
  return client
}

const get = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const heads = (text: string): number => text.split(/\r\n\r\n/).length - 1

describe('pipelined requests', () => {
  test('are answered in order, one after the other', async () => {
    const web = await origin((message, response) => {
      // The first takes longest: side by side they would come back in the wrong order.
      setTimeout(() => response.end(`<${message.url}>`), message.url === '/0' ? 50 : 0)
    })
    const { port } = await trafficTo(web.url)
    const client = rawClient(port).send([0, 1, 2, 3, 4].map((n) => get(`/${n}`)).join(''))
    const received = await client.until('</4>')
    expect(received.match(/<\/\d>/g)).toEqual(['</0>', '</1>', '</2>', '</3>', '</4>'])
  })

  test('of a thousand are all answered', async () => {
    const web = await origin((_message, response) => response.end('x'))
    const { port } = await trafficTo(web.url)
    const client = rawClient(port).send(get().repeat(1_000))
    await waitFor(() => client.received.split('HTTP/1.1 200').length === 1_001, {
      what: 'a thousand answers',
      deadline: 20_000,
    })
  })

  test('with bodies are told from each other', async () => {
    const web = await origin((message, response) => message.pipe(response))
    const { port } = await trafficTo(web.url)
    const post = (body: string): string =>
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const client = rawClient(port).send(post('<first>') + post('<second>') + get('/') + post('<third>'))
    const received = await client.until('<third>')
    expect(received.match(/<\w+>/g)).toEqual(['<first>', '<second>', '<third>'])
    expect(web.received.map(({ method }) => method)).toEqual(['POST', 'POST', 'GET', 'POST'])
  })

  test('that are malformed do not cost the good answer before them', async () => {
    const web = await origin((_message, response) => setTimeout(() => response.end('good'), 50))
    const { port } = await trafficTo(web.url)
    const received = await rawClient(port).send(`${get()}GET / HTTP/1.1\nHost: a\n\n${get()}`).untilClosed()
    expect(received).toMatch(/^HTTP\/1\.1 200 [\s\S]*goodHTTP\/1\.1 400 /)
    expect(web.received).toHaveLength(1)
  })
})

describe('request smuggling', () => {
  // Each class by its public name: nothing of the hidden request may reach the upstream.
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'
  test.each([
    [
      'CL.TE',
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    ],
    [
      'TE.CL',
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n27\r\n${hidden}\r\n0\r\n\r\n`,
    ],
    [
      'TE.TE',
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n${hidden}`,
    ],
    [
      'TE by another spelling',
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n${hidden}`,
    ],
    [
      'chunk size with 0x',
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n${hidden}`,
    ],
    [
      'chunk line ended by LF',
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n${hidden}`,
    ],
    [
      'line feed in a chunk extension',
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;\n\r\n\r\n${hidden}`,
    ],
    ['header behind a bare CR', `GET / HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 38\r\n\r\n${hidden}`],
    ['absolute form against Host', `GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n${hidden}`],
  ])('%s reaches nobody', async (_class, text) => {
    const web = await recording((received, socket) => {
      if (received.endsWith('\r\n\r\n')) socket.write(ok)
    })
    const { port } = await trafficTo(web.url)
    expect(await rawClient(port).send(text).untilClosed()).toMatch(/HTTP\/1\.1 400 /)
    await pause(20)
    expect(web.received.join('')).not.toContain('/hidden')
    expect(web.received.join('')).not.toContain('0x0')
  })

  test('CL.0: a body on a request that has none elsewhere stays a body', async () => {
    const web = await recording((received, socket) => {
      if (received.endsWith(hidden)) socket.write(ok)
    })
    const { port } = await trafficTo(web.url)
    const client = rawClient(port).send(
      `GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    )
    await client.until('ok')
    expect(web.received[0]).toContain(`Content-Length: ${hidden.length}\r\n\r\n${hidden}`)
    expect(client.received.split('HTTP/1.1 ').length).toBe(2)
  })

  test('0.CL: an upstream that answers before the body costs its connection, and no other request', async () => {
    const web = await recording((received, socket) => {
      if (heads(received) === 1) socket.write(ok)
    })
    const { port } = await trafficTo(web.url)
    const first = rawClient(port).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nbegin')
    expect(await first.untilClosed()).toMatch(/Connection: close[\s\S]*ok$/)
    await rawClient(port).send(get('/second')).until('ok')
    expect(web.received).toHaveLength(2)
    expect(web.received[1]).toMatch(/^GET \/second /)
  })

  test('response splitting: a header that an upstream hides in another is no header', async () => {
    const web = await recording((_received, socket) =>
      socket.write('HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil=1\r\nContent-Length: 2\r\n\r\nok'),
    )
    const { port } = await trafficTo(web.url)
    expect(await rawClient(port).send(get()).until('502')).not.toContain('evil')
  })

  test('octets behind an answer never become the next one', async () => {
    const web = await recording((_received, socket) =>
      socket.write(`${ok}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`),
    )
    const { port } = await trafficTo(web.url)
    for (let n = 0; n < 5; n++) {
      const client = rawClient(port).send(get())
      await client.until('ok')
      expect(client.received).not.toContain('evil')
    }
  })

  test('upgrade desync: no tunnel without a 101, and none for h2c', async () => {
    const upgrade = (protocol: string): string =>
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\n\r\n`
    const web = await recording((received, socket) => {
      if (received.endsWith('\r\n\r\n')) socket.write(ok)
    })
    const { port } = await trafficTo(web.url)
    const refused = rawClient(port).send(`${upgrade('websocket')}GET /after HTTP/1.0\r\nHost: a\r\n\r\n`)
    await refused.untilClosed()
    expect(refused.received.split('HTTP/1.1 200').length).toBe(3)
    // What came behind the request was read as a request, checked and written anew.
    expect(web.received.join('')).toContain('GET /after HTTP/1.1\r\n')
    await rawClient(port).send(upgrade('h2c')).until('ok')
    expect(web.received.join('').match(/Upgrade: \S+/g)).toEqual(['Upgrade: websocket'])
  })

  test('100-continue desync: a refused body is never read as a request', async () => {
    const web = await recording((_received, socket) =>
      socket.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
    )
    const { port } = await trafficTo(web.url)
    const client = rawClient(port).send(
      `POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${hidden.length}\r\n\r\n`,
    )
    await client.until('417')
    client.send(hidden)
    await client.untilClosed()
    expect(client.received.match(/HTTP\/1\.1 [2-5]\d\d/g)).toEqual(['HTTP/1.1 417'])
  })
})

describe('websockets', () => {
  const handshake = (path = '/chat'): string =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n`
  const switching =
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\n'

  test.each(['wire', 'undici'] as const)(
    'pass octets both ways, those that came with the 101 too (%s)',
    async (upstreamClient) => {
      const web = await recording((received, socket) => {
        if (heads(received) === 1 && received.endsWith('\r\n\r\n')) socket.write(`${switching}early`)
        else socket.write(`<${received.split('\r\n\r\n')[1]}>`, 'latin1')
      })
      const { port } = await trafficTo(web.url, { upstreamClient })
      const client = rawClient(port).send(handshake())
      const head = await client.until('early')
      expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*Sec-WebSocket-Accept: y\r\n/)
      expect(head).toMatch(/\r\nUpgrade: websocket\r\n/i)
      client.send('\x00\xff GET / HTTP/1.1')
      await client.until('<\x00\xff GET / HTTP/1.1>')
      expect(web.received[0]).toMatch(/Connection: Upgrade\r\nUpgrade: websocket\r\n/i)
    },
  )

  test('end on one side when they end on the other', async () => {
    const web = await recording((received, socket) => {
      if (received.endsWith('\r\n\r\n')) socket.write(switching)
      else if (received.endsWith('bye')) socket.end('last words')
    })
    const { port } = await trafficTo(web.url)
    const client = rawClient(port).send(handshake())
    await client.until('101')
    expect(await client.send('bye').untilClosed()).toContain('last words')
    const other = rawClient(port).send(handshake())
    await other.until('101')
    const upstream = web.sockets.at(-1)!
    other.close()
    await waitFor(() => upstream.destroyed, { what: 'the upstream to hear of it' })
  })

  test('that the upstream refuses are answered as any request', async () => {
    const web = await recording((_received, socket) =>
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
    )
    const { port } = await trafficTo(web.url)
    const client = rawClient(port).send(handshake())
    expect(await client.until('no')).toMatch(/^HTTP\/1\.1 403 /)
  })

  test('a switch that nobody asked for is 502', async () => {
    const web = await recording((_received, socket) => socket.write(switching))
    const { port } = await trafficTo(web.url)
    expect(await rawClient(port).send(get()).until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /)
  })
})

describe('time and ends', () => {
  test('a head that does not end is answered 408', async () => {
    const { port } = await trafficTo('http://127.0.0.1:9/', { listener: { headTimeout: 100 } })
    expect(await rawClient(port).send('GET / HTTP/1.1\r\nHost:').untilClosed()).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('an upload that stands still is answered 408, and its upstream connection closed', async () => {
    const web = await recording(() => {})
    const { port } = await trafficTo(web.url, { listener: { bodyStallTimeout: 100 } })
    const client = rawClient(port).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 408 /)
    await waitFor(() => web.sockets[0]!.destroyed, { what: 'the upstream connection to close' })
  })

  test('a body larger than proxy.maxbody is answered 413, stated or not', async () => {
    const web = await recording((received, socket) => {
      if (received.endsWith('0\r\n\r\n')) socket.write(ok)
    })
    const { port } = await trafficTo(web.url, { listener: { maxBodySize: 10 } })
    const stated = rawClient(port).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n')
    expect(await stated.untilClosed()).toMatch(/^HTTP\/1\.1 413 /)
    expect(web.received).toEqual([])
    const counted = rawClient(port).send(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n',
    )
    expect(await counted.untilClosed()).toMatch(/^HTTP\/1\.1 413 /)
    expect(web.received.join('')).not.toContain('0\r\n\r\n')
  })

  test('a client that sent its end after its request still gets the answer', async () => {
    const web = await origin((_message, response) => setTimeout(() => response.end('late'), 200))
    const { port } = await trafficTo(web.url)
    const client = rawClient(port)
    client.socket.end(get())
    expect(await client.untilClosed()).toContain('late')
  })

  // Found by the fuzzer: only the first was answered.
  test('pipelined requests that came before the client’s end are all answered, one that was cut short is not', async () => {
    const web = await origin((message, response) => message.pipe(response))
    const { port } = await trafficTo(web.url)
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n<body1>'
    for (const cut of [
      '',
      'GET /cut HTTP/1.1\r\nHo',
      'PUT /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n<bo',
    ]) {
      const client = rawClient(port)
      client.socket.end(get('/1') + post + get('/3') + cut, 'latin1')
      const received = await client.untilClosed()
      expect(received.match(/HTTP\/1\.1 200|<body1>/g)).toHaveLength(4)
      expect(received).not.toContain('<bo<')
    }
  })

  // The end used to be seen while the upstream was still being connected to, and taken for the middle of the body.
  test.each(['wire', 'undici'] as const)(
    'a body that comes together with the client’s end is whole (%s)',
    async (upstreamClient) => {
      const web = await origin((message, response) => message.pipe(response))
      const { port } = await trafficTo(web.url, { upstreamClient })
      for (const framed of [
        'Content-Length: 5\r\n\r\nwhole',
        'Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n',
      ]) {
        const client = rawClient(port)
        client.socket.end(`POST / HTTP/1.1\r\nHost: a\r\n${framed}`, 'latin1')
        expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 [\s\S]*whole/)
      }
    },
  )

  test.each(['while it waits', 'in the middle of an answer', 'in the middle of an upload'])(
    'a client that goes %s closes its upstream connection within 2 s',
    async (when) => {
      const web = await recording((_received, socket) => {
        if (when === 'in the middle of an answer')
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin')
      })
      const { port } = await trafficTo(web.url)
      const upload = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin'
      const client = rawClient(port).send(when === 'in the middle of an upload' ? upload : get())
      await waitFor(() => web.received[0]?.includes('\r\n\r\n'), { what: 'the request' })
      if (when === 'in the middle of an answer') await client.until('begin')
      client.close()
      await waitFor(() => web.sockets[0]!.destroyed, {
        what: 'the upstream connection to close',
        deadline: 2_000,
      })
    },
  )

  test('an answer of an upstream that closes during an upload arrives, thirty times of thirty', async () => {
    const web = await startRawOrigin((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig')
        setImmediate(() => socket.destroy())
      })
    })
    cleanups.push(() => web.close())
    const { port } = await trafficTo(web.url)
    const part = Buffer.alloc(256 * 1024)
    for (let n = 0; n < 30; n++) {
      const client = rawClient(port)
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${80 * part.length}\r\n\r\n`)
      const sending = (async () => {
        for (let sent = 0; sent < 80 && !client.isClosed && !client.received.includes('big'); sent++) {
          if (!client.socket.write(part))
            await Promise.race([once(client.socket, 'drain'), once(client.socket, 'close')])
        }
      })()
      expect(await client.until('big'), `run ${n}`).toMatch(/^HTTP\/1\.1 413 /)
      client.close()
      await sending
    }
  })

  test.each([
    ['a chunk that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX'],
    ['an end too early', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'],
    ['an end between chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
  ])('an answer with %s never looks complete', async (what, text) => {
    const web = await recording((_received, socket) => {
      socket.write(text)
      setTimeout(() => socket.end(), 20)
    })
    const { port } = await trafficTo(web.url)
    const received = await rawClient(port).send(get()).untilClosed()
    // Cut at once, even the head may not have gone out.
    if (what !== 'a chunk that is none') expect(received).toContain('hello')
    expect(received).not.toMatch(/\r\n0\r\n\r\n$/)
  })

  test.each([
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['HTTP/0.9', 'just text'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['an impossible status', 'HTTP/1.1 099 X\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
    ['NUL', 'HTTP/1.1 200 OK\r\nX: a\0\r\nContent-Length: 0\r\n\r\n'],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(60_000)}`],
    ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10)],
  ])('an upstream that answers with %s is 502, and nobody waits', async (_what, text) => {
    const web = await recording((_received, socket) => socket.end(text))
    const { port } = await trafficTo(web.url)
    const client = rawClient(port).send(get())
    expect(await client.until('502 Bad Gateway')).toContain('X-Gatehouse-Error: ')
  })
})
