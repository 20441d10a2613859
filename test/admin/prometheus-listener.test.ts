import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { listenPrometheus, type PrometheusListener } from '../../src/admin/prometheus-listener.ts'
import { freePort } from '../support/gatehouse-process.ts'
import { startTestGateway } from '../support/gateway.ts'
import { startOrigin } from '../support/origin.ts'
import { parsePrometheus, sampleOf } from '../support/prometheus-parser.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text)
}

async function start(
  path = '/metrics',
  body: () => AsyncIterable<Buffer> = () => chunks('a 1\n', 'b 2\n'),
): Promise<PrometheusListener & { url: string }> {
  const listener = await listenPrometheus({ host: '127.0.0.1', port: 0, path }, async () => ({
    contentType: 'text/plain; version=0.0.4',
    body: body(),
  }))
  cleanups.push(() => listener.close())
  return { ...listener, url: `http://127.0.0.1:${listener.port}` }
}

describe('a port for metrics alone', () => {
  test('serves them at its path', async () => {
    const { url } = await start()
    const answer = await request(`${url}/metrics?x=1`)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4')
    expect(await answer.body.text()).toBe('a 1\nb 2\n')
  })

  test('leads there from everywhere else', async () => {
    const { url } = await start('/m')
    const answer = await request(`${url}/metrics`)
    await answer.body.dump()
    expect([answer.statusCode, answer.headers.location]).toEqual([308, '/m'])
  })

  test('with the path / serves them everywhere', async () => {
    const { url } = await start('/')
    expect(await (await request(`${url}/anything`)).body.text()).toBe('a 1\nb 2\n')
  })

  test('is read and not written', async () => {
    const { url } = await start()
    const answer = await request(`${url}/metrics`, { method: 'POST', body: 'x' })
    await answer.body.dump()
    expect(answer.statusCode).toBe(405)
    const head = await request(`${url}/metrics`, { method: 'HEAD' })
    expect(head.statusCode).toBe(200)
  })

  test('does not end as if it were whole what failed half-way', async () => {
    const { url } = await start('/metrics', async function* () {
      yield Buffer.from('a 1\n')
      throw new Error('for a test')
    })
    const answer = await request(`${url}/metrics`)
    await expect(answer.body.text()).rejects.toThrow()
  })

  test('names the address that is taken', async () => {
    const { port } = await start()
    await expect(
      listenPrometheus({ host: '127.0.0.1', port, path: '/' }, async () => ({
        contentType: '',
        body: chunks(),
      })),
    ).rejects.toThrow(`proxy.addr: cannot listen on 127.0.0.1:${port}: another process has it`)
  })

  test('is a listener of proxy.addr with proto=prometheus, beside /metrics of the admin port', async () => {
    const web = await startOrigin((_message, response) => response.end('ok'))
    cleanups.push(() => web.close())
    const port = await freePort()
    const gateway = await startTestGateway('http://127.0.0.1:1', [
      ...['-registry.backend', 'static', '-registry.static.routes', `route add web / ${web.url}`],
      ...['-proxy.addr', `127.0.0.1:0,127.0.0.1:${port};proto=prometheus`],
      ...['-metrics.prometheus.path', '/figures', '-metrics.prefix', 'edge'],
    ])
    cleanups.push(() => gateway.stop())
    expect(gateway.gateway.listeners).toHaveLength(1)
    await request(gateway.url).then(({ body }) => body.dump())
    for (const url of [`http://127.0.0.1:${port}/figures`, `${gateway.adminUrl}/metrics`]) {
      const families = parsePrometheus(await (await request(url)).body.text())
      expect(sampleOf(families, 'edge_requests_count', { service: 'web' })).toBe(1)
      expect(sampleOf(families, 'edge_worker_requests', { worker: '1' })).toBe(1)
      expect(sampleOf(families, 'edge_upstream_connections', { state: 'idle' })).toBe(1)
      expect(sampleOf(families, 'edge_registry_connected')).toBe(1)
      expect(families.has('process_cpu_seconds_total')).toBe(true)
    }
  })
})
