import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { addedFields, answerOf, asWritten, between, clients, hidden } from '../../support/between.ts'
import { waitFor } from '../../support/wait.ts'

// What an HTTP/1.1 gateway must do, 49 to 62: the fields of both messages. A bare section number is of RFC 9110.
// 61, Via on the way in, is left out on purpose: X-Forwarded-For and Forwarded say it, as with every proxy measured.

const request = (...lines: string[]): string =>
  `GET /x HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`

describe.each(clients)('with %s', (upstreamClient) => {
  test.each([
    ['49: a name with a space, 5.6.2', 'X Y: z'],
    ['49: a name with a parenthesis, 5.6.2', 'X(Y): z'],
    ['49: a name in quotes, 5.6.2', '"X": z'],
    ['49: a name with an octet above 0x7f, 5.6.2', 'X\xe4: z'],
    ['49: a name with a control octet, 5.6.2', 'X\x01: z'],
    ['50: a line without a colon, 9112 5', 'X'],
    ['50: an empty name, 9112 5', ': z'],
    ['54: a field beyond proxy.maxheadersize, 5.4', `X: ${'y'.repeat(70_000)}`],
    ['54: more fields than proxy.maxheaders, 5.4', 'X: y\r\n'.repeat(250).trimEnd()],
  ])('%s is refused and reaches nobody', async (_what, line) => {
    const gateway = await between({ upstreamClient })
    const received = await gateway.client(request(line) + hidden).untilClosed()
    expect(received).toMatch(/^HTTP\/1\.1 4(?:00|31) /)
    expect(received.match(/HTTP\/1\.1 \d{3} /g)).toHaveLength(1)
    await pause(10)
    expect(gateway.octets).toEqual([])
  })

  test.each([
    [
      '51: fields that nobody knows, 5.1',
      ['X-Unknown: 1', 'x-!#$%: 2', 'Constructor: 3', '__proto__: 4'],
      null,
    ],
    [
      '52: several lines of one name, in their order, 5.3',
      ['Cookie: a=1', 'X: 1', 'Cookie: b=2', 'x: 2'],
      null,
    ],
    ['53: a value without the white space around it, 9112 5.1', ['X:  \t y \t z\t '], ['X: y \t z']],
    ['53: an empty value, 9112 5.1', ['X:', 'Y: ', 'Z:\t'], ['X: ', 'Y: ', 'Z: ']],
    ['53: octets above 0x7f, 5.5', ['X: \x80\xff \xe4'], null],
    ['55: Authorization, 11.6', ['Authorization: Basic dTpw', 'Authorization: Bearer x'], null],
    [
      '56: conditions and ranges, 13.2.1',
      [
        'If-None-Match: "a", W/"b"',
        'If-Modified-Since: x',
        'If-Match: *',
        'If-Range: "a"',
        'Range: bytes=0-1',
      ],
      null,
    ],
    ['59: no Keep-Alive, 7.6.1', ['Keep-Alive: timeout=5', 'X: y'], ['X: y']],
    ['59: no Proxy-Connection, 7.6.1', ['Proxy-Connection: keep-alive', 'X: y'], ['X: y']],
    [
      '59: of TE what holds for the next hop too, 7.6.1',
      ['TE: trailers, deflate', 'Connection: TE', 'X: y'],
      ['X: y', 'TE: trailers'],
    ],
    ['59: no Trailer, 7.6.1', ['Trailer: X-Sum', 'X: y'], ['X: y']],
    ['59: no Upgrade without Connection, 7.8', ['Upgrade: other', 'X: y'], ['X: y']],
    ['59: no Proxy-Authorization, 11.7', ['Proxy-Authorization: Basic x', 'X: y'], ['X: y']],
    [
      '58: no field that Connection names, 7.6.1',
      ['Connection: keep-alive, X-Hop,x-two', 'X-Hop: 1', 'X: y', 'X-TWO: 2'],
      ['X: y'],
    ],
    [
      '58: no field that any Connection names, 7.6.1',
      ['Connection: X-Hop', 'X-Hop: 1', 'connection: X-Two', 'X-Two: 2'],
      [],
    ],
    ['60: Host, whoever names it, 7.6.1', ['Connection: Host', 'X: y'], ['X: y']],
  ])('%s', async (_what, sent, expected) => {
    const gateway = await between({ upstreamClient })
    await gateway.client(request(...sent)).until('ok')
    const lines = (expected ?? sent).map((line) => `${line}\r\n`).join('')
    const head = `GET /x HTTP/1.1\r\nHost: a\r\n${lines}${addedFields('a')}\r\n`
    expect(asWritten(gateway.octets[0]!)).toBe(head)
  })

  test('57: X-Forwarded-For ends in the address that the gateway saw, whatever the client sent', async () => {
    const gateway = await between({ upstreamClient })
    const sent = [
      'X-Forwarded-For: 6.6.6.6',
      'x-forwarded-for: 7.7.7.7, 8.8.8.8',
      'Connection: X-Forwarded-For',
    ]
    await gateway.client(request(...sent)).until('ok')
    const { fields } = gateway.requests[0]!
    const at = fields.findIndex((field) => /^x-forwarded-for$/i.test(field))
    expect(fields[at + 1]).toBe('6.6.6.6, 7.7.7.7, 8.8.8.8, 127.0.0.1')
    expect(fields.filter((field) => /^x-forwarded-for$/i.test(field))).toHaveLength(1)
  })

  test('60: naming what frames a message in Connection unframes nothing, 7.6.1', async () => {
    const gateway = await between({ upstreamClient })
    const post = (connection: string, framing: string, body: string): string =>
      `POST /x HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n${framing}\r\n${body}`
    const length = post('Content-Length, Host', `Content-Length: ${hidden.length}\r\n`, hidden)
    const size = hidden.length.toString(16)
    const chunks = post(
      'Transfer-Encoding',
      'Transfer-Encoding: chunked\r\n',
      `${size}\r\n${hidden}\r\n0\r\n\r\n`,
    )
    const client = gateway.client(length + chunks)
    await waitFor(() => client.received.split('ok').length === 3, { what: 'both answers' })
    expect(gateway.requests.map(({ start, body }) => [start, body])).toEqual([
      ['POST /x', hidden],
      ['POST /x', hidden],
    ])
  })

  test.each([
    [
      '51, 52: fields of an answer in their order',
      ['X-Odd: 1', 'Set-Cookie: a=1', 'X: y', 'Set-Cookie: b=2'],
      null,
    ],
    ['53: values without white space around them, empty ones too', ['X:\t y \t', 'Y:'], ['X: y', 'Y: ']],
    ['55: WWW-Authenticate, 11.6', ['WWW-Authenticate: Basic realm="a"', 'WWW-Authenticate: Bearer'], null],
    [
      '58: no field of an answer that Connection names, 7.6.1',
      ['Connection: X-Hop', 'X-Hop: 1', 'X: y'],
      ['X: y'],
    ],
    [
      '59: what is about the hop to the upstream, 7.6.1',
      ['Keep-Alive: timeout=5', 'Proxy-Connection: x', 'X: y'],
      ['X: y'],
    ],
    [
      '59: no Upgrade that offers what was not asked for, 7.8',
      ['Upgrade: h2c', 'Connection: Upgrade', 'X: y'],
      ['X: y'],
    ],
    ['60: the length of an answer, whoever names it', ['Connection: Content-Length', 'X: y'], ['X: y']],
  ])('%s', async (_what, sent, expected) => {
    const gateway = await between({ upstreamClient }, () => answerOf('ok', 'Date: now', ...sent))
    const received = await gateway.client(request()).until('ok')
    const lines = (expected ?? sent).map((line) => `${line}\r\n`).join('')
    expect(received).toBe(`HTTP/1.1 200 OK\r\nDate: now\r\n${lines}Content-Length: 2\r\n\r\nok`)
  })

  test.each(['OPTIONS', 'TRACE'])(
    '62: Max-Forwards of %s is counted down, and 0 goes no further, 7.6.2',
    async (method) => {
      const gateway = await between({ upstreamClient })
      const ask = (value: string): string =>
        `${method} /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: ${value}\r\nX: y\r\n\r\n`
      await gateway.client(ask('1')).until('ok')
      await gateway.client(ask('10')).until('ok')
      const answered = await gateway.client(ask('0')).until('\r\n\r\n')
      expect(answered).toMatch(method === 'TRACE' ? /^HTTP\/1\.1 405 / : /^HTTP\/1\.1 200 /)
      const hopsIn = (fields: readonly string[]): string | undefined =>
        fields[fields.indexOf('Max-Forwards') + 1]
      expect(gateway.requests.map(({ fields }) => Number(hopsIn(fields)))).toEqual([0, 9])
      for (const { fields } of gateway.requests) expect(fields).toContain('X')
    },
  )

  test('62: Max-Forwards of another method is a field as any other, 7.6.2', async () => {
    const gateway = await between({ upstreamClient })
    await gateway.client(request('Max-Forwards: 0')).until('ok')
    expect(gateway.requests[0]!.fields).toContain('Max-Forwards')
  })
})
