import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { parseCommands } from '../../src/route/command.ts'
import { definitionsOf } from '../../src/route/tag.ts'
import { interfaces } from '../config/context.ts'

const instance = { service: 's', instance: 'n/s', address: '10.0.0.1', port: 80, healthy: true }
const rules = { prefix: 'urlprefix-', variables: { DC: 'dc1' } }

describe.each(['headers', 'compression', 'cors', 'ratelimit', 'access', 'auth', 'balancing', 'ejection'])(
  'docs/%s.md',
  async (name) => {
    const page = await readFile(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8')
    const blocksOf = (kind: string): string[] =>
      [...page.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1]!)
    const tags = blocksOf('tags').flatMap((block) => block.trim().split('\n'))
    const commands = blocksOf('commands').join('\n')
    const properties = blocksOf('properties').join('\n')

    test('has examples of both', () => {
      expect(tags.length).toBeGreaterThan(0)
      expect(properties + commands).not.toBe('')
    })

    test.each(tags)('the tag %s is served, and nothing is wrong with it', (tag) => {
      const { definitions, problems } = definitionsOf({ ...instance, tags: [tag] }, rules)
      expect(problems).toEqual([])
      expect(definitions).toMatchObject([{ unserved: null }])
    })

    test('the commands are commands', () => {
      const read = parseCommands(commands)
      expect(read.mistakes).toEqual([])
      expect(read.commands).toHaveLength(
        commands.split('\n').filter((line) => line.startsWith('route ')).length,
      )
    })

    test('the properties are options that work', async () => {
      const { warnings, sources } = await loadConfig({
        argv: ['-cfg', 'page'],
        env: {},
        readFile: async () => properties,
        fetchText: () => Promise.reject(new Error('unexpected')),
        interfaces,
        hostname: 'gate-1',
      })
      // The same option may be shown twice with another value.
      expect(warnings.filter((warning) => !warning.includes('again'))).toEqual([])
      const stated = properties
        .split('\n')
        .filter((line) => line.includes(' = '))
        .map((line) => line.split(' = ')[0]!)
      for (const key of stated) expect(sources[key as keyof typeof sources], key).toContain('file page:')
    })
  },
)
