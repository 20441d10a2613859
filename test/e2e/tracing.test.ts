import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import type { TrafficOptions } from '../../src/traffic.ts'
import { startOrigin } from '../support/origin.ts'
import { parseOtlp, type ReceivedSpan } from '../support/otlp.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A collector that refuses what is not OTLP. */
async function collector() {
  const spans: ReceivedSpan[] = []
  const faults: string[] = []
  const headers: Record<string, unknown>[] = []
  const server = await startOrigin((message, response) => {
    let body = ''
    message.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    message.on('end', () => {
      headers.push(message.headers)
      try {
        expect(message.headers['content-type']).toBe('application/json')
        spans.push(...parseOtlp(body).flatMap((each) => each.spans))
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}')
      } catch (error) {
        faults.push((error as Error).message)
        response.writeHead(400).end()
      }
    })
  })
  cleanups.push(() => server.close())
  return { spans, faults, headers, endpoint: `${server.url}/v1/traces` }
}

const options = (
  endpoint: string,
  more: Partial<TrafficOptions['tracing']> = {},
): TrafficOptions['tracing'] => ({
  endpoint,
  headers: [{ name: 'Authorization', value: 'Bearer abc' }],
  ratio: 1,
  propagation: ['w3c'],
  service: 'edge',
  queue: 2048,
  ...more,
})

const trace = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'

describe('a request in a trace', () => {
  test('is a span of its own and one for each attempt, which is what the instance continues', async () => {
    const { spans, faults, headers, endpoint } = await collector()
    let told = ''
    const web = await startOrigin((message, response) => {
      told = String(message.headers.traceparent)
      response.end('ok')
    })
    cleanups.push(() => web.close())
    const dead = await startOrigin((_message, response) => response.end())
    await dead.close()
    const { url, close } = await startTraffic(
      [serviceRoutes('web', definition('web', '/', web.url), definition('web', '/', dead.url))],
      { tracing: options(endpoint) },
    )
    // One of two in turn is the dead one, and the request goes to the other then.
    for (let i = 0; i < 2; i++) {
      const fields = { traceparent: `00-${trace}-${parent}-01`, tracestate: 'a=b' }
      await request(`${url}/p?secret=1`, { headers: fields }).then(({ body }) => body.dump())
    }
    await close()
    expect(faults).toEqual([])
    expect(headers[0]).toMatchObject({ authorization: 'Bearer abc' })
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([trace]))
    const servers = spans.filter(({ kind }) => kind === 2)
    const clients = spans.filter(({ kind }) => kind === 3)
    expect(servers).toHaveLength(2)
    expect(clients.length).toBeGreaterThanOrEqual(3)
    for (const { parentSpanId, name, attributes, status } of servers) {
      expect([parentSpanId, name, status]).toEqual([parent, 'GET /', {}])
      expect(attributes).toMatchObject({
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'url.path': '/p',
        'http.route': '/',
        'gatehouse.service': 'web',
      })
    }
    const failed = clients.filter(({ status }) => status.code === 2)
    expect(failed.map(({ attributes }) => attributes['error.type'])).toContain('GW_CONNECT_REFUSED')
    expect(clients.every(({ parentSpanId }) => servers.some(({ spanId }) => spanId === parentSpanId))).toBe(
      true,
    )
    expect(clients.map(({ spanId }) => `00-${trace}-${spanId}-01`)).toContain(told)
    expect(JSON.stringify(spans)).not.toContain('secret')
  })

  test('that begins here and is not recorded reaches the instance as such, and the collector not at all', async () => {
    const { spans, endpoint } = await collector()
    let fields: Record<string, unknown> = {}
    const web = await startOrigin((message, response) => {
      fields = message.headers
      response.end('ok')
    })
    cleanups.push(() => web.close())
    const { url, close } = await startTraffic([serviceRoutes('web', definition('web', '/', web.url))], {
      tracing: options(endpoint, { ratio: 0, propagation: ['w3c', 'b3'] }),
    })
    await request(url, { headers: { tracestate: 'a=b' } }).then(({ body }) => body.dump())
    await close()
    expect(fields.traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/)
    expect(fields.b3).toMatch(/^[\da-f]{32}-[\da-f]{16}-0$/)
    expect(fields.tracestate).toBeUndefined()
    expect(spans).toEqual([])
  })

  test('without tracing is passed on as it is', async () => {
    let fields: Record<string, unknown> = {}
    const web = await startOrigin((message, response) => {
      fields = message.headers
      response.end('ok')
    })
    cleanups.push(() => web.close())
    const { url, close } = await startTraffic([serviceRoutes('web', definition('web', '/', web.url))])
    cleanups.push(close)
    const given = { traceparent: 'whatever', tracestate: 'a=b', b3: '0' }
    await request(url, { headers: given }).then(({ body }) => body.dump())
    expect(fields).toMatchObject(given)
  })
})
