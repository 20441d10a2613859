import { describe, expect, test } from 'vitest'
import { chunked, RequestHead } from '../../src/http1/request-head.ts'

const limits = { maxHeadSize: 65_536, maxFields: 100, maxTargetSize: 8_192 }

/** What `parse` makes of a head: itself, and what was read. */
function read(text: string, given = limits) {
  const octets = Buffer.from(text, 'latin1')
  const head = new RequestHead()
  return { result: head.parse(octets, 0, octets.length, given), head, size: octets.length }
}

const withFields = (...lines: string[]): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`

describe('a request line', () => {
  test.each([
    ['GET /a?b HTTP/1.1', 'GET', '/a?b', 1],
    ['get / HTTP/1.1', 'get', '/', 1],
    ['M-SEARCH / HTTP/1.0', 'M-SEARCH', '/', 0],
    ['GET //x//y/../z HTTP/1.1', 'GET', '//x//y/../z', 1],
    ['GET /%0d%0a%00 HTTP/1.1', 'GET', '/%0d%0a%00', 1],
    ['OPTIONS * HTTP/1.1', 'OPTIONS', '*', 1],
    ['GET http://a HTTP/1.1', 'GET', '/', 1],
    ['GET http://A:80/x?y HTTP/1.1', 'GET', '/x?y', 1],
    ['GET HTTP://a?q HTTP/1.1', 'GET', '/?q', 1],
  ])('%s is read as it stands', (line, method, target, minor) => {
    const { result, head, size } = read(`${line}\r\nHost: a\r\n\r\n`)
    expect(result).toBe(size)
    expect([head.method, head.target, head.minor]).toEqual([method, target, minor])
  })

  test.each([
    ['GET  / HTTP/1.1', 400],
    ['GET / HTTP/1.1 ', 400],
    [' GET / HTTP/1.1', 400],
    ['GET\t/ HTTP/1.1', 400],
    ['GET /\0 HTTP/1.1', 400],
    ['GET /a b HTTP/1.1', 400],
    ['GET /\x7f HTTP/1.1', 400],
    ['GET /\xe4 HTTP/1.1', 400],
    ['GET /#x HTTP/1.1', 400],
    ['GET /', 400],
    ['GET / http/1.1', 400],
    ['GET / HTTP/1.10', 400],
    ['GET / RTSP/1.0', 400],
    ['GET / HTTP/2.0', 505],
    ['GET / HTTP/1.2', 505],
    ['PRI * HTTP/2.0', 505],
    ['G@T / HTTP/1.1', 400],
    ['GET x HTTP/1.1', 400],
    ['GET a:80 HTTP/1.1', 400],
    ['GET * HTTP/1.1', 400],
    ['GET ftp://a/ HTTP/1.1', 400],
    ['GET http://u@a/ HTTP/1.1', 400],
    ['GET http:/// HTTP/1.1', 400],
    ['GET http://b/ HTTP/1.1', 400],
    ['CONNECT a:80 HTTP/1.1', 405],
  ])('%j is refused with %i', (line, status) => {
    expect(read(`${line}\r\nHost: a\r\n\r\n`).result).toBe(-status)
  })

  test('longer than proxy.maxuri is refused with 414, and 8,000 octets are served', () => {
    expect(read(`GET /${'x'.repeat(7_999)} HTTP/1.1\r\nHost: a\r\n\r\n`).result).toBeGreaterThan(0)
    expect(read(`GET /${'x'.repeat(8_192)} HTTP/1.1\r\nHost: a\r\n\r\n`).result).toBe(-414)
    expect(read(`GET /${'x'.repeat(9_000)}`).result).toBe(-414)
  })
})

describe('Host', () => {
  test.each(['a', 'a.test', 'A.Test:8080', '127.0.0.1', '[::1]', '[::1]:80', 'a_b', '', ':80'])(
    '%j is an authority',
    (host) => {
      const { result, head } = read(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      expect(result).toBeGreaterThan(0)
      expect(head.host).toBe(host)
    },
  )

  test.each(['a b', 'a/b', 'u@a', 'a,b', 'a\tb', 'a:b', 'a:1:2', '[::1', 'a:123456', 'ä', 'a"b', 'a<b'])(
    '%j is none',
    (host) => {
      expect(read(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).result).toBe(-400)
    },
  )

  test('is there once in HTTP/1.1, and may be absent in HTTP/1.0', () => {
    expect(read('GET / HTTP/1.1\r\n\r\n').result).toBe(-400)
    expect(read('GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n').result).toBe(-400)
    expect(read('GET / HTTP/1.0\r\n\r\n').result).toBeGreaterThan(0)
  })

  test('of the request before does not stay', () => {
    const head = new RequestHead()
    const parse = (text: string) => head.parse(Buffer.from(text, 'latin1'), 0, text.length, limits)
    expect(parse('GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n')).toBeGreaterThan(0)
    expect([head.host, head.list()]).toEqual(['a', ['Host', 'a', 'X', '1']])
    expect(parse('GET / HTTP/1.0\r\n\r\n')).toBeGreaterThan(0)
    expect([head.host, head.list()]).toEqual(['', []])
    expect(parse('GET http://b/ HTTP/1.0\r\n\r\n')).toBeGreaterThan(0)
    expect(head.host).toBe('b')
    expect(parse('GET / HTTP/1.1\r\nHost: b:b\r\n\r\n')).toBe(-400)
  })
})

describe('the framing of a request', () => {
  test.each([
    [[], 0],
    [['Content-Length: 0'], 0],
    [['Content-Length: 5'], 5],
    [['Content-Length: 0005'], 5],
    [['content-length:\t5 '], 5],
    [['Content-Length: 9007199254740991'], 9007199254740991],
    [['Transfer-Encoding: chunked'], chunked],
    [['transfer-encoding:  Chunked '], chunked],
  ])('%j is a body of %i', (lines, length) => {
    const { result, head } = read(withFields(...lines))
    expect(result).toBeGreaterThan(0)
    expect(head.bodyLength).toBe(length)
  })

  // Classes of request smuggling by the name under which they are known.
  test.each([
    ['CL.TE', ['Content-Length: 5', 'Transfer-Encoding: chunked'], 400],
    ['TE.CL', ['Transfer-Encoding: chunked', 'Content-Length: 5'], 400],
    ['TE.TE, twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 400],
    ['TE.TE, a list', ['Transfer-Encoding: chunked, chunked'], 400],
    ['TE.TE, hidden', ['Transfer-Encoding: xchunked'], 501],
    ['TE.TE, quoted', ['Transfer-Encoding: "chunked"'], 400],
    ['TE.TE, with a vertical tab', ['Transfer-Encoding: \x0bchunked'], 400],
    ['TE.TE, with a parameter', ['Transfer-Encoding: chunked;q=1'], 400],
    ['TE.TE, empty', ['Transfer-Encoding:'], 400],
    ['TE that does not end in chunked', ['Transfer-Encoding: chunked, gzip'], 400],
    ['TE behind a space', ['Transfer-Encoding : chunked'], 400],
    ['TE folded', ['Transfer-Encoding:', ' chunked'], 400],
    ['CL.CL, different', ['Content-Length: 5', 'Content-Length: 6'], 400],
    ['CL.CL, equal', ['Content-Length: 5', 'Content-Length: 5'], 400],
    ['CL, a list', ['Content-Length: 5, 5'], 400],
    // Found by the fuzzer: llhttp takes a tab behind these values for a part of them.
    ['CL with a tab behind it', ['Content-Length: 5\t'], 400],
    ['TE with a tab behind it', ['Transfer-Encoding: chunked\t'], 400],
    ['CL with a sign', ['Content-Length: +5'], 400],
    ['CL in hex', ['Content-Length: 0x5'], 400],
    ['CL with an underscore', ['Content-Length: 1_0'], 400],
    ['CL, empty', ['Content-Length:'], 400],
    ['CL with a point', ['Content-Length: 5.0'], 400],
    ['CL with NBSP', ['Content-Length: \xa05'], 400],
    ['CL beyond 2^53', ['Content-Length: 9007199254740993'], 400],
    ['CL beyond 2^64', ['Content-Length: 18446744073709551621'], 400],
  ])('%s is refused', (_class, lines, status) => {
    expect(read(withFields(...lines)).result).toBe(-status)
  })

  test('by Transfer-Encoding in HTTP/1.0 is refused', () => {
    expect(read('POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n').result).toBe(-400)
  })
})

describe('field lines', () => {
  test.each([
    ['a space before the colon', 'X : y'],
    ['no name', ': y'],
    ['no colon', 'X'],
    ['a name that is no token', 'X(: y'],
    ['a high octet in the name', 'X\xe4: y'],
    ['NUL in the value', 'X: a\0b'],
    ['a bare CR', 'X: a\rb'],
    ['a bare LF', 'X: a\nY: b'],
    ['DEL', 'X: a\x7f'],
    ['a folded line', 'X: a\r\n b'],
    ['white space before the first field', ' X: a'],
  ])('with %s are refused', (_what, line) => {
    expect(read(`GET / HTTP/1.1\r\n${line}\r\nHost: a\r\n\r\n`).result).toBe(-400)
  })

  test('keep their order, case and octets, lose the white space around values', () => {
    const { head } = read(withFields('b:  2 ', 'A:', 'B: x\ty \t', 'C: \xff'))
    expect(head.list()).toEqual(['Host', 'a', 'b', '2', 'A', '', 'B', 'x\ty', 'C', '\xff'])
    expect([head.first('b'), head.all('b'), head.first('none')]).toEqual(['2', ['2', 'x\ty'], ''])
  })

  test('beyond proxy.maxheaders or proxy.maxheadersize are refused with 431', () => {
    expect(read(withFields(...Array.from({ length: 100 }, (_, n) => `X-${n}: y`))).result).toBe(-431)
    expect(read(withFields(`X: ${'y'.repeat(70_000)}`)).result).toBe(-431)
  })
})

describe('whether the connection stays', () => {
  test.each([
    ['HTTP/1.1', [], true],
    ['HTTP/1.1', ['Connection: close'], false],
    ['HTTP/1.1', ['Connection: x, CLOSE'], false],
    ['HTTP/1.1', ['Connection: keep-alive', 'Connection: close'], false],
    ['HTTP/1.0', [], false],
    ['HTTP/1.0', ['Connection: Keep-Alive'], true],
    ['HTTP/1.0', ['Connection: keep-alive, close'], false],
    ['HTTP/1.0', ['Connection: x ,\t keep-alive'], true],
    // Found by the fuzzer: an octet that JavaScript takes for white space makes it another word.
    ['HTTP/1.0', ['Connection: \xa0keep-alive'], false],
    ['HTTP/1.1', ['Connection: close\xa0'], true],
  ])('%s with %j: %s', (version, lines, stays) => {
    const fields = ['Host: a', ...lines].map((line) => `${line}\r\n`).join('')
    expect(read(`GET / ${version}\r\n${fields}\r\n`).head.keepAlive).toBe(stays)
  })
})
