import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { connectionsFor } from '../../src/cli/settings.ts'
import { loadConfig } from '../../src/config/load.ts'
import { optionKeys, rowOf } from '../../src/config/options.ts'
import { interfaces } from './context.ts'

const page = await readFile(new URL('../../docs/limits.md', import.meta.url), 'utf8')

test('docs/limits.md names options that there are, with their defaults', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && line.includes('`proxy.'))
  expect(rows.length).toBeGreaterThan(15)
  for (const row of rows) {
    const cells = row.split('|').map((cell) => cell.trim())
    const at = cells.findIndex((cell) => cell.startsWith('`proxy.'))
    const key = /`([\w.]+)`/.exec(cells[at]!)![1]!
    expect(optionKeys).toContain(key)
    const { default: text } = rowOf(key as (typeof optionKeys)[number])
    const stated = cells[at + 1]!.replace(/,.*$/, '')
    if (cells[at]!.includes('at least')) continue
    if (key === 'proxy.maxconns') expect(text).toBe('0')
    else
      expect([key, stated === 'no limit' ? text.replace(/^0s?$/, 'no limit') : text]).toEqual([key, stated])
  }
})

test('docs/limits.md: its example is one, and its arithmetic is ours', async () => {
  const properties = /^```properties\n(.*?)^```/ms.exec(page)![1]!
  const { config, warnings } = await loadConfig({
    argv: ['-cfg', 'page'],
    env: {},
    readFile: async () => properties,
    fetchText: () => Promise.reject(new Error('unexpected')),
    interfaces,
    hostname: 'gate-1',
  })
  expect(warnings).toEqual([])
  expect([config['proxy.maxconn'], config['proxy.queue.timeout']]).toEqual([50, 2_000])
  expect(config['proxy.addr']).toMatchObject([{ idleTimeout: 30_000, readTimeout: 120_000 }])
  expect(page).toContain(`${connectionsFor(1_024)} connections, with 65536 it is ${connectionsFor(65_536)}`)
})
