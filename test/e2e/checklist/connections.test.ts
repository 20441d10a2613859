import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type AnswerTo, answerOf, between, clients, hidden } from '../../support/between.ts'
import { RawClient } from '../../support/raw-client.ts'
import { definition, serviceRoutes } from '../../support/routes.ts'
import { startTraffic } from '../../support/traffic.ts'
import { waitFor } from '../../support/wait.ts'

// What an HTTP/1.1 gateway must do, 86 to 103: connections, retries, time and memory. A bare section number is of RFC
// 9112.

const get = (path = '/', ...lines: string[]): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
const post = (body: string, path = '/'): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const echoPath: AnswerTo = ({ start }) => answerOf(`<${start}>`)
const countOf = (text: string, part: string): number => text.split(part).length - 1

describe.each(clients)('with %s', (upstreamClient) => {
  test('86: both connections are kept, pipelined requests are answered in order, 9.3', async () => {
    const gateway = await between({ upstreamClient }, echoPath)
    const client = gateway.client(get('/1') + post('x', '/2') + get('/3'))
    const received = await client.until('<GET /3>')
    expect(received.match(/<[^>]*>/g)).toEqual(['<GET /1>', '<POST /2>', '<GET /3>'])
    await client.send(get('/4')).until('<GET /4>')
    // undici has a connection free only a moment after it has told of the answer, and takes another meanwhile.
    const most = upstreamClient === 'wire' ? 0 : 1
    expect(Math.max(...gateway.requests.map(({ connection }) => connection))).toBeLessThanOrEqual(most)
  })

  test('87, 88: of pipelined requests one is under way at a time, so no answer overtakes another, 9.3.2', async () => {
    const gateway = await between({ upstreamClient }, () => null)
    const client = gateway.client(`${post('a', '/1')}${post('b', '/2')}GARBAGE\r\n\r\n`)
    for (const path of ['/1', '/2']) {
      await waitFor(() => gateway.requests.at(-1)?.start === `POST ${path}`, { what: path })
      await pause(30)
      expect(gateway.requests.at(-1)!.start).toBe(`POST ${path}`)
      expect(client.received).not.toContain('400')
      gateway.requests.at(-1)!.socket.write(answerOf(`<${path}>`))
      await client.until(`<${path}>`)
    }
    expect(await client.untilClosed()).toMatch(/<\/1>[\s\S]*<\/2>HTTP\/1\.1 400 /)
  })

  test('89: what asks for the end of its connection is answered, and nothing behind it is served, 9.6', async () => {
    const gateway = await between({ upstreamClient }, echoPath)
    const received = await gateway.client(get('/1', 'Connection: close') + hidden).untilClosed()
    expect(received).toMatch(/\r\nConnection: close\r\n[\s\S]*<GET \/1>$/)
    expect(gateway.requests).toHaveLength(1)
  })

  test('89: an answer of 1 MiB is not lost to the close behind it, 9.6', async () => {
    const gateway = await between({ upstreamClient }, () => answerOf('x'.repeat(1 << 20)))
    const client = gateway.client(get('/1', 'Connection: close') + hidden.repeat(100))
    client.socket.pause()
    await pause(50)
    client.socket.resume()
    expect((await client.untilClosed()).split('\r\n\r\n')[1]).toHaveLength(1 << 20)
  })

  test('90: behind a framing error nothing is served, 6.3', async () => {
    const gateway = await between({ upstreamClient }, echoPath)
    const bad = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
    const received = await gateway.client(get('/1') + bad + hidden + hidden).untilClosed()
    expect(received).toMatch(/<GET \/1>HTTP\/1\.1 400 /)
    expect(countOf(received, 'HTTP/1.1 ')).toBe(2)
    expect(gateway.octets.join('')).not.toContain('/hidden')
  })

  test('91: a POST is never repeated, also on a kept connection that dies under it, 9110 9.2.2', async () => {
    const gateway = await between({ upstreamClient }, ({ start, socket }) => {
      if (start !== 'POST /die') return answerOf('ok')
      socket.destroy()
      return null
    })
    await gateway.client(get()).until('ok')
    const received = await gateway.client(post('x', '/die')).until('\r\n\r\n')
    expect(received).toMatch(/^HTTP\/1\.1 502 /)
    await pause(50)
    expect(gateway.requests.filter(({ start }) => start === 'POST /die')).toHaveLength(1)
  })

  test('92: a GET is repeated once at most where each of its connections dies, 9110 9.2.2', async () => {
    const gateway = await between({ upstreamClient }, ({ start, socket }) => {
      if (start !== 'GET /die') return answerOf('ok')
      socket.destroy()
      return null
    })
    await gateway.client(get()).until('ok')
    expect(await gateway.client(get('/die')).until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /)
    await pause(50)
    const sent = gateway.requests.filter(({ start }) => start === 'GET /die').length
    expect(sent).toBeGreaterThanOrEqual(1)
    expect(sent).toBeLessThanOrEqual(2)
  })

  test('93: an idle upstream connection that was closed costs no request, not even a POST, 9.3.1', async () => {
    const gateway = await between({ upstreamClient }, echoPath)
    for (let n = 0; n < 10; n++) {
      await gateway.client(post('x', `/${n}`)).until(`<POST /${n}>`)
      gateway.sockets.at(-1)!.end()
      await once(gateway.sockets.at(-1)!, 'close')
    }
    expect(gateway.requests).toHaveLength(10)
  })

  test('94: a connection that its upstream has called the last is not used again, 9.6', async () => {
    const gateway = await between({ upstreamClient }, () => answerOf('ok', 'Connection: close'))
    const client = gateway.client(get('/1'))
    await client.until('ok')
    expect(client.received).not.toMatch(/connection/i)
    client.send(get('/2'))
    await waitFor(() => gateway.requests.length === 2, { what: 'the second request' })
    expect(gateway.requests[1]!.connection).toBe(1)
  })

  test.each([
    ['waits', get(), null, '\r\n\r\n'],
    ['is answered', get(), 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin', '\r\n\r\n'],
    ['uploads', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin', null, 'begin'],
  ])(
    '95: a client that goes while it %s closes the upstream connection within 2 s',
    async (_when, text, answer, reached) => {
      const gateway = await between({ upstreamClient }, () => answer)
      const client = gateway.client(text)
      await waitFor(() => gateway.octets[0]?.includes(reached), { what: 'the request' })
      if (answer !== null) await client.until('begin')
      client.close()
      const what = 'the upstream connection to close'
      await waitFor(() => gateway.sockets[0]!.destroyed, { what, deadline: 2_000 })
    },
  )

  test('96: an upstream that does not read holds the client back', async () => {
    const gateway = await between({ upstreamClient }, () => null)
    const total = 64 * 1024 * 1024
    const client = gateway.client(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
    const part = Buffer.alloc(64 * 1024)
    client.socket.write(part)
    await waitFor(() => gateway.sockets.length === 1, { what: 'the request' })
    gateway.sockets[0]!.pause()
    let sent = part.length
    // Until nothing goes out for a while.
    while (sent < total) {
      if (client.socket.write(part)) sent += part.length
      else if (
        await Promise.race([once(client.socket, 'drain').then(() => false), pause(300).then(() => true)])
      )
        break
      else sent += part.length
    }
    expect(sent).toBeLessThan(total / 2)
  })

  test('97: the head of an answer and each of its parts go on at once', async () => {
    const gateway = await between({ upstreamClient }, () => null)
    const client = gateway.client(get())
    await waitFor(() => gateway.requests.length === 1, { what: 'the request' })
    const { socket } = gateway.requests[0]!
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    await client.until('\r\n\r\n')
    for (const part of ['one', 'two', 'three']) {
      socket.write(`${part.length}\r\n${part}\r\n`)
      await client.until(part)
    }
    expect(client.received).not.toContain('\r\n0\r\n')
    socket.write('0\r\n\r\n')
    await client.until('\r\n0\r\n\r\n')
  })

  test('97: the head of a request and each part of its body go on at once', async () => {
    const gateway = await between({ upstreamClient })
    const client = gateway.client('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    // undici sends a head only with the first octets of its body.
    if (upstreamClient === 'wire')
      await waitFor(() => gateway.octets[0]?.endsWith('\r\n\r\n'), { what: 'the head' })
    for (const part of ['one', 'two', 'three']) {
      client.send(`${part.length}\r\n${part}\r\n`)
      await waitFor(() => gateway.octets[0]?.includes(part), { what: part })
    }
    await client.send('0\r\n\r\n').until('ok')
    expect(gateway.requests[0]!.body).toBe('onetwothree')
  })

  test('98: clients and upstreams that are slow but move are served', async () => {
    const limits = { bodyStallTimeout: 200, headTimeout: 2_000 }
    const gateway = await between(
      { upstreamClient, listener: limits, upstream: { headTimeout: 300 } },
      () => null,
    )
    const text = post('slow body')
    const client = gateway.client('')
    for (const octet of text) {
      client.send(octet)
      await pause(octet === '\n' ? 0 : 10)
    }
    await waitFor(() => gateway.requests.length === 1, { what: 'the request' })
    for (const octet of answerOf('a slow answer')) {
      gateway.sockets[0]!.write(octet)
      await pause(5)
    }
    await client.until('a slow answer')
  })

  test.each([
    ['a head', 'GET / HTTP/1.1\r\nHost: a\r\nX', { headTimeout: 100 }],
    ['a request line', 'GE', { headTimeout: 100 }],
    [
      'a body with a length',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf',
      { bodyStallTimeout: 100 },
    ],
    [
      'a body in chunks',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha',
      { bodyStallTimeout: 100 },
    ],
  ])('99: %s that does not go on is 408, 9110 15.5.9', async (_what, text, listener) => {
    const gateway = await between({ upstreamClient, listener })
    expect(await gateway.client(text).untilClosed()).toMatch(/^HTTP\/1\.1 408 /)
    expect(gateway.requests).toEqual([])
  })

  test('99: a head that comes octet by octet for too long is 408, 9110 15.5.9', async () => {
    const gateway = await between({ upstreamClient, listener: { headTimeout: 300 } })
    const client = gateway.client('GET / HTTP/1.1\r\nHost: a\r\n')
    const timer = setInterval(() => client.send('X: y\r\n'), 20)
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 408 /)
    clearInterval(timer)
  })

  test('100, 101: silence is 504, a closed port 502 at once, and all is well when the upstream is back', async () => {
    let isSilent = true
    const gateway = await between({ upstreamClient, upstream: { headTimeout: 200 } }, () =>
      isSilent ? null : answerOf('ok'),
    )
    expect(await gateway.client(get()).until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 504 [\s\S]*GW_HEAD_TIMEOUT/)
    isSilent = false
    await gateway.client(get()).until('ok')

    const other = createServer((socket) => void socket.on('data', () => socket.write(answerOf('back'))))
    const { port } = await listening(other, 0)
    await new Promise((resolve) => other.close(resolve))
    const { client } = await betweenPort(port, upstreamClient)
    const start = performance.now()
    expect(await client(get()).until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 [\s\S]*GW_CONNECT_REFUSED/)
    expect(performance.now() - start).toBeLessThan(1_000)
    await listening(other, port)
    await client(get()).until('back')
  })

  test.each([64, 200])('102: of %i clients at once each gets its own answers', async (count) => {
    const gateway = await between({ upstreamClient }, ({ start, body, number }) =>
      number % 7 === 6 ? answerOf(`<${start} ${body}>`, 'Connection: close') : answerOf(`<${start} ${body}>`),
    )
    const ask = async (n: number): Promise<void> => {
      const client = gateway.client('')
      for (let i = 0; i < 8; i++) {
        const path = `/${n}-${i}`
        client.send(i % 2 === 0 ? get(path) : post(`${n}+${i}`, path))
        await client.until(i % 2 === 0 ? `<GET ${path} >` : `<POST ${path} ${n}+${i}>`)
      }
      expect(countOf(client.received, 'HTTP/1.1 200')).toBe(8)
      expect(client.received.match(/<\w+ \/(\d+)-/g)!.every((own) => own.endsWith(`/${n}-`))).toBe(true)
    }
    await Promise.all(Array.from({ length: count }, (_, n) => ask(n)))
    expect(gateway.requests).toHaveLength(8 * count)
  })

  test('103: after a load, and clients that left in the middle of it, nothing is under way any more', async () => {
    const gateway = await between({ upstreamClient, upstream: { idleTimeout: 200 } }, ({ start }) =>
      start.startsWith('GET /slow') ? null : answerOf('x'.repeat(100_000)),
    )
    const all = Array.from({ length: 50 }, (_, n) => gateway.client(get(n % 3 === 0 ? `/slow${n}` : `/${n}`)))
    await waitFor(() => gateway.requests.length === 50, { what: 'all requests' })
    for (const client of all) client.close()
    await waitFor(() => gateway.sockets.every(({ destroyed }) => destroyed), {
      what: 'all connections to close',
    })
    expect((await gateway.traffic.metrics()).counts.connectionsOpen).toBe(0)
    await gateway.client(get('/again')).until('xxx')
  })
})

const listening = async (
  server: ReturnType<typeof createServer>,
  port: number,
): Promise<{ port: number }> => {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return server.address() as { port: number }
}

/** A gateway in front of this port. */
async function betweenPort(port: number, upstreamClient: 'wire' | 'undici') {
  const routes = serviceRoutes('web', definition('web', '/', `http://127.0.0.1:${port}/`))
  const gateway = await startTraffic([routes], { upstreamClient })
  onTestFinished(async () => void (await gateway.close()))
  return {
    client(text: string): RawClient {
      const client = new RawClient(gateway.port)
      onTestFinished(() => client.close())
      return client.send(text)
    },
  }
}
