import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { accessFields, accessFormat, accessTarget } from '../../src/config/access-log.ts'
import { loadConfig } from '../../src/config/load.ts'
import { interfaces, parseContext } from '../config/context.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = await readFile(join(root, 'docs/logs.md'), 'utf8')

const blocksOf = (kind: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1]!)

/** The cells of the rows of the table below a heading, without the backticks. */
function rowsBelow(heading: string): string[][] {
  const table = page
    .slice(page.indexOf(`\n${heading}\n`))
    .split('\n\n')
    .find((part) => part.startsWith('| '))!
  return table
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .slice(2, -2)
        .split(' | ')
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

async function sources(): Promise<string[]> {
  const entries = await readdir(join(root, 'src'), { recursive: true })
  const files = entries.filter((name) => name.endsWith('.ts'))
  return Promise.all(files.map((name) => readFile(join(root, 'src', name), 'utf8')))
}

/** `area code`, and the levels at which it is said. */
function codesIn(text: string): [code: string, level: string][] {
  const found: [string, string][] = []
  const call = /\blog\.(debug|info|warn|error)\(\s*'([\w-]+)',\s*([^,]+),/g
  for (const [, level = '', area = '', second = ''] of text.matchAll(call)) {
    // A choice between two has both of them; a comparison in it is with something else.
    const literals = second.replace(/===\s*'[^']*'/g, '').match(/'[a-z-]+'/g)
    // Handed on by a method of its class that says it.
    const codes = literals ?? [...text.matchAll(/#failed\(\s*\w+,\s*('[a-z-]+')/g)].map((match) => match[1]!)
    for (const code of codes) found.push([`${area} ${code.replaceAll("'", '')}`, level])
  }
  return found
}

const partsOf = (format: string) => accessFormat.parse(format, parseContext()).parts

describe('docs/logs.md', async () => {
  const texts = await sources()

  test('has every code of the log with its levels, and no other', () => {
    const levels = new Map<string, Set<string>>([['log left-out', new Set(['warn'])]])
    for (const [code, level] of texts.flatMap(codesIn)) {
      levels.set(code, (levels.get(code) ?? new Set()).add(level))
    }
    const inCode = [...levels].map(([code, at]) => `${code}: ${[...at].sort().join(', ')}`)
    const inPage = rowsBelow('### Codes').map(([area, code, level]) => `${area} ${code}: ${level}`)
    expect(inPage).toEqual(inCode.sort())
  })

  test('knows of every line that is logged: no call is written in a way that this test overlooks', () => {
    const calls = texts.join('\n').match(/\blog\.(?:debug|info|warn|error)\(/g)!
    expect(texts.flatMap(codesIn).length).toBeGreaterThanOrEqual(calls.length)
  })

  test('has every field of the access log, and no other', () => {
    const fields = rowsBelow('### Fields').map(([field]) => field)
    expect(fields.toSorted()).toEqual(['$header.NAME', ...accessFields.map((name) => `$${name}`)].toSorted())
  })

  test('has formats and targets that can be used', () => {
    const formats = blocksOf('formats').flatMap((block) => block.trim().split('\n'))
    expect(formats).toHaveLength(5)
    for (const format of formats)
      expect(() => accessFormat.parse(format, parseContext()), format).not.toThrow()
    const targets = rowsBelow('### Where it goes').map(([target]) => target!)
    for (const target of targets) expect(accessTarget.parse(target, parseContext()), target).not.toBeNull()
  })

  test('says what common and combined are', () => {
    const common = '$remote_host - - [$time_common] "$request" $response_status $response_body_size'
    expect(page).toContain(`\`common\` is \`${common}\``)
    expect(partsOf(common)).toEqual(partsOf('common'))
    expect(partsOf(`${common} "$header.Referer" "$header.User-Agent"`)).toEqual(partsOf('combined'))
  })

  test('has properties that are no mistake and no surprise', async () => {
    for (const text of blocksOf('properties')) {
      const { warnings } = await loadConfig({
        argv: ['-cfg', 'page'],
        env: {},
        readFile: async () => text,
        fetchText: () => Promise.reject(new Error('unexpected')),
        interfaces,
        hostname: 'gate-1',
      })
      expect(warnings).toEqual([])
    }
  })

  test('has lines of JSON that are JSON', () => {
    for (const line of blocksOf('json')) {
      expect(Object.keys(JSON.parse(line) as object)).toEqual([
        'time',
        'level',
        'worker',
        'area',
        'code',
        'text',
      ])
    }
  })
})
