import { expect, test } from 'vitest'
import { StaticRegistry } from '../../src/registry/static.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { RecordingListener } from '../support/recording-listener.ts'

test('it tells its routes and its page once, and is connected from then on', async () => {
  const clock = new FakeClock()
  await clock.advance(5)
  const routes = 'route add web / http://10.0.0.1:80/\nroute add api /api http://10.0.0.2:80/'
  const registry = new StaticRegistry({ routes, noRouteHtml: '<p>nothing here</p>' }, clock)
  expect(registry.status()).toEqual({ connected: false, lastContactAt: null, error: '' })

  const listener = new RecordingListener(() => registry.status())
  await registry.start(listener)
  expect(listener.documents).toEqual([[{ name: 'registry.static.routes', text: routes }]])
  expect(listener.pages).toEqual(['<p>nothing here</p>'])
  expect(listener.statuses).toEqual([{ connected: true, lastContactAt: 5, error: '' }])
  expect([registry.kind, registry.address, registry.datacenter]).toEqual([
    'static',
    'registry.static.routes',
    '',
  ])

  await registry.close()
  await registry.close()
  expect([listener.services, clock.pending]).toEqual([[], 0])
})

test('no routes and no page are told as well', async () => {
  const registry = new StaticRegistry({ routes: '', noRouteHtml: '' }, new FakeClock())
  const listener = new RecordingListener(() => registry.status())
  await registry.start(listener)
  expect([listener.texts, listener.pages]).toEqual([[''], ['']])
})
