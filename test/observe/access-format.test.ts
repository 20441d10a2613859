import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/base/errors.ts'
import { accessFormat } from '../../src/config/access-log.ts'
import { sectionOf } from '../../src/http1/field-section.ts'
import { compileFormat } from '../../src/observe/access-log/compile-format.ts'
import { EndTime } from '../../src/observe/access-log/end-time.ts'
import type { Entry } from '../../src/observe/access-log/fields.ts'
import type { ClientSide, Exchange } from '../../src/proxy/exchange.ts'
import type { ForwardingOptions } from '../../src/proxy/headers.ts'
import type { Route, Target } from '../../src/route/table.ts'
import { parseContext } from '../config/context.ts'
import { exchangeOf } from '../support/exchange.ts'

const forwarding: ForwardingOptions = {
  clientIpHeader: 'X-Client',
  requestIdHeader: 'X-Id',
  tlsHeader: '',
  tlsValue: '',
  localIp: '',
  newId: () => 'new-id',
}

/** 2026-03-04T05:06:07.089012345Z, as the reference's vector has it (17.11). */
function endOfVector(): EndTime {
  const wall = Date.UTC(2026, 2, 4, 5, 6, 7)
  const end = new EndTime({ now: () => wall, monotonic: () => 1_000, after: () => () => {} })
  end.set(1_089.012345)
  end.nanos = 89_012_345
  return end
}

const target = {
  service: 'web',
  instance: 'node/web-1',
  url: 'http://10.0.0.1:8080/',
  authority: '10.0.0.1:8080',
  plan: { strip: '', prefixLine: '', prepend: '', query: '', host: null, request: null },
  upstream: { key: 'http://10.0.0.1:8080' },
} as unknown as Target

/** A request that an instance answered. */
function answered(
  more: Omit<Partial<Exchange>, 'client'> & { header?: string[]; client?: Partial<ClientSide> } = {},
): Exchange {
  const { header = [], client, ...rest } = more
  const { target: uri = '/p?k=v', path = '/p', host = 'shop.test' } = rest
  const exchange = exchangeOf({ target: uri, path, host, fields: sectionOf(header), startedAt: 100 }, client)
  const given = Object.fromEntries(
    Object.entries(rest).filter(([key]) => !['target', 'path', 'host'].includes(key)),
  )
  const usual = { route: { text: 'shop.test/' } as Route, chosen: target, attempts: 1, wasSent: true }
  return Object.assign(exchange, usual, {
    sentAt: 101.5,
    answeredAt: 110,
    status: 200,
    bodySize: 12,
    ...given,
  })
}

function lineOf(format: string, exchange: Exchange = answered(), duration = 2_003.004005): string {
  const entry: Entry = { exchange, duration, end: endOfVector(), worker: '2' }
  return compileFormat(accessFormat.parse(format, parseContext()), forwarding)(entry)
}

describe("fabio's fields (reference 10.3, 17.11)", () => {
  test.each([
    ['$response_time_ms', '2.003'],
    ['$response_time_us', '2.003004'],
    ['$response_time_ns', '2.003004005'],
    ['$time_common', '04/Mar/2026:05:06:07 +0000'],
    ['$time_rfc3339', '2026-03-04T05:06:07Z'],
    ['$time_rfc3339_ms', '2026-03-04T05:06:07.089Z'],
    ['$time_rfc3339_us', '2026-03-04T05:06:07.089012Z'],
    ['$time_rfc3339_ns', '2026-03-04T05:06:07.089012345Z'],
    ['$time_unix_ms', '1772600767089'],
    ['$time_unix_us', '1772600767089012'],
    ['$time_unix_ns', '1772600767089012345'],
    ['$request_url', 'http://shop.test/p?k=v'],
    ['$request_args', 'k=v'],
    ['$request', 'GET /p?k=v HTTP/1.1'],
    ['$request_method $request_uri $request_proto', 'GET /p?k=v HTTP/1.1'],
    ['$request_host', 'shop.test'],
    ['$request_scheme', 'http'],
    ['$remote_addr', '192.0.2.7:40000'],
    ['$remote_host $remote_port', '192.0.2.7 40000'],
    ['$response_status $response_body_size', '200 12'],
    ['$upstream_addr', '10.0.0.1:8080'],
    ['$upstream_host $upstream_port', '10.0.0.1 8080'],
    ['$upstream_request_scheme', 'http'],
    ['$upstream_request_uri', '/p?k=v'],
    ['$upstream_request_url', 'http://10.0.0.1:8080/p?k=v'],
    ['$upstream_service', 'web'],
  ])('%s is %s', (format, expected) => {
    expect(lineOf(format)).toBe(expected)
  })

  test('fields of the target are those of each request, whichever came before it', () => {
    const other = { ...target, service: 'api', instance: 'node/api-1', authority: '10.0.0.2:80' } as Target
    const exchanges = [
      answered(),
      answered({ chosen: other, route: { text: 'api.test/' } as Route }),
      // Refused by a guard: it was chosen, and not asked.
      answered({ chosen: other, route: { text: 'api.test/' } as Route, attempts: 0 }),
      answered({ chosen: null, route: null, attempts: 0 }),
      answered(),
    ]
    const format = '$upstream_service $upstream_addr $response_status $route "$upstream_instance"'
    for (const form of [format, `json ${format.replaceAll('"', '')}`]) {
      const write = compileFormat(accessFormat.parse(form, parseContext()), forwarding)
      for (const exchange of exchanges) {
        const entry: Entry = { exchange, duration: 1, end: endOfVector(), worker: '2' }
        expect(write(entry)).toBe(lineOf(form, exchange, 1))
      }
    }
    expect(lineOf(format, exchanges[1])).toBe('api 10.0.0.2:80 200 api.test/ "node/api-1"')
    expect(lineOf(format, exchanges[2])).toBe('api  200 api.test/ "node/api-1"')
    expect(lineOf(format, exchanges[3])).toBe('  200  ""')
  })

  test('common and combined are what they are called', () => {
    const exchange = answered({ header: ['Referer', 'http://a/', 'User-Agent', 'curl/8'] })
    const common = '192.0.2.7 - - [04/Mar/2026:05:06:07 +0000] "GET /p?k=v HTTP/1.1" 200 12'
    expect(lineOf('common', exchange)).toBe(common)
    expect(lineOf('combined', exchange)).toBe(`${common} "http://a/" "curl/8"`)
  })

  test('an IPv6 peer keeps its brackets', () => {
    const exchange = answered({ client: { remoteAddress: '2001:db8::7' } })
    expect(lineOf('$remote_host $remote_addr', exchange)).toBe('[2001:db8::7] [2001:db8::7]:40000')
  })

  test('an IPv6 instance too', () => {
    const chosen = { ...target, authority: '[::1]:8080', upstream: { key: 'https://[::1]:8080 name' } }
    const exchange = answered({ chosen: chosen as unknown as Target })
    expect(lineOf('$upstream_host $upstream_port $upstream_request_scheme', exchange)).toBe(
      '[::1] 8080 https',
    )
  })

  test('host=, strip= and prepend= are seen where they count', () => {
    const plan = { ...(target.plan as object), strip: '/p', prepend: '/q', host: 'inner.test' }
    const exchange = answered({ chosen: { ...target, plan }, target: '/p/x?k', path: '/p/x' })
    expect(lineOf('$request_host $request_uri $upstream_request_uri', exchange)).toBe(
      'inner.test /p/x?k /q/x?k',
    )
    expect(lineOf('$request_url', exchange)).toBe('http://shop.test/p/x?k')
  })

  test('a header field is its first value in any case, and nothing where there is none', () => {
    const exchange = answered({ header: ['X-A', 'one', 'x-a', 'two'] })
    expect(lineOf('<$header.x-A> <$header.X-B>', exchange)).toBe('<one> <>')
  })

  test('a field that the gateway adds is what went to the instance, X-Forwarded-For what came from the client', () => {
    const exchange = answered({ header: ['X-Forwarded-For', '203.0.113.9', 'X-Client', 'spoofed'] })
    const fields = '$header.X-Real-Ip $header.X-Forwarded-For $header.X-Client $header.X-Id'
    expect(lineOf(fields, exchange)).toBe('192.0.2.7 203.0.113.9 192.0.2.7 new-id')
    const refused = answered({ header: ['X-Real-Ip', '203.0.113.9'], chosen: null, attempts: 0 })
    expect(lineOf('$header.X-Real-Ip', refused)).toBe('203.0.113.9')
  })

  test.each([
    ['a$$request_method', 'a$GET'],
    ['100$ $', '100$ $'],
    ['$request_method.x', 'GET.x'],
    ['$request_method/$request_uri', 'GET//p?k=v'],
    ['ä€ $request_method', 'Ã¤â\u0082¬ GET'],
  ])('%j: text is literal', (format, expected) => {
    expect(lineOf(format)).toBe(expected)
  })

  test.each([
    ['$nothing', '"$nothing"'],
    ['$remote_host-x', '"$remote_host-x"'],
    ['$header', '"$header"'],
    ['$header.', '"$header."'],
    ['$request_methodX', '"$request_methodX"'],
  ])('%s is a mistake at the start that names it', (format, named) => {
    expect(() => lineOf(format)).toThrow(`expected a field of the access log, got ${named}`)
  })

  test.each([
    ['empty', ''],
    ['blank', '  '],
  ])('a format that is %s is a mistake', (_what, format) => {
    expect(() => lineOf(format)).toThrow('expected a format, which is not empty')
  })
})

describe('our own fields', () => {
  test.each([
    ['$attempts', '1'],
    ['$route', 'shop.test/'],
    ['$upstream_instance', 'node/web-1'],
    ['$client_host', '192.0.2.7'],
    ['$queue_time_us', '0.001500'],
    ['$connect_time_us', ''],
    ['$first_byte_time_us', '0.008500'],
    ['$error_code', ''],
    ['$request_id', ''],
    ['$worker', '2'],
  ])('%s is "%s"', (format, expected) => {
    expect(lineOf(format)).toBe(expected)
  })

  test('a new connection has its time apart', () => {
    const exchange = answered({ waitsSince: 100.25, sentAt: 103.25, answeredAt: 110 })
    expect(lineOf('$queue_time_us $connect_time_us $first_byte_time_us', exchange)).toBe(
      '0.000250 0.003000 0.006750',
    )
  })

  test('what failed says why, and who was not asked has no address', () => {
    const failure = new GatewayError('GW_NO_TARGET', 'for a test')
    const exchange = answered({ chosen: null, attempts: 0, sentAt: 0, answeredAt: 0, status: 503, failure })
    expect(lineOf('$response_status $error_code <$upstream_addr> <$upstream_service>', exchange)).toBe(
      '503 GW_NO_TARGET <> <>',
    )
  })

  test('the id of a request is the one it was given, else the one it came with', () => {
    expect(lineOf('$request_id', answered({ header: ['X-Request-Id', 'theirs'] }))).toBe('theirs')
    expect(lineOf('$request_id', answered({ id: 'ours', header: ['X-Request-Id', 'theirs'] }))).toBe('ours')
  })

  test.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', ''],
    ['no trace', ''],
  ])('the trace of %s is "%s"', (traceparent, expected) => {
    expect(lineOf('$trace_id', answered({ header: ['traceparent', traceparent] }))).toBe(expected)
  })
})

describe('what a client sends', () => {
  test('cannot end the quotes around it', () => {
    const exchange = answered({ header: ['User-Agent', 'a" 200 9 "b\\'], target: '/"x', path: '/"x' })
    expect(lineOf('"$request" "$header.User-Agent"', exchange)).toBe(
      '"GET /\\x22x HTTP/1.1" "a\\x22 200 9 \\x22b\\x5C"',
    )
  })

  test('in UTF-8 comes out as it came in', () => {
    const octets = Buffer.from('grün', 'utf8').toString('latin1')
    const exchange = answered({ header: ['X-A', octets] })
    expect(Buffer.from(lineOf('$header.X-A', exchange), 'latin1').toString('utf8')).toBe('grün')
  })

  test('in the path that routing looks at is one URL on one line', () => {
    const exchange = answered({ target: '/a%0Ab%3F%E2%82%AC', path: '/a\nb?€' })
    expect(lineOf('$request_url', exchange)).toBe('http://shop.test/a%0Ab%3F%E2%82%AC')
  })

  test('and a name in Consul stay on one line, in UTF-8', () => {
    const exchange = answered({ chosen: { ...target, service: 'ä\nb' } as Target })
    expect(Buffer.from(lineOf('$upstream_service', exchange), 'latin1').toString('utf8')).toBe('ä?b')
  })
})

describe('json', () => {
  const parsed = (format: string, exchange?: Exchange): Record<string, unknown> =>
    JSON.parse(Buffer.from(lineOf(format, exchange), 'latin1').toString('utf8')) as Record<string, unknown>

  test('has what is asked for, numbers as numbers', () => {
    const exchange = answered({ header: ['User-Agent', 'curl/8'] })
    expect(
      parsed('json $response_status $upstream_service $header.User-Agent $connect_time_us', exchange),
    ).toEqual({
      response_status: 200,
      upstream_service: 'web',
      'header.User-Agent': 'curl/8',
      connect_time_us: null,
    })
  })

  test('alone has all that one needs', () => {
    expect(parsed('json')).toMatchObject({
      time_rfc3339_ms: '2026-03-04T05:06:07.089Z',
      remote_host: '192.0.2.7',
      request_method: 'GET',
      request_uri: '/p?k=v',
      response_status: 200,
      response_time_us: 2.003004,
      upstream_addr: '10.0.0.1:8080',
      upstream_instance: 'node/web-1',
      route: 'shop.test/',
      attempts: 1,
      error_code: '',
      trace_id: '',
    })
  })

  test('can be read whatever a client sends, and says it unchanged', () => {
    const words = 'a"b\\c\x22\\x22 grün'
    const octets = Buffer.from(words, 'utf8').toString('latin1')
    expect(parsed('json $header.X-A', answered({ header: ['X-A', octets] }))).toEqual({ 'header.X-A': words })
    const broken = answered({ header: ['X-A', 'a\xff\xfeb'] })
    expect(parsed('json $header.X-A', broken)).toEqual({ 'header.X-A': 'a\ufffd\ufffdb' })
  })

  test('has only fields behind its name', () => {
    expect(() => lineOf('json $request_method and more')).toThrow(
      'expected only $fields behind json, got "and more"',
    )
  })
})
