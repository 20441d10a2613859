import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { type LoadResult, loadConfig } from '../../src/config/load.ts'
import { decodeCommands } from '../../src/registry/custom-commands.ts'
import { parseCommands } from '../../src/route/command.ts'

const page = await readFile(new URL('../../docs/registries.md', import.meta.url), 'utf8')
/** The indented blocks under a heading, each without its indent. */
const blocksOf = (heading: string): string[] => {
  const section = page.split(/^#{2,3} /m).find((text) => text.startsWith(`${heading}\n`))!
  return [...section.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replace(/^ {4}/gm, ''))
}
const blockWith = (heading: string, text: string): string =>
  blocksOf(heading).find((block) => block.includes(text))!

const load = (text: string): Promise<LoadResult> =>
  loadConfig({
    argv: ['-cfg', 'page'],
    env: {},
    readFile: async () => text,
    fetchText: () => Promise.reject(new Error('unexpected')),
    interfaces: {},
    hostname: 'gate-1',
  })

test.each(['consul', 'Self-registration', 'static', 'file', 'custom'])(
  'the properties under %s are taken without a warning, and all of them have an effect',
  async (heading) => {
    const { warnings, sources } = await load(blockWith(heading, 'registry.'))
    expect(warnings).toEqual([])
    expect(Object.values(sources).filter((source) => source !== 'default').length).toBeGreaterThan(1)
  },
)

test('the static example has three commands, and nothing is wrong with them', async () => {
  const { config } = await load(blockWith('static', 'registry.'))
  const { commands, mistakes } = parseCommands(config['registry.static.routes'])
  expect([commands.length, mistakes]).toEqual([3, []])
})

test('the file example has three commands, and nothing is wrong with them', () => {
  const { commands, mistakes } = parseCommands(blockWith('file', 'route add'))
  expect([commands.length, mistakes]).toEqual([3, []])
})

test('the custom example has four commands, and nothing is wrong with them', () => {
  const { text, problems } = decodeCommands(blockWith('custom', '"cmd"'))
  const { commands, mistakes } = parseCommands(text)
  expect([commands.map(({ kind }) => kind), problems, mistakes]).toEqual([
    ['add', 'add', 'weight', 'del'],
    [],
    [],
  ])
})
