import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { optionKeys } from '../../src/config/options.ts'
import { counters } from '../../src/observe/counters.ts'
import { interfaces } from '../config/context.ts'

const page = await readFile(new URL('../../docs/tracing.md', import.meta.url), 'utf8')

test('docs/tracing.md has every option of tracing, with values that are no mistake', async () => {
  const [, text = ''] = /^```properties\n(.*?)^```/ms.exec(page) ?? []
  const { warnings } = await loadConfig({
    argv: ['-cfg', 'page'],
    env: {},
    readFile: async () => text,
    fetchText: () => Promise.reject(new Error('unexpected')),
    interfaces,
    hostname: 'gate-1',
  })
  expect(warnings).toEqual([])
  const keys = [...text.matchAll(/^([\w.]+) =/gm)].map((match) => match[1]!)
  expect(keys.toSorted()).toEqual(optionKeys.filter((key) => key.startsWith('tracing.')).toSorted())
})

test('docs/tracing.md names the metrics that there are', () => {
  for (const [name] of [counters.spansExported, counters.spansDropped]) expect(page).toContain(`\`${name}\``)
})
