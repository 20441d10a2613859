import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { request } from 'undici'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { type EmbeddedRegistry, startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { launchBrowser } from '../support/browser.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type BuiltUi, buildUi } from './built-ui.ts'

/** A page of a real gateway, whose registry the test writes to. */
export interface OnGateway {
  readonly gateway: TestGateway
  /** Sends a PUT to the registry; what is no text as JSON. */
  put(path: string, body: unknown): Promise<void>
  /** Registers an instance of a service at 10.0.0.x with these tags. */
  register(id: string, tags: readonly string[], status?: 'passing' | 'critical'): Promise<void>
  /** Opens a page; the test fails if it complains on its console. */
  open(path: string, options?: BrowserContextOptions): Promise<Page>
  /** Says that the page may complain about this on its console. */
  expectComplaint(of: RegExp): void
}

/**
 * Builds the page and starts a browser for the tests of this file. The returned function starts a registry and a
 * gateway for one test; they are stopped after it.
 */
export function pagesOnGateway(): (flags?: readonly string[]) => Promise<OnGateway> {
  let built: BuiltUi
  let browser: Browser
  let endings: (() => Promise<unknown>)[] = []
  let faults: string[] = []
  let allowed: RegExp[] = []

  beforeAll(async () => {
    built = await buildUi()
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await built?.remove()
  })
  afterEach(async () => {
    for (const end of endings.toReversed()) await end()
    const unexpected = faults.filter((fault) => !allowed.some((pattern) => pattern.test(fault)))
    endings = []
    faults = []
    allowed = []
    expect(unexpected).toEqual([])
  })

  return async (flags = []) => {
    const registry: EmbeddedRegistry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
    endings.push(() => registry.close())
    const own = ['-registry.consul.register.enabled=false', ...flags]
    const gateway = await startTestGateway(registry.url, own, built.folder)
    endings.push(() => gateway.stop())
    const put = async (path: string, body: unknown): Promise<void> => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const answer = await request(registry.url + path, { method: 'PUT', body: text })
      expect([path, answer.statusCode]).toEqual([path, 200])
      await answer.body.dump()
    }
    return {
      gateway,
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
      async open(path, options) {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
        endings.push(() => context.close())
        const page = await context.newPage()
        page.on('console', (message) => {
          if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`)
        })
        page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`))
        page.on('request', (asked) => {
          if (new URL(asked.url()).origin !== gateway.adminUrl) faults.push(`asked for ${asked.url()}`)
        })
        await page.goto(`${gateway.adminUrl}/${path}`)
        return page
      },
      expectComplaint: (of) => allowed.push(of),
    }
  }
}
