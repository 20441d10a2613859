import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { addedFields, answerOf, asWritten, between, clients, hidden } from '../../support/between.ts'
import { waitFor } from '../../support/wait.ts'

// What an HTTP/1.1 gateway must do, 1 to 28: the framing of requests. A bare section number is of RFC 9112.

const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`
const chunked = 'Transfer-Encoding: chunked\r\n'

describe.each(clients)('with %s', (upstreamClient) => {
  const start = (...args: [Parameters<typeof between>[1]?]) => between({ upstreamClient }, ...args)

  test.each([
    ['1, 2: Content-Length and chunks (CL.TE), 6.1', post(`Content-Length: 6\r\n${chunked}`, '0\r\n\r\nG')],
    ['1, 2: chunks and Content-Length (TE.CL), 6.1', post(`${chunked}Content-Length: 4\r\n`, '5c\r\nx')],
    ['3: chunks in HTTP/1.0, 6.1', `POST / HTTP/1.0\r\nHost: a\r\n${chunked}\r\n0\r\n\r\n`],
    ['4: two different lengths, 6.3', post('Content-Length: 5\r\nContent-Length: 0\r\n', 'hello')],
    ['4: a list of different lengths, 6.3', post('Content-Length: 5, 0\r\n', 'hello')],
    ['5: the same length twice, 6.3', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello')],
    ['5: the same length in a list, 6.3', post('Content-Length: 5, 5\r\n', 'hello')],
    ['6: a length with a sign, 9110 8.6', post('Content-Length: +5\r\n', 'hello')],
    ['6: a negative length, 9110 8.6', post('Content-Length: -5\r\n', 'hello')],
    ['6: a length in hex, 9110 8.6', post('Content-Length: 0x5\r\n', 'hello')],
    ['6: a length with an underscore, 9110 8.6', post('Content-Length: 1_0\r\n', 'hellohello')],
    ['6: a length with a space in it, 9110 8.6', post('Content-Length: 1 0\r\n', 'hellohello')],
    ['6: a length with a point, 9110 8.6', post('Content-Length: 5.0\r\n', 'hello')],
    ['6: an empty length, 9110 8.6', post('Content-Length:\r\n', 'hello')],
    ['6: a length with NUL, 9110 8.6', post('Content-Length: 5\0\r\n', 'hello')],
    ['6: a length with NBSP, 9110 8.6', post('Content-Length: \xa05\r\n', 'hello')],
    ['7: a length beyond 2^53, 9110 8.6', post('Content-Length: 9007199254740993\r\n', 'hello')],
    ['7: a length beyond 2^64, 9110 8.6', post('Content-Length: 18446744073709551621\r\n', 'hello')],
    ['8: a coding behind chunked, 6.3', post('Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n')],
    ['8: identity, 6.3', post('Transfer-Encoding: identity\r\n', 'hello')],
    ['9: an unknown coding, 6.1', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
    ['9: an unknown coding before chunked, 6.1', post('Transfer-Encoding: cow, chunked\r\n', '0\r\n\r\n')],
    [
      '9: an unknown coding beside chunked (TE.TE), 6.1',
      post(`${chunked}Transfer-Encoding: cow\r\n`, '0\r\n\r\n'),
    ],
    ['9: a quoted coding, 6.1', post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n')],
    ['9: a coding behind a vertical tab, 6.1', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n')],
    ['9: a coding behind NUL, 6.1', post('Transfer-Encoding: \0chunked\r\n', '0\r\n\r\n')],
    ['9: an empty coding with a length, 6.1', post('Transfer-Encoding:\r\nContent-Length: 5\r\n', 'hello')],
    ['10: chunked twice in a list, 7', post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n')],
    ['10: chunked on two lines, 7', post(`${chunked}${chunked}`, '0\r\n\r\n')],
    ['10: chunked with a parameter, 7', post('Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n')],
    ['10: chunked with empty members, 7', post('Transfer-Encoding: , chunked,\r\n', '0\r\n\r\n')],
    ['11: white space before the colon, 5.1', post('Content-Length : 5\r\n', 'hello')],
    ['11: a tab before the colon, 5.1', post('Transfer-Encoding\t: chunked\r\n', '0\r\n\r\n')],
    ['12: a folded line, 5.2', post('X: a\r\n Content-Length: 5\r\n', 'hello')],
    ['12: a folded Transfer-Encoding, 5.2', post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n')],
    ['13: a bare CR in a value, 2.2', post('X: a\rContent-Length: 5\r\n', 'hello')],
    ['13: a bare CR in a name, 2.2', post('X\r: a\r\n')],
    ['13: a bare CR in the request line, 2.2', `GET /\r HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['14: bare LF as line ends, 2.2', 'GET / HTTP/1.1\nHost: a\n\n'],
    ['14: one bare LF, 2.2', post('X: a\nContent-Length: 5\r\n', 'hello')],
    ['14: a bare LF at the end of the head, 2.2', 'GET / HTTP/1.1\r\nHost: a\r\n\n'],
    ['15: NUL in a name, 9110 5.5', post('X\0: a\r\n')],
    ['15: NUL in a value, 9110 5.5', post('X: a\0b\r\n')],
    ['15: NUL in the target, 9110 5.5', 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['15: NUL in the method, 9110 5.5', 'GE\0T / HTTP/1.1\r\nHost: a\r\n\r\n'],
    [
      '16: white space before the first field, 2.2',
      'POST / HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\nhello',
    ],
    ['17: a chunk size with 0x, 7.1', post(chunked, '0x5\r\nhello\r\n0\r\n\r\n')],
    ['17: a chunk size with a sign, 7.1', post(chunked, '+5\r\nhello\r\n0\r\n\r\n')],
    ['17: a negative chunk size, 7.1', post(chunked, '-1\r\nhello\r\n0\r\n\r\n')],
    ['17: a chunk size with a space, 7.1', post(chunked, '5 \r\nhello\r\n0\r\n\r\n')],
    ['17: a chunk size behind a space, 7.1', post(chunked, ' 5\r\nhello\r\n0\r\n\r\n')],
    ['17: a chunk size with an underscore, 7.1', post(chunked, '0_5\r\nhello\r\n0\r\n\r\n')],
    ['17: an empty chunk size, 7.1', post(chunked, '\r\nhello\r\n0\r\n\r\n')],
    ['18: a chunk size beyond 2^53, 7.1', post(chunked, '20000000000001\r\nhello')],
    ['18: a chunk size beyond 2^64, 7.1', post(chunked, '10000000000000005\r\nhello\r\n0\r\n\r\n')],
    ['19: chunk data that is too long, 7.1', post(chunked, '5\r\nhelloX\r\n0\r\n\r\n')],
    ['19: chunk data ended by LF, 7.1', post(chunked, '5\r\nhello\n0\r\n\r\n')],
    ['19: chunk data ended by CR, 7.1', post(chunked, '5\r\nhello\r0\r\n\r\n')],
    ['19: a chunk size ended by LF, 7.1', post(chunked, '5\nhello\r\n0\r\n\r\n')],
    ['20: a chunk extension with a bare LF, 7.1.1', post(chunked, '5;a\nb\r\nhello\r\n0\r\n\r\n')],
    ['20: a chunk extension with a bare CR, 7.1.1', post(chunked, '5;a\rb\r\nhello\r\n0\r\n\r\n')],
    ['20: a chunk extension with NUL, 7.1.1', post(chunked, '5;a=\0\r\nhello\r\n0\r\n\r\n')],
    [
      '20: a chunk extension of 64 KiB, 7.1.1',
      post(chunked, `5;a=${'x'.repeat(65_536)}\r\nhello\r\n0\r\n\r\n`),
    ],
    ['21: a trailer that would frame, 9110 6.5.1', post(chunked, '0\r\nContent-Length: 5\r\n\r\n')],
    ['21: a trailer that would frame by chunks, 9110 6.5.1', post(chunked, `0\r\n${chunked}\r\n`)],
    ['21: a trailer that would route, 9110 6.5.1', post(chunked, '0\r\nHost: b\r\n\r\n')],
    ['21: a folded trailer, 7.1.2', post(chunked, '0\r\nX: a\r\n b\r\n\r\n')],
    ['21: a trailer without a colon, 7.1.2', post(chunked, '0\r\nGET / HTTP/1.1\r\n\r\n')],
    ['21: more trailers than anybody needs, 7.1.2', post(chunked, `0\r\n${'X: y\r\n'.repeat(101)}\r\n`)],
    ['21: trailers of 64 KiB, 7.1.2', post(chunked, `0\r\nX: ${'y'.repeat(65_536)}\r\n\r\n`)],
  ])('%s is refused, closes, and completes nothing', async (_what, text) => {
    const gateway = await start()
    const received = await gateway.client(text + hidden + hidden).untilClosed()
    expect(received).toMatch(/^HTTP\/1\.1 (?:400|501) /)
    expect(received.match(/HTTP\/1\.1 \d{3} /g)).toHaveLength(1)
    await pause(10)
    expect(gateway.requests).toEqual([])
    expect(gateway.octets.join('')).not.toContain('/hidden')
  })

  test('20: chunk extensions are dropped, and chunks written anew, 7.1.1', async () => {
    const gateway = await start()
    const body = '00005;a;b=c;d="e;\\"f"\r\nhello\r\n0;last\r\n\r\n'
    await gateway.client(post(chunked, body)).until('ok')
    const [reached] = gateway.requests
    expect([reached!.body, reached!.trailers]).toEqual(['hello', []])
    expect(gateway.octets[0]).not.toMatch(/;a|;last|00005/)
    if (upstreamClient === 'wire') {
      const head = `POST / HTTP/1.1\r\nHost: a\r\n${addedFields('a')}Transfer-Encoding: chunked\r\n\r\n`
      expect(gateway.octets[0]).toBe(`${head}5\r\nhello\r\n0\r\n\r\n`)
    }
  })

  test('21: trailers are never merged into the head, 9110 6.5.1', async () => {
    const gateway = await start()
    const trailers = 'X-Sum: 42\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-Ip: 6.6.6.6\r\nAuthorization: x\r\n'
    await gateway.client(post(chunked, `2\r\nhi\r\n0\r\n${trailers}\r\n${hidden}`)).until('ok')
    const { fields, body } = gateway.requests[0]!
    expect(body).toBe('hi')
    expect(fields.join('|')).not.toMatch(/X-Sum|6\.6\.6\.6|Authorization/)
    expect(gateway.octets[0]).not.toContain('6.6.6.6')
    await waitFor(() => gateway.requests.length === 2, { what: 'the request behind it' })
    expect(gateway.requests[1]!.start).toBe('GET /hidden')
  })

  test.each([
    ['a length, and FIN', 'Content-Length: 10\r\n', 'hello', 'end'],
    ['a length, and RST', 'Content-Length: 10\r\n', 'hello', 'reset'],
    ['a length, and silence', 'Content-Length: 10\r\n', 'hello', 'stall'],
    ['chunks, and FIN', chunked, '5\r\nhello\r\n', 'end'],
    ['chunks, and RST', chunked, '5\r\nhello\r\n0\r\n', 'reset'],
    ['chunks, and silence', chunked, '5\r\nhello\r\n0\r\nX: y\r\n', 'stall'],
  ])(
    '22: a body cut short, with %s, never becomes a complete request, 8',
    async (_what, fields, body, how) => {
      const gateway = await between({ upstreamClient, listener: { bodyStallTimeout: 100 } })
      const client = gateway.client(post(fields, body))
      await waitFor(() => gateway.octets[0]?.includes('hello'), { what: 'the first part' })
      if (how === 'end') client.socket.end()
      else if (how === 'reset') client.socket.resetAndDestroy()
      await waitFor(() => gateway.sockets[0]!.destroyed, { what: 'the upstream connection to close' })
      if (how === 'stall') expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 408 /)
      expect(gateway.requests).toEqual([])
    },
  )

  test('23: a request without length and chunks has no body, whatever its method, 6.3', async () => {
    const gateway = await start()
    const client = gateway.client('POST /1 HTTP/1.1\r\nHost: a\r\n\r\nPUT /2 HTTP/1.1\r\nHost: a\r\n\r\n')
    await waitFor(() => client.received.split('ok').length === 3, { what: 'two answers' })
    expect(gateway.requests.map(({ start, body }) => [start, body])).toEqual([
      ['POST /1', ''],
      ['PUT /2', ''],
    ])
  })

  test('24: where the body is not read, nothing behind it is, 9.3', async () => {
    const gateway = await between({ upstreamClient, route: '/only' })
    const text = `POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n`
    const received = await gateway
      .client(`${text}${hidden}GET /only HTTP/1.1\r\nHost: a\r\n\r\n`)
      .untilClosed()
    expect(received).toMatch(/^HTTP\/1\.1 404 [\s\S]*Connection: close\r\n/)
    expect(gateway.octets).toEqual([])
  })

  test('24: an answer before the end of the body closes both connections behind it, 9.3 (0.CL)', async () => {
    const gateway = await start(() => null)
    const client = gateway.client('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin')
    await waitFor(() => gateway.octets[0]?.includes('begin'), { what: 'the request' })
    gateway.sockets[0]!.write(answerOf('early'))
    await client.until('early')
    client.send(hidden)
    expect((await client.untilClosed()).match(/HTTP\/1\.1 /g)).toHaveLength(1)
    await waitFor(() => gateway.sockets[0]!.destroyed, { what: 'the upstream connection to close' })
    expect(gateway.requests).toEqual([])
  })

  test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])(
    '25: the body of a %s is forwarded framed, 6.3 (CL.0)',
    async (method) => {
      const gateway = await start(({ start }) =>
        start.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n' : answerOf('ok'),
      )
      const length = `Content-Length: ${hidden.length}\r\n`
      const client = gateway.client(`${method} /x HTTP/1.1\r\nHost: a\r\n${length}\r\n${hidden}`)
      await client.until('\r\n\r\n')
      expect(gateway.requests.map(({ start, body }) => [start, body])).toEqual([[`${method} /x`, hidden]])
      const head = `${method} /x HTTP/1.1\r\nHost: a\r\n${addedFields('a')}${length}\r\n`
      expect(asWritten(gateway.octets[0]!)).toBe(head + hidden)
    },
  )

  test('26: every octet of a body goes through as it is, both ways, 2.2', async () => {
    const all = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join('')
    const gateway = await start(({ body }) => answerOf(body))
    const client = gateway.client(post(`Content-Length: ${all.length}\r\n`, all))
    await waitFor(() => client.received.endsWith(all), { what: 'all octets' })
    expect(gateway.requests[0]!.body).toBe(all)
  })

  test('27: nothing depends on where segments begin and end, 2.2', async () => {
    const gateway = await start()
    const text = post(`${chunked}X: y\r\n`, '5;a=b\r\nhello\r\n0\r\n\r\n') + hidden.replace('hidden', 'next')
    const client = gateway.client('')
    client.socket.setNoDelay(true)
    for (const octet of text) {
      client.send(octet)
      await pause(0)
    }
    await waitFor(() => gateway.requests.length === 2, { what: 'both requests' })
    expect(gateway.requests.map(({ start, body }) => [start, body])).toEqual([
      ['POST /', 'hello'],
      ['GET /next', ''],
    ])
  })

  test('28: a length counts wherever it stands, and beyond proxy.maxheaders all is refused, 9110 5.4', async () => {
    const gateway = await start()
    const many = (count: number): string =>
      post(`${'a:1\r\n'.repeat(count)}Content-Length: ${hidden.length}\r\n`, hidden)
    await gateway.client(many(248)).until('ok')
    expect(gateway.requests.map(({ start, body }) => [start, body])).toEqual([['POST /', hidden]])
    expect(await gateway.client(many(249)).untilClosed()).toMatch(/^HTTP\/1\.1 431 /)
    expect(gateway.requests).toHaveLength(1)
  })
})
