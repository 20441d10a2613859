import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { catalogue, type ErrorCode } from '../../src/base/errors.ts'
import { startOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function trafficTo(url: string, more: Parameters<typeof startTraffic>[1] = {}) {
  const started = await startTraffic([serviceRoutes('web', definition('web', '/only', url))], more)
  cleanups.push(() => started.close())
  return started
}

function rawClient(port: number): RawClient {
  const client = new RawClient(port)
  cleanups.push(() => client.close())
  return client
}

/** Nobody listens there. */
const nowhere = 'http://127.0.0.1:9/'

interface Answer {
  readonly status: number
  readonly fields: Record<string, string>
  readonly body: string
}

function parsed(text: string): Answer {
  const [head = '', body = ''] = text.split(/\r\n\r\n([\s\S]*)/)
  const [first = '', ...lines] = head.split('\r\n')
  return {
    status: Number(first.split(' ')[1]),
    fields: Object.fromEntries(
      lines.map((line) => [line.split(':', 1)[0]!.toLowerCase(), line.replace(/^[^:]*: ?/, '')]),
    ),
    body,
  }
}

describe('a request that is refused by its form', () => {
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n'
  const post = 'POST / HTTP/1.1\r\nHost: a\r\n'
  const cases: [what: string, code: ErrorCode, text: string][] = [
    ['no HTTP', 'GW_BAD_REQUEST', '\x16\x03\x01\r\n\r\n'],
    ['no Host', 'GW_BAD_REQUEST', 'GET / HTTP/1.1\r\n\r\n'],
    ['a malformed chunk', 'GW_BAD_REQUEST', `${post}Transfer-Encoding: chunked\r\n\r\nx\r\n`],
    ['CONNECT', 'GW_METHOD', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'],
    ['half a head', 'GW_CLIENT_TIMEOUT', get],
    ['half a body', 'GW_CLIENT_TIMEOUT', `${post}Content-Length: 9\r\n\r\nhalf`],
    ['a long body', 'GW_BODY_TOO_LARGE', `${post}Content-Length: 11\r\n\r\n`],
    [
      'a long body in chunks',
      'GW_BODY_TOO_LARGE',
      `${post}Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n`,
    ],
    ['a long target', 'GW_TARGET_TOO_LONG', `GET /${'a'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['an expectation', 'GW_EXPECTATION', `${get}Expect: magic\r\n\r\n`],
    ['many fields', 'GW_HEAD_TOO_LARGE', `${get}${'a: b\r\n'.repeat(300)}\r\n`],
    ['a long field', 'GW_HEAD_TOO_LARGE', `${get}a: ${'b'.repeat(70_000)}\r\n\r\n`],
    ['an unknown coding', 'GW_TRANSFER_CODING', `${post}Transfer-Encoding: br\r\n\r\n`],
    ['another version', 'GW_VERSION', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
  ]

  test.each(cases)('for %s is told so by %s', async (_what, code, text) => {
    const web = await startOrigin(() => {})
    cleanups.push(() => web.close())
    const { port, log } = await trafficTo(web.url, {
      listener: { maxBodySize: 10, headTimeout: 100, bodyStallTimeout: 100, maxTargetSize: 8_192 },
    })
    // To a service that waits, so that a body is on its way when it turns out to be none.
    const answer = parsed(await rawClient(port).send(text.replace(' / ', ' /only ')).untilClosed())
    expect([answer.status, answer.fields['x-gatehouse-error']]).toEqual([catalogue[code].status, code])
    expect(answer.fields).toMatchObject({
      connection: 'close',
      'x-request-id': 'id',
      date: expect.stringMatching(/ GMT$/),
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(answer.body.length),
    })
    // Where its body was on its way to a service already, that is told as any failed request.
    const isOnItsWay = text.startsWith('POST') && !/11\r|br\r/.test(text)
    expect(answer.body).toMatch(new RegExp(`^${catalogue[code].says}${isOnItsWay ? '' : ': [^\n]+'}\n$`))
    expect(log.of(isOnItsWay ? 'request-failed' : 'request-refused')).toEqual([
      expect.stringContaining(`(${code}, request id)`),
    ])
  })

  test('is answered in the form that it asks for, where its head was read', async () => {
    const { port } = await trafficTo(nowhere, { listener: { maxBodySize: 10 } })
    const head = `${post}Accept: application/json\r\nContent-Length: 11\r\n\r\n`
    const { body } = parsed(await rawClient(port).send(head).untilClosed())
    expect(JSON.parse(body)).toEqual({
      error: {
        code: 'GW_BODY_TOO_LARGE',
        status: 413,
        message: 'the body is too large: a body of more than 10 octets',
        requestId: 'id',
      },
    })
  })

  test('gets the page of the operator', async () => {
    const { port } = await trafficTo(nowhere, { handler: { errorPages: { '4xx': '<h1>ours</h1>' } } })
    const { fields, body } = parsed(await rawClient(port).send('GET /\r\n\r\n').untilClosed())
    expect([fields['content-type'], body]).toEqual(['text/html; charset=utf-8', '<h1>ours</h1>'])
  })

  test('has no body where it is a HEAD', async () => {
    const { port } = await trafficTo(nowhere, { listener: { maxBodySize: 10 } })
    const head = 'HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n'
    const { status, body } = parsed(await rawClient(port).send(head).untilClosed())
    expect([status, body]).toEqual([413, ''])
  })
})

describe('an error', () => {
  const ask = async (url: string, accept = '') => {
    const answer = await request(url, { headers: accept === '' ? {} : { accept } })
    return {
      status: answer.statusCode,
      code: answer.headers['x-gatehouse-error'],
      id: answer.headers['x-request-id'],
      type: answer.headers['content-type'],
      body: await answer.body.text(),
    }
  }

  test('is text for whoever asks for nothing, a page for browsers, JSON for programs', async () => {
    const { url } = await trafficTo(nowhere)
    expect(await ask(`${url}/none`)).toEqual({
      status: 404,
      code: 'GW_NO_ROUTE',
      id: 'id',
      type: 'text/plain; charset=utf-8',
      body: 'no route\n',
    })
    const page = await ask(`${url}/only`, 'text/html,application/xhtml+xml,*/*;q=0.8')
    expect([page.status, page.type]).toEqual([502, 'text/html; charset=utf-8'])
    expect(page.body).toContain('<p>The upstream refused the connection.</p>')
    expect(page.body).toContain('GW_CONNECT_REFUSED &middot; id')
    const json = await ask(`${url}/only`, 'application/json')
    expect(JSON.parse(json.body)).toEqual({
      error: {
        code: 'GW_CONNECT_REFUSED',
        status: 502,
        message: 'the upstream refused the connection',
        requestId: 'id',
      },
    })
  })

  // To read one of 60 KiB took longer than everything else of an answer that nobody had asked for.
  test('is text where Accept is longer than any that somebody means', async () => {
    const { url } = await trafficTo(nowhere)
    expect((await ask(`${url}/none`, 'application/json,'.repeat(240))).type).toBe('application/json')
    expect((await ask(`${url}/none`, 'application/json,'.repeat(250))).type).toBe('text/plain; charset=utf-8')
  })

  test('is the page of the operator by status, then by class, and JSON all the same', async () => {
    const errorPages = { '404': '<p>nothing here</p>', '4xx': '<p>yours</p>', '5xx': '<p>ours</p>' }
    const { url } = await trafficTo(nowhere, { handler: { errorPages } })
    expect((await ask(`${url}/none`)).body).toBe('<p>nothing here</p>')
    expect(await ask(`${url}/only`)).toMatchObject({
      code: 'GW_CONNECT_REFUSED',
      type: 'text/html; charset=utf-8',
      body: '<p>ours</p>',
    })
    expect((await ask(`${url}/only`, 'application/json')).type).toBe('application/json')
  })

  test('says nothing of the service, and the log says all of it by the same id', async () => {
    const { url, log } = await trafficTo(nowhere)
    const { body } = await ask(`${url}/only?x`)
    expect(body).not.toMatch(/127|ECONN|:9/)
    const host = url.slice('http://'.length)
    expect(log.of('upstream-failed')).toEqual([
      `warn proxy upstream-failed: GET ${host}/only?… of 127.0.0.1 at web ${nowhere}: connect ECONNREFUSED 127.0.0.1:9 (GW_CONNECT_REFUSED, request id)`,
    ])
  })
})
