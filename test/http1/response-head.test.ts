import { describe, expect, test } from 'vitest'
import { chunked, untilClose } from '../../src/http1/request-head.ts'
import { ResponseHead } from '../../src/http1/response-head.ts'

const limits = { maxHeadSize: 8_192, maxFields: 20, maxTargetSize: 0 }

function read(text: string, isHead = false) {
  const octets = Buffer.from(text, 'latin1')
  const head = new ResponseHead()
  return { result: head.parse(octets, 0, octets.length, limits, isHead), head, size: octets.length }
}

const answer = (status: string, ...lines: string[]): string =>
  `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`

describe('a status line', () => {
  test.each([
    ['HTTP/1.1 200 OK', 200, 'OK', 1],
    ['HTTP/1.1 200', 200, '', 1],
    ['HTTP/1.1 200 ', 200, '', 1],
    ['HTTP/1.0 404 Not  Found\t!', 404, 'Not  Found\t!', 0],
    ['HTTP/1.1 299 Caf\xe9', 299, 'Caf\xe9', 1],
    ['HTTP/1.1 999 ?', 999, '?', 1],
  ])('%j is read as it stands', (line, status, reason, minor) => {
    const { result, head, size } = read(`${line}\r\n\r\n`)
    expect(result).toBe(size)
    expect([head.status, head.reason, head.minor]).toEqual([status, reason, minor])
  })

  test.each([
    'HTTP/1.1 099 X',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 2x0 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 200\tOK',
    'HTTP/1.1 200 O\0K',
    'HTTP/1.1 200 O\rK',
    'HTTP/1.1 200 O\nK',
    'HTTP/1.1 200 OK\x7f',
    'HTTP/2.0 200 OK',
    'HTTP/1.2 200 OK',
    'http/1.1 200 OK',
    'ICY 200 OK 123',
    '200 OK 12345678',
    'just some text',
  ])('%j is refused', (line) => {
    expect(read(`${line}\r\n\r\n`).result).toBe(-1)
  })

  test.each([1, 4, 8, 10, 13, 14, 15, 16])('cut behind %i octets waits for the rest', (size) => {
    expect(read('HTTP/1.1 200 OK\r\nX: y\r\n\r\n'.slice(0, size)).result).toBe(0)
  })
})

describe('the body of an answer', () => {
  test.each([
    ['is as long as Content-Length says', answer('200 OK', 'Content-Length: 5'), 5, true],
    ['is chunked', answer('200 OK', 'transfer-encoding: Chunked'), chunked, true],
    ['ends with the connection', answer('200 OK'), untilClose, false],
    ['ends with the connection in HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\n', untilClose, false],
    [
      'has a length in HTTP/1.0, whose connection stays when it says so',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n',
      1,
      true,
    ],
    ['is none in a 204', answer('204 No Content', 'Content-Length: 5'), 0, true],
    ['is none in a 304', answer('304 Not Modified', 'Content-Length: 5'), 0, true],
    ['is none in a 103', answer('103 Early Hints', 'Content-Length: 5'), 0, true],
    ['is the last of its connection', answer('200 OK', 'Content-Length: 5', 'Connection: close'), 5, false],
  ])('%s', (_what, text, length, stays) => {
    const { result, head, size } = read(text)
    expect(result).toBe(size)
    expect([head.bodyLength, head.keepAlive]).toEqual([length, stays])
  })

  test('is none in an answer to HEAD, whatever its head says', () => {
    for (const line of ['Content-Length: 5', 'Transfer-Encoding: chunked', 'X: y']) {
      const { head } = read(answer('200 OK', line), true)
      expect([head.bodyLength, head.keepAlive]).toEqual([0, true])
    }
    expect(read(answer('200 OK', 'Content-Length: 5'), true).head.statedLength).toBe(5)
  })

  test.each([
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['the same length twice', ['Content-Length: 5', 'Content-Length: 5']],
    ['a list of lengths', ['Content-Length: 5, 5']],
    ['a length with a sign', ['Content-Length: +5']],
    ['a length with a tab behind it', ['Content-Length: 5\t']],
    ['an empty length', ['Content-Length:']],
    ['a length beyond 2^53', ['Content-Length: 9007199254740993']],
    ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
    ['two codings', ['Transfer-Encoding: gzip, chunked']],
    ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['another coding', ['Transfer-Encoding: gzip']],
    ['a coding with a tab behind it', ['Transfer-Encoding: chunked\t']],
    ['an empty coding', ['Transfer-Encoding:']],
    ['a space before the colon', ['Content-Length : 5']],
    ['a folded line', ['X: a', ' b']],
    ['a bare LF', ['X: a\nContent-Length: 5']],
    ['a bare CR', ['X: a\rContent-Length: 5']],
    ['NUL', ['X: a\0b']],
    ['no colon', ['X']],
    ['too many fields', Array.from({ length: 21 }, (_, n) => `X-${n}: y`)],
    ['a head that is too large', [`X: ${'y'.repeat(8_192)}`]],
  ])('cannot be told with %s: refused', (_what, lines) => {
    expect(read(answer('200 OK', ...lines)).result).toBe(-1)
  })

  test('in chunks is refused in HTTP/1.0', () => {
    expect(read('HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n').result).toBe(-1)
  })
})

// Found by the fuzzer: HTTP/1.0 has no interim answers, so its connection is over, and what follows is nobody's.
test.each([
  ['says that it is the last', 'HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n'],
  ['comes in HTTP/1.0', 'HTTP/1.0 100 Continue\r\n\r\n'],
])('an interim answer that %s is refused', (_what, text) => {
  expect(read(text).result).toBe(-1)
})

test('a head without end is refused when it is too large, not when it ends', () => {
  expect(read(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(8_100)}`).result).toBe(0)
  expect(read(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(8_192)}`).result).toBe(-1)
  expect(read(`HTTP/1.1 200 ${'y'.repeat(8_192)}`).result).toBe(-1)
})
