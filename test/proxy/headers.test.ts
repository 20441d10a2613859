import { describe, expect, test } from 'vitest'
import { sectionOf } from '../../src/http1/field-section.ts'
import type { ClientSide } from '../../src/proxy/exchange.ts'
import {
  compileRequestLines,
  type ForwardingOptions,
  responseLines,
  trailerLines,
} from '../../src/proxy/headers.ts'
import { clientSide, exchangeOf } from '../support/exchange.ts'

const plain: ForwardingOptions = {
  clientIpHeader: '',
  requestIdHeader: '',
  tlsHeader: '',
  tlsValue: '',
  localIp: '',
  newId: () => 'id-1',
}

interface Given {
  fields?: string[]
  options?: Partial<ForwardingOptions>
  from?: Partial<ClientSide>
  host?: string
  prefixLine?: string
}

/** The fields that the upstream gets, as lines. */
function sent({
  fields = [],
  options = {},
  from = {},
  host = 'shop.test',
  prefixLine = '',
}: Given): string[] {
  const exchange = exchangeOf({ host, fields: sectionOf(fields) }, from)
  return split(compileRequestLines({ ...plain, ...options })(exchange, host, { prefixLine, request: null }))
}

const split = (lines: string): string[] => lines.split('\r\n').slice(0, -1)

const named = (lines: string[], name: string): string[] =>
  lines
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 2))

describe('the fields that the upstream gets', () => {
  test('of a request without any are these and no other', () => {
    expect(sent({})).toEqual([
      'Host: shop.test',
      'X-Real-Ip: 192.0.2.7',
      'X-Forwarded-For: 192.0.2.7',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Port: 80',
      'X-Forwarded-Host: shop.test',
      'Forwarded: for=192.0.2.7; proto=http; httpproto=http/1.1',
    ])
  })

  test('keep the client’s own, in order, two lines of one name as two', () => {
    const lines = sent({ fields: ['Accept', '*/*', 'x-a', '1', 'Cookie', 'c', 'X-A', '2'] })
    expect(lines.slice(1, 5)).toEqual(['Accept: */*', 'x-a: 1', 'Cookie: c', 'X-A: 2'])
  })

  test.each([
    ['Connection', 'close'],
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Connection', 'keep-alive'],
    ['Proxy-Authorization', 'x'],
    ['TE', 'gzip'],
    ['Trailer', 'x'],
    ['Transfer-Encoding', 'chunked'],
    ['Upgrade', 'h2c'],
    ['Expect', '100-continue'],
    ['Content-Length', '3'],
  ])('%s is of this hop, or its framing, and does not go on', (name, value) => {
    expect(named(sent({ fields: [name, value] }), name)).toEqual([])
  })

  // fabio reference 6.5, hop-by-hop removal
  test.each(['trailers', 'gzip;q=0.5, Trailers'])('TE: %s goes on as what it says of trailers', (te) => {
    expect(named(sent({ fields: ['TE', te, 'Connection', 'TE'] }), 'TE')).toEqual(['trailers'])
  })

  test('a field that Connection names does not go on, in whatever case', () => {
    const fields = [
      'X-Secret',
      '1',
      'Connection',
      'close, x-SECRET',
      'X-Kept',
      '1',
      'connection',
      'x-second',
      'X-Second',
      '1',
    ]
    const lines = sent({ fields })
    expect(named(lines, 'X-Secret')).toEqual([])
    expect(named(lines, 'X-Second')).toEqual([])
    expect(named(lines, 'X-Kept')).toEqual(['1'])
  })

  test.each(['host', 'x-forwarded-for', 'forwarded', 'x-real-ip', 'x-forwarded-proto', 'X-Client'])(
    'naming %s in Connection removes nothing that is relied upon (CVE-2025-48865)',
    (name) => {
      const fields = ['Connection', name, 'X-Forwarded-For', '10.0.0.1']
      const lines = sent({ fields, options: { clientIpHeader: 'X-Client' } })
      expect(named(lines, 'Host')).toEqual(['shop.test'])
      expect(named(lines, 'X-Forwarded-For')).toEqual(['10.0.0.1, 192.0.2.7'])
      expect(named(lines, 'X-Client')).toEqual(['192.0.2.7'])
      expect(named(lines, 'X-Real-Ip')).toEqual(['192.0.2.7'])
    },
  )

  test('X-Forwarded-For joins all lines and ends in the address of the peer', () => {
    const lines = sent({ fields: ['X-Forwarded-For', '1.1.1.1, 2.2.2.2', 'x-forwarded-for', '3.3.3.3'] })
    expect(named(lines, 'X-Forwarded-For')).toEqual(['1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7'])
  })

  // fabio reference 6.5: "only if absent or empty".
  test.each([
    ['X-Real-Ip', '192.0.2.7'],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Port', '80'],
    ['X-Forwarded-Host', 'shop.test'],
  ])('an empty %s is as good as none, and there is one in the end', (name, value) => {
    expect(named(sent({ fields: [name, ''] }), name)).toEqual([value])
  })

  test.each(['X-Real-Ip', 'X-Forwarded-Proto', 'X-Forwarded-Port', 'X-Forwarded-Host'])(
    'a %s that is there stays as it is',
    (name) => {
      expect(named(sent({ fields: [name, 'theirs'] }), name)).toEqual(['theirs'])
    },
  )

  // fabio reference 17.7
  test.each([
    ['192.0.2.1', false, '80'],
    ['192.0.2.1:', false, '80'],
    ['192.0.2.1', true, '443'],
    ['192.0.2.1:8081', false, '8081'],
    ['[::1]:8080', false, '8080'],
    ['[::1]', true, '443'],
  ])('X-Forwarded-Port of the host %s (TLS %s) is %s', (host, secure, port) => {
    expect(named(sent({ host, from: { secure } }), 'X-Forwarded-Port')).toEqual([port])
  })

  // fabio reference 6.5
  test.each([
    [[], {}, '', 'for=192.0.2.7; proto=http; httpproto=http/1.1'],
    [[], {}, '10.0.0.5', 'for=192.0.2.7; proto=http; by=10.0.0.5; httpproto=http/1.1'],
    [[], { secure: true, httpVersion: '1.0' }, '', 'for=192.0.2.7; proto=https; httpproto=http/1.0'],
    [
      ['Forwarded', 'for=198.51.100.9; proto=http; by=10.9.9.9'],
      {},
      '10.0.0.5',
      'for=198.51.100.9; proto=http; by=10.9.9.9; by=10.0.0.5; httpproto=http/1.1',
    ],
    [['X-Forwarded-Proto', 'https'], {}, '', 'for=192.0.2.7; proto=https; httpproto=http/1.1'],
    [['Upgrade', 'websocket'], {}, '', 'for=192.0.2.7; proto=ws; httpproto=http/1.1'],
    [['Upgrade', 'websocket'], { secure: true }, '', 'for=192.0.2.7; proto=wss; httpproto=http/1.1'],
    [['Upgrade', 'WebSocket'], {}, '', 'for=192.0.2.7; proto=http; httpproto=http/1.1'],
    [[], { remoteAddress: '2001:db8::1' }, '', 'for=2001:db8::1; proto=http; httpproto=http/1.1'],
  ])('Forwarded with %j from %j and the local address %j is %s', (fields, from, localIp, expected) => {
    expect(named(sent({ fields, from, options: { localIp } }), 'Forwarded')).toEqual([expected])
  })

  // fabio reference 6.5, request scheme
  test.each([
    [['Forwarded', 'for=1.1.1.1; proto=https; by=x'], 'https'],
    [['Forwarded', 'for=1.1.1.1; proto=wss'], 'https'],
    [['Forwarded', 'for=1.1.1.1'], 'http'],
    [['Upgrade', 'websocket'], 'http'],
    [['Forwarded', 'proto=https', 'X-Forwarded-Proto', 'gopher'], 'gopher'],
  ])('X-Forwarded-Proto of a request with %j is %s', (fields, expected) => {
    expect(named(sent({ fields }), 'X-Forwarded-Proto')).toEqual([expected])
  })

  test('are those of each request: a websocket or another host on the same connection has its own', () => {
    const lines = compileRequestLines(plain)
    const connection = clientSide()
    const ask = (fields: string[], host = 'shop.test'): string => {
      const exchange = exchangeOf({ fields: sectionOf(fields), host })
      return lines(Object.assign(exchange, { client: connection }), host, { prefixLine: '', request: null })
    }
    const first = ask([])
    expect(ask([])).toBe(first)
    expect(ask(['Upgrade', 'websocket'])).toContain('Forwarded: for=192.0.2.7; proto=ws;')
    expect(ask([], 'other.test:81')).toContain('X-Forwarded-Port: 81\r\nX-Forwarded-Host: other.test:81\r\n')
    expect(ask([])).toBe(first)
  })

  test('proxy.header.clientip overwrites what the client sent', () => {
    const lines = sent({ fields: ['x-client', 'forged'], options: { clientIpHeader: 'X-Client' } })
    expect(named(lines, 'X-Client')).toEqual(['192.0.2.7'])
  })

  test('proxy.header.requestid replaces what the client sent', () => {
    const lines = sent({ fields: ['x-request-id', 'forged'], options: { requestIdHeader: 'X-Request-Id' } })
    expect(named(lines, 'X-Request-Id')).toEqual(['id-1'])
  })

  test('X-Forwarded-Prefix is what strip cut, and passes where nothing is cut', () => {
    const fields = ['X-Forwarded-Prefix', 'theirs']
    expect(named(sent({ fields, prefixLine: 'X-Forwarded-Prefix: /foo\r\n' }), 'X-Forwarded-Prefix')).toEqual(
      ['/foo'],
    )
    expect(named(sent({ fields }), 'X-Forwarded-Prefix')).toEqual(['theirs'])
  })
})

const answered = (fields: string[]): string[] => split(responseLines(sectionOf(fields), () => 'now'))

describe('the fields of an answer', () => {
  test('that are of the upstream’s hop do not go on, nor those that its Connection names', () => {
    const fields = [
      'Connection',
      'x-hop',
      'X-Hop',
      '1',
      'Keep-Alive',
      'timeout=5',
      'Transfer-Encoding',
      'chunked',
    ]
    expect(answered([...fields, 'Set-Cookie', 'a', 'Set-Cookie', 'b', 'Date', 'then'])).toEqual([
      'Set-Cookie: a',
      'Set-Cookie: b',
      'Date: then',
    ])
  })

  test('have a Date, and it is the upstream’s where it sent one', () => {
    expect(answered(['X-A', '1'])).toEqual(['X-A: 1', 'Date: now'])
    expect(answered(['Date', 'then', 'X-A', '1'])).toEqual(['Date: then', 'X-A: 1'])
  })

  test('trailers never frame, route or authorise', () => {
    const fields = [
      'Content-Length',
      '5',
      'Set-Cookie',
      'a',
      'Host',
      'x',
      'Transfer-Encoding',
      'x',
      'X-Checksum',
      '1',
    ]
    expect(split(trailerLines(sectionOf(fields)))).toEqual(['X-Checksum: 1'])
  })
})
