import { request } from 'undici'
import { afterEach, expect, test } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { launchBrowser } from '../support/browser.ts'
import { startTestGateway } from '../support/gateway.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

test('the page of a real gateway shows what is registered, and what changes, without being loaded again', async () => {
  const registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  cleanups.push(() => registry.close())
  const gateway = await startTestGateway(registry.url, ['-ui.title', 'staging'])
  cleanups.push(() => gateway.stop())
  const browser = await launchBrowser()
  cleanups.push(() => browser.close())
  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))

  const put = async (path: string, body: object | null): Promise<void> => {
    const text = body === null ? '' : JSON.stringify(body)
    const answer = await request(registry.url + path, { method: 'PUT', body: text })
    expect([path, answer.statusCode]).toEqual([path, 200])
    await answer.body.dump()
  }
  const service = (name: string, tags: string[]) => ({
    ID: name,
    Name: name,
    Address: '10.0.0.7',
    Port: 8080,
    Tags: tags,
    Check: { CheckID: name, TTL: '60s', Status: 'passing' },
  })

  await page.goto(`${gateway.adminUrl}/`)
  expect(new URL(page.url()).pathname).toBe('/routes')
  await expect.poll(() => page.title()).toBe('Routes - gatehouse - staging')
  await put('/v1/agent/service/register', service('shop', ['urlprefix-shop.test/cart', 'blue']))
  await page.getByText('shop.test').first().waitFor()
  await page.getByText('10.0.0.7:8080').first().waitFor()
  await page.getByText('100.00%').first().waitFor()

  await put('/v1/agent/check/fail/shop?note=disk%20full', null)
  await page.getByRole('cell', { name: /critical/ }).waitFor()
  await put('/v1/agent/service/register', service('bad', ['urlprefix-']))
  await page.getByRole('link', { name: '2 problems' }).waitFor()
  await put('/v1/agent/service/deregister/shop', null)
  await page.getByText('shop.test').first().waitFor({ state: 'detached' })
  expect(complaints).toEqual([])
})
