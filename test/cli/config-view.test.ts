import { expect, test } from 'vitest'
import { configView } from '../../src/cli/config-view.ts'
import { loadConfig } from '../../src/config/load.ts'
import { optionKeys } from '../../src/config/options.ts'
import { interfaces } from '../config/context.ts'

const machine = { interfaces, hostname: 'gate-1' }
const load = (argv: string[], file = '') =>
  loadConfig({
    ...machine,
    argv: ['-cfg', 'F', ...argv],
    env: { FABIO_UI_TITLE: 'staging' },
    readFile: async () => file,
    fetchText: () => Promise.reject(new Error('unexpected')),
  })

test('every option has its value, its default, its type and where it comes from', async () => {
  const view = configView(await load(['-proxy.shutdownwait', '7s'], 'proxy.strategy = rnd\n'), machine)
  expect(Object.keys(view)).toEqual(optionKeys)
  expect(view['proxy.shutdownwait']).toEqual({ value: 7000, source: 'flag', default: 5000, type: 'duration' })
  expect(view['proxy.strategy']).toMatchObject({ value: 'rnd', source: 'file F:1', default: 'rr' })
  expect(view['ui.title']).toMatchObject({ value: 'staging', source: 'env FABIO_UI_TITLE', default: '' })
  expect(view['proxy.matcher']).toMatchObject({ value: 'prefix', source: 'default', default: 'prefix' })
})

test('all of it can be written as JSON and read back', async () => {
  const view = configView(await load([]), machine)
  expect(JSON.parse(JSON.stringify(view))).toEqual(view)
})

// What fabio shows (QUIRK-42).
test.each([
  [['-registry.consul.token', 'hunter2']],
  [['-registry.custom.queryparams', 'key=hunter2']],
  [['-metrics.circonus.apikey', 'hunter2']],
  [['-metrics.circonus.submissionurl', 'https://x/hunter2']],
  [['-proxy.header.request.set', 'Authorization: hunter2']],
  [['-proxy.header.request.add', 'X-Key: hunter2']],
  [['-bgp.peers', 'address=1.2.3.4;password=hunter2']],
  [['-proxy.cs', 'cs=a;type=http;cert=https://u:hunter2@x/;hdr=Authorization: hunter2']],
  [['-proxy.cs', 'cs=a;type=consul;cert=http://x/?a=b&token=hunter2']],
])('%j is not shown', async (argv) => {
  const text = JSON.stringify(configView(await load(argv), machine))
  expect(text).not.toContain('hunter2')
  expect(text).toContain('(secret)')
})

test('a secret that is not set is shown to be empty', async () => {
  expect(configView(await load([]), machine)['registry.consul.token']!.value).toBe('')
})
