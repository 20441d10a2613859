import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type LoadResult, loadConfig } from '../../src/config/load.ts'
import { optionKeys, rowOf } from '../../src/config/options.ts'
import { renderExample, renderReference } from '../../src/config/render.ts'
import { interfaces } from './context.ts'

const path = (name: string): string => new URL(`../../${name}`, import.meta.url).pathname

describe.each([
  ['fabio.properties.example', renderExample],
  ['docs/reference.md', renderReference],
])('%s', (name, render) => {
  test('is what the option table says: UPDATE_GENERATED=1 npx vitest run test/config/generated.test.ts', async () => {
    if (process.env.UPDATE_GENERATED === '1') await writeFile(path(name), render())
    expect(await readFile(path(name), 'utf8')).toBe(render())
  })
})

const load = (text: string): Promise<LoadResult> =>
  loadConfig({
    argv: ['-cfg', 'example'],
    env: {},
    readFile: async () => text,
    fetchText: () => Promise.reject(new Error('unexpected')),
    interfaces,
    hostname: 'gate-1',
  })

test('the example without the comment signs of its options is the defaults, stated', async () => {
  const stated = renderExample().replace(/^# (?=[\w.]+ =)/gm, '')
  const { config, sources, warnings } = await load(stated)
  expect(warnings).toEqual([])
  expect(config).toEqual((await load('')).config)
  expect(optionKeys.filter((key) => sources[key] !== 'default')).toEqual(
    optionKeys.filter((key) => rowOf(key).support === 'works'),
  )
})

test('the example as it is says nothing', async () => {
  const { sources, warnings } = await load(renderExample())
  expect(warnings).toEqual([])
  expect(new Set(Object.values(sources))).toEqual(new Set(['default']))
})

test('the example ends with every option that is only accepted', () => {
  const tail = renderExample()
    .split('Setting one')[1]!
    .split(/[\s,#]+/)
  for (const key of optionKeys) expect(tail.includes(key)).toBe(rowOf(key).support === 'accepted')
})

test('the reference has a row for every option', () => {
  const rows = renderReference()
    .split('\n')
    .filter((line) => line.startsWith('| `') && line.split(' | ').length === 6)
  expect(rows.map((line) => line.split('`')[1]).toSorted()).toEqual(optionKeys.toSorted())
})
