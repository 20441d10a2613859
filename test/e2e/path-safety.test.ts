import { describe, expect, test } from 'vitest'
import { closingAfterEach } from '../support/cleanups.ts'
import { startOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

const kept = closingAfterEach()

/** A server as many are written: it reads the target as a URL, and shows its secret below /private. */
async function started() {
  const web = await kept(
    startOrigin((message, response) => {
      const { pathname } = new URL(message.url!, 'http://localhost')
      response.end(pathname.startsWith('/private') ? 'secret' : `open ${message.url}`)
    }),
  )
  const gateway = await kept(
    startTraffic([
      serviceRoutes('web', definition('web', '/', web.url)),
      serviceRoutes('private', definition('private', '/private allow=ip:10.0.0.0/8', web.url)),
    ]),
  )
  const ask = async (target: string): Promise<string> => {
    const client = await kept(Promise.resolve(new RawClient(gateway.port)))
    return client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`).untilClosed()
  }
  return { web, ask }
}

describe('a server that reads paths in its own way', () => {
  test.each([
    ['/private', 403, 'GW_FORBIDDEN'],
    ['/x/%2e%2e/private', 403, 'GW_FORBIDDEN'],
    ['/x\\..\\private', 400, 'GW_AMBIGUOUS_PATH'],
    ['//h/private', 400, 'GW_AMBIGUOUS_PATH'],
    ['/\\h/private', 400, 'GW_AMBIGUOUS_PATH'],
  ])('is not asked for %s by somebody who may not: %d', async (target, status, code) => {
    const { web, ask } = await started()
    const answer = await ask(target)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*X-Gatehouse-Error: ${code}\r\n`))
    expect(web.received).toHaveLength(0)
  })

  test.each(['/a%2Fb//c/./d?x=%20', '/a/../b', '/a;b=c', '/a%5Cb\\c', '/%252e%252e/x', '/caf%C3%A9/%C0%AE'])(
    'gets %s byte for byte',
    async (target) => {
      const { ask } = await started()
      expect(await ask(target)).toContain(`\r\n\r\nopen ${target}`)
    },
  )
})
