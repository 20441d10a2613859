import { expect, test } from 'vitest'
import { UndiciClient } from '../../src/upstream/undici-client.ts'
import { upstreamClientContract } from '../contract/upstream-client.ts'
import { startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

upstreamClientContract('undici', (address, options, wheel) => new UndiciClient(address, options, wheel))

// Found by the fuzzer: llhttp takes `Proxy-Connection: close` in a trailer for the end of the connection, undici does
// not, keeps it, and the next request over it failed with "malformed answer", whatever its answer was.
test('a connection that undici keeps although its parser has ended costs nobody a request', async () => {
  const trailer = '5\r\nhello\r\n0\r\nProxy-Connection: close\r\n\r\n'
  const origin = await startRawOrigin((socket) => {
    socket.on('data', (chunk) => {
      const isFirst = chunk.toString('latin1').startsWith('GET /first')
      const framing = isFirst ? 'Transfer-Encoding: chunked' : 'Content-Length: 2'
      socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${isFirst ? trailer : 'ok'}`)
    })
  })
  const routes = [serviceRoutes('web', definition('web', '/', origin.url))]
  const gateway = await startTraffic(routes, { upstreamClient: 'undici' })
  const ask = async (path: string): Promise<string> => {
    const client = new RawClient(gateway.port)
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    return client.untilClosed()
  }
  expect(await ask('/first')).toContain('hello')
  expect(await ask('/next')).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok$/)
  await gateway.close()
  await origin.close()
})
