import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { addedFields, asWritten, between, clients, hidden } from '../../support/between.ts'
import { waitFor } from '../../support/wait.ts'

// What an HTTP/1.1 gateway must do, 29 to 48: request line, target and Host. A bare section number is of RFC 9112.

const line = (text: string, host = 'a'): string => `${text}\r\nHost: ${host}\r\n\r\n`

describe.each(clients)('with %s', (upstreamClient) => {
  const start = () => between({ upstreamClient })

  test.each([
    ['29: two elements, 3', 'GET /\r\n'],
    ['29: two spaces, 3', line('GET  / HTTP/1.1')],
    ['29: four elements, 3', line('GET / x HTTP/1.1')],
    ['29: a tab for a space, 3', line('GET\t/ HTTP/1.1')],
    ['29: a space behind the version, 3', line('GET / HTTP/1.1 ')],
    ['29: a space before the method, 3', line(' GET / HTTP/1.1')],
    ['29: a space in the target, 3', line('GET /a b HTTP/1.1')],
    ['29: a control octet in the target, 3', line('GET /\x01 HTTP/1.1')],
    ['29: DEL in the target, 3', line('GET /\x7f HTTP/1.1')],
    ['29: an octet above 0x7f in the target, 3', line('GET /\xe4 HTTP/1.1')],
    ['29: a fragment, 3.2', line('GET /#x HTTP/1.1')],
    ['30: a version in lower case, 2.3', line('GET / http/1.1')],
    ['30: another protocol, 2.3', line('GET / RTSP/1.0')],
    ['30: another name, 2.3', line('GET / HTTPS/1.1')],
    ['30: two digits, 2.3', line('GET / HTTP/1.10')],
    ['30: no minor version, 2.3', line('GET / HTTP/1')],
    ['30: HTTP/2.0, 2.3', line('GET / HTTP/2.0')],
    ['30: HTTP/1.2, 2.3', line('GET / HTTP/1.2')],
    ['30: HTTP/0.9, 2.3', line('GET / HTTP/0.9')],
    ['32: a method that is no token, 9110 9.1', line('G(T / HTTP/1.1')],
    ['37: authority form for GET, 3.2.3', line('GET a:80 HTTP/1.1')],
    ['37: asterisk for GET, 3.2.4', line('GET * HTTP/1.1')],
    ['37: an absolute URI of another scheme, 3.2.2', line('GET ftp://a/ HTTP/1.1')],
    ['37: an absolute URI with a user, 9110 4.2.4', line('GET http://u:p@a/ HTTP/1.1')],
    ['37: an absolute URI without authority, 9110 4.2.1', line('GET http:///x HTTP/1.1')],
    ['35: an absolute URI against Host, 3.2.2', line('GET http://a/ HTTP/1.1', 'b')],
    ['38: CONNECT, 9110 9.3.6', line('CONNECT a:80 HTTP/1.1', 'a:80')],
    ['42: a target beyond proxy.maxuri, 3', line(`GET /${'x'.repeat(20_000)} HTTP/1.1`)],
    ['43: no Host in HTTP/1.1, 3.2', 'GET / HTTP/1.1\r\nX: y\r\n\r\n'],
    ['44: two equal Hosts, 3.2', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
    ['44: two different Hosts, 3.2', 'GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n'],
    ['45: Host with a space, 3.2', line('GET / HTTP/1.1', 'a b')],
    ['45: Host with a path, 3.2', line('GET / HTTP/1.1', 'a/b')],
    ['45: Host with a user, 3.2', line('GET / HTTP/1.1', 'u@a')],
    ['45: Host with a list, 3.2', line('GET / HTTP/1.1', 'a,b')],
    ['45: Host with NUL, 3.2', line('GET / HTTP/1.1', 'a\0b')],
    ['45: Host with a port that is none, 3.2', line('GET / HTTP/1.1', 'a:80x')],
    ['45: Host with a query, 3.2', line('GET / HTTP/1.1', 'a?b')],
    ['48: the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00'],
    [
      '48: the hello of TLS',
      '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03abcdefghijklmnopqrstuvwxyz012345\x00\r\n\r\n',
    ],
  ])('%s is refused, closes, and reaches nobody', async (_what, text) => {
    const gateway = await start()
    const received = await gateway.client(text + hidden).untilClosed()
    expect(received).toMatch(/^HTTP\/1\.1 (?:400|405|414|431|501|505) /)
    expect(received.match(/HTTP\/1\.1 \d{3} /g)).toHaveLength(1)
    await pause(10)
    expect(gateway.octets).toEqual([])
  })

  test.each([
    ['31: its own version towards the upstream, 2.3', 'GET / HTTP/1.0', 'a', 'GET / HTTP/1.1', 'a'],
    ['34: an absolute URI, 3.2.2', 'GET http://a/x?y HTTP/1.1', 'a', 'GET /x?y HTTP/1.1', 'a'],
    [
      '35: the authority of an absolute URI, 3.2.2',
      'GET http://A:80/x HTTP/1.1',
      'a',
      'GET /x HTTP/1.1',
      'A:80',
    ],
    ['36: an absolute URI with an empty path, 3.2.1', 'GET http://a HTTP/1.1', 'a', 'GET / HTTP/1.1', 'a'],
    [
      '36: an absolute URI with a query alone, 3.2.1',
      'GET http://a?b HTTP/1.1',
      'a',
      'GET /?b HTTP/1.1',
      'a',
    ],
    [
      '39: percent escapes as they are, 9110 7.7',
      'GET /%41%2f%2F%e4%zz%?%41 HTTP/1.1',
      'a',
      'GET /%41%2f%2F%e4%zz%?%41 HTTP/1.1',
      'a',
    ],
    ['39: dot segments, 9110 7.7', 'GET /a/./b/../c/. HTTP/1.1', 'a', 'GET /a/./b/../c/. HTTP/1.1', 'a'],
    ['39: double slashes, 9110 7.7', 'GET /a//b/// HTTP/1.1', 'a', 'GET /a//b/// HTTP/1.1', 'a'],
    ['39: an empty query, 9110 7.7', 'GET /a? HTTP/1.1', 'a', 'GET /a? HTTP/1.1', 'a'],
    [
      '39: delimiters, 9110 7.7',
      "GET /a;b,c=d!$&'()*+@:?/?;,'[]|\"<>\\^`{} HTTP/1.1",
      'a',
      "GET /a;b,c=d!$&'()*+@:?/?;,'[]|\"<>\\^`{} HTTP/1.1",
      'a',
    ],
    [
      '40: a target that starts with two slashes, 3.2.1',
      'GET //evil/x HTTP/1.1',
      'a',
      'GET //evil/x HTTP/1.1',
      'a',
    ],
    [
      '41: escaped CR, LF and NUL, 9110 7.7',
      'GET /%0d%0aX:%20y%00 HTTP/1.1',
      'a',
      'GET /%0d%0aX:%20y%00 HTTP/1.1',
      'a',
    ],
    [
      '42: a target of 8,000 octets, 3',
      `GET /${'x'.repeat(7_999)} HTTP/1.1`,
      'a',
      `GET /${'x'.repeat(7_999)} HTTP/1.1`,
      'a',
    ],
    [
      '46: Host in capitals, as it was sent, 9110 4.2.3',
      'GET / HTTP/1.1',
      'A.Test',
      'GET / HTTP/1.1',
      'A.Test',
    ],
  ])('%s goes on', async (_what, sent, host, expected, expectedHost) => {
    const gateway = await start()
    await gateway.client(line(sent, host)).until('ok')
    const version = sent.slice(-3)
    const [reached = ''] = gateway.octets.map(asWritten)
    const port = /:(\d+)$/.exec(expectedHost)?.[1] ?? '80'
    const added = addedFields(expectedHost, version).replace('Port: 80', `Port: ${port}`)
    expect(reached).toBe(`${expected}\r\nHost: ${expectedHost}\r\n${added}\r\n`)
  })

  test.each([
    ['33: of WebDAV, 9110 9.1', 'PROPFIND'],
    ['33: that nobody knows, 9110 9.1', 'FROBNICATE'],
    ['33: with all that a token may have, 9110 9.1', "!#$%&'*+-.^_`|~0x"],
    ['32: in lower case, 9110 9.1', 'get'],
    ['32: in lower case that fetch would rewrite, 9110 9.1', 'post'],
  ])('a method %s goes on as it is', async (_what, method) => {
    const gateway = await start()
    const client = gateway.client(line(`${method} /x HTTP/1.1`))
    await waitFor(() => gateway.octets[0]?.endsWith('\r\n\r\n'), { what: 'the request' })
    // undici states the length of a body that is none for methods that may have one.
    const reached = asWritten(gateway.octets[0]!).replace('Content-Length: 0\r\n', '')
    expect(reached).toBe(`${method} /x HTTP/1.1\r\nHost: a\r\n${addedFields('a')}\r\n`)
    // llhttp, which reads for this upstream, may not know the method.
    if (gateway.requests.length === 0)
      gateway.sockets[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    await client.until('ok')
  })

  test('37: asterisk form of OPTIONS is about the gateway itself, which answers, 3.2.4', async () => {
    const gateway = await start()
    const client = gateway.client(line('OPTIONS * HTTP/1.1') + line('GET /next HTTP/1.1'))
    const received = await client.until('ok')
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*?Content-Length: 0\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    expect(gateway.requests.map(({ start: reached }) => reached)).toEqual(['GET /next'])
  })

  test('46: hosts of routes are compared without case, 9110 4.2.3', async () => {
    const gateway = await between({ upstreamClient, route: 'shop.test/' })
    await gateway.client(line('GET / HTTP/1.1', 'SHOP.Test')).until('ok')
    await gateway.client('GET http://sHop.tesT/ HTTP/1.0\r\n\r\n').until('ok')
  })

  test('47: a host without a route is refused, and its body never read as a request', async () => {
    const gateway = await between({ upstreamClient, route: 'shop.test/' })
    const head = `POST / HTTP/1.1\r\nHost: other.test\r\nContent-Length: ${hidden.length}\r\n\r\n`
    const inner = hidden.replace('Host: a', 'Host: shop.test')
    const client = gateway.client(head)
    await client.until('404')
    client.send(inner.padEnd(hidden.length)).send(inner)
    await client.untilClosed()
    expect(gateway.octets).toEqual([])
    await waitFor(() => client.received.match(/HTTP\/1\.1 /g)?.length === 1, { what: 'one answer' })
  })
})
