import type { BrowserContextOptions, Page } from 'playwright-core'
import { request } from 'undici'
import { expect } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { type EmbeddedRegistry, startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Browsing, browsing } from './in-browser.ts'

/** A page of a real gateway, whose registry the test writes to. */
export interface OnGateway extends Pick<Browsing, 'expectComplaint' | 'ending'> {
  readonly gateway: TestGateway
  readonly registry: EmbeddedRegistry
  /** Sends a PUT to the registry; what is no text as JSON. */
  put(path: string, body: unknown): Promise<void>
  /** Registers an instance of a service at 10.0.0.x with these tags. */
  register(id: string, tags: readonly string[], status?: 'passing' | 'critical'): Promise<void>
  /** Opens a page; the test fails if it complains on its console. */
  open(path: string, options?: BrowserContextOptions): Promise<Page>
}

/** The returned function starts a registry and a gateway for one test; they are stopped after it. */
export function pagesOnGateway(): (flags?: readonly string[]) => Promise<OnGateway> {
  const { folder, open, expectComplaint, ending } = browsing()
  return async (flags = []) => {
    const registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
    ending(() => registry.close())
    const own = ['-registry.consul.register.enabled=false', ...flags]
    const gateway = await startTestGateway(registry.url, own, folder())
    ending(() => gateway.stop())
    const put = async (path: string, body: unknown): Promise<void> => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const answer = await request(registry.url + path, { method: 'PUT', body: text })
      expect([path, answer.statusCode]).toEqual([path, 200])
      await answer.body.dump()
    }
    return {
      gateway,
      registry,
      put,
      register: (id, tags, status = 'passing') =>
        put('/v1/agent/service/register', {
          ID: id,
          Name: id.replace(/-\d+$/, ''),
          Address: `10.0.0.${/\d+$/.exec(id)?.[0] ?? '1'}`,
          Port: 8080,
          Tags: tags,
          Check: { CheckID: id, Name: 'answers', TTL: '600s', Status: status },
        }),
      open: (path, options) => open(gateway.adminUrl, path, options),
      expectComplaint,
      ending,
    }
  }
}
