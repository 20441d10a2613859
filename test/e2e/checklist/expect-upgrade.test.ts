import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type AnswerTo, answerOf, between, clients, hidden } from '../../support/between.ts'
import { waitFor } from '../../support/wait.ts'

// What an HTTP/1.1 gateway must do, 63 to 71: Expect, interim answers and upgrades. A bare section number is of RFC
// 9110.

const heads = (text: string): number => text.split('\r\n\r\n').length - 1
const upload = (size: number, version = '1.1'): string =>
  `POST / HTTP/${version}\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${size}\r\n\r\n`
const handshake = (protocol = 'websocket', version = '1.1'): string =>
  `GET /chat HTTP/${version}\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Key: x\r\n\r\n`
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\n'

/** What is asked for on /chat is answered by the test itself. */
const answerOthers: AnswerTo = ({ start }) => (start === 'GET /chat' ? null : answerOf('ok'))

describe.each(clients)('with %s', (upstreamClient) => {
  // undici sends a head only with the first octets of its body, so nobody can answer in between.
  const sendsHeadLate = upstreamClient === 'undici'

  test('63: a client that waits for 100 gets it, and its body goes on, 10.1.1', async () => {
    const gateway = await between({ upstreamClient })
    const client = gateway.client(upload(5))
    expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    expect(await client.send('hello').until('ok')).toMatch(/Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    expect(gateway.requests.map(({ body }) => body)).toEqual(['hello'])
    expect(gateway.octets[0]).not.toMatch(/expect/i)
  })

  test('63: a body that comes without waiting needs no 100, 10.1.1', async () => {
    const gateway = await between({ upstreamClient })
    expect(await gateway.client(`${upload(5)}hello`).until('ok')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  })

  test('63: an Expect that nobody knows is 417, 10.1.1', async () => {
    const gateway = await between({ upstreamClient })
    const text = upload(5).replace('100-continue', 'magic')
    expect(await gateway.client(`${text}${hidden}`).untilClosed()).toMatch(/^HTTP\/1\.1 417 /)
    expect(gateway.octets).toEqual([])
  })

  test('63: Expect in HTTP/1.0 says nothing, 10.1.1', async () => {
    const gateway = await between({ upstreamClient })
    const client = gateway.client(upload(5, '1.0'))
    await pause(20)
    expect(client.received).toBe('')
    expect(await client.send('hello').until('ok')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(gateway.octets[0]).not.toMatch(/expect/i)
  })

  test.skipIf(sendsHeadLate)(
    '63: a final answer that comes before the body ends the connection (100-continue desync), 10.1.1',
    async () => {
      const gateway = await between({ upstreamClient })
      const client = gateway.client(upload(hidden.length))
      await waitFor(() => heads(gateway.octets[0] ?? '') === 1, { what: 'the head' })
      gateway.sockets[0]!.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n')
      await client.until('417')
      client.send(hidden + hidden)
      const received = await client.untilClosed()
      expect(received.match(/HTTP\/1\.1 [2-5]\d\d/g)).toEqual(['HTTP/1.1 417'])
      expect(gateway.requests).toEqual([])
    },
  )

  test.skipIf(sendsHeadLate)(
    '64: an upstream connection with an unsent body goes to nobody else, CVE-2024-24791',
    async () => {
      const gateway = await between({ upstreamClient })
      const client = gateway.client(upload(5))
      await waitFor(() => heads(gateway.octets[0] ?? '') === 1, { what: 'the head' })
      gateway.sockets[0]!.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
      await client.until('401')
      await gateway.client('GET /next HTTP/1.1\r\nHost: a\r\n\r\n').until('ok')
      expect(gateway.requests.map(({ start, connection }) => [start, connection])).toEqual([['GET /next', 1]])
      await waitFor(() => gateway.sockets[0]!.destroyed, { what: 'the first connection to close' })
    },
  )

  test('65: no interim answer reaches a client of HTTP/1.0, 15.2', async () => {
    const gateway = await between(
      { upstreamClient },
      () => `HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n${answerOf('ok')}`,
    )
    const client = gateway.client('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(client.received).not.toContain('103')
  })

  test('66: interim answers go on, however many, 15.2', async () => {
    const hint = (n: number): string => `HTTP/1.1 103 Early Hints\r\nLink: <${n}>\r\n\r\n`
    const gateway = await between(
      { upstreamClient },
      () => hint(1) + hint(2) + hint(3) + answerOf('ok', 'Date: now'),
    )
    const received = await gateway.client('GET / HTTP/1.1\r\nHost: a\r\n\r\n').until('ok')
    expect(received).toBe(hint(1) + hint(2) + hint(3) + answerOf('ok', 'Date: now'))
  })

  test('66: a 100 that nobody asked for does not disturb the answer, 15.2.1', async () => {
    const gateway = await between({ upstreamClient }, () => `HTTP/1.1 100 Continue\r\n\r\n${answerOf('ok')}`)
    const received = await gateway
      .client('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      .until(upstreamClient === 'wire' ? 'ok' : '\r\n\r\n')
    // undici takes a 100 for a bad answer; what counts is that it never becomes one.
    expect(received.match(/HTTP\/1\.1 [2-5]\d\d/g)).toHaveLength(1)
  })

  test('67: a switch that nobody asked for is 502, 7.8', async () => {
    const gateway = await between({ upstreamClient }, () => `${switching}${answerOf('evil')}`)
    const client = gateway.client('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await waitFor(() => gateway.octets.length === 2, { what: 'another connection' })
    expect(client.received).not.toContain('evil')
  })

  test('67: h2c is never passed on: nobody but the upstream would frame what follows, 7.8', async () => {
    const gateway = await between({ upstreamClient })
    await gateway.client(handshake('h2c')).until('ok')
    await gateway.client(handshake('H2C, websocket')).until('ok')
    expect(gateway.octets.join('')).not.toMatch(/upgrade|h2c/i)
  })

  test('68: nothing is a tunnel before the 101 (upgrade desync), CVE-2026-2833', async () => {
    const gateway = await between({ upstreamClient }, answerOthers)
    const client = gateway.client(handshake() + hidden)
    await waitFor(() => heads(gateway.octets[0] ?? '') === 1, { what: 'the handshake' })
    await pause(50)
    expect(gateway.octets.join('')).not.toContain('/hidden')
    gateway.sockets[0]!.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    await client.until('no')
    // Read as a request, checked, and written anew.
    await waitFor(() => gateway.octets.join('').includes('GET /hidden'), { what: 'the next request' })
    expect(gateway.octets.join('')).toMatch(
      /GET \/hidden HTTP\/1\.1\r\n(?:.*\r\n)*X-Real-Ip: 127\.0\.0\.1\r\n/i,
    )
  })

  test('69: octets in one segment with the 101 are delivered, ends are passed both ways, 7.8', async () => {
    const gateway = await between({ upstreamClient }, answerOthers)
    const answer = (connection: number): void => void gateway.sockets[connection]!.write(`${switching}early`)
    const client = gateway.client(`${handshake()}\x00first`)
    await waitFor(() => heads(gateway.octets[0] ?? '') >= 1, { what: 'the handshake' })
    answer(0)
    await client.until('early')
    await waitFor(() => gateway.octets[0]!.endsWith('\x00first'), { what: 'what came with the handshake' })
    client.send('\x00\xff GET / HTTP/1.1')
    await waitFor(() => gateway.octets[0]!.endsWith('\x00\xff GET / HTTP/1.1'), {
      what: 'octets as they are',
    })
    gateway.sockets[0]!.end('last words')
    expect(await client.untilClosed()).toContain('last words')

    const other = gateway.client(handshake())
    await waitFor(() => heads(gateway.octets[1] ?? '') === 1, { what: 'the handshake' })
    answer(1)
    await other.until('early')
    other.socket.end('bye')
    await waitFor(() => gateway.octets[1]!.endsWith('bye'), { what: 'what came before the end' })
    await waitFor(() => gateway.sockets[1]!.destroyed, { what: 'the end' })
  })

  test('70: a refused upgrade is an ordinary answer, and both connections go on', async () => {
    const gateway = await between({ upstreamClient }, answerOthers)
    const client = gateway.client(handshake())
    await waitFor(() => heads(gateway.octets[0] ?? '') === 1, { what: 'the handshake' })
    gateway.sockets[0]!.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    expect(await client.until('no')).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
    client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n')
    await waitFor(() => client.received.includes('ok') || gateway.octets.join('').includes('/next'), {
      what: 'the next',
    })
  })

  test('71: Upgrade in HTTP/1.0 is ignored, 7.8', async () => {
    const gateway = await between({ upstreamClient })
    await gateway.client(handshake('websocket', '1.0')).until('ok')
    expect(gateway.octets[0]).not.toMatch(/upgrade/i)
  })

  test('71: Upgrade of a request with a body is ignored, 7.8', async () => {
    const gateway = await between({ upstreamClient })
    const text =
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi'
    await gateway.client(text).until('ok')
    expect(gateway.octets[0]).not.toMatch(/upgrade/i)
  })
})
