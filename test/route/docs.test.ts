import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { sharesOf } from '../../src/balance/shares.ts'
import { matchers } from '../../src/match/matcher.ts'
import { parseCommands } from '../../src/route/command.ts'
import { isClosing } from '../../src/route/options.ts'
import { TableBuilder } from '../../src/route/table.ts'
import { definitionsOf } from '../../src/route/tag.ts'
import { Upstreams } from '../../src/upstream/upstreams.ts'

const page = await readFile(new URL('../../docs/routes.md', import.meta.url), 'utf8')

interface Section {
  readonly title: string
  readonly text: string
}

const sections: readonly Section[] = page
  .split(/^##+ /m)
  .slice(1)
  .map((text) => ({ title: text.slice(0, text.indexOf('\n')), text }))

const sectionOf = (title: string): string => sections.find((section) => section.title === title)!.text

/** The lines of each fenced block of a kind. */
const blocksOf = (text: string, kind: string): string[][] =>
  [...text.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\``, 'gms'))].map((match) =>
    match[1]!.split('\n').filter((line) => line !== ''),
  )

/** The cells of each row of the first table whose head is this. */
function rowsOf(text: string, ...head: string[]): string[][] {
  const rows = text
    .slice(text.indexOf(`| ${head.join(' | ')} |`))
    .split('\n\n')[0]!
    .split('\n')
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

const instance = { service: 's', instance: 'n/s', address: '10.0.0.1', port: 80, healthy: true }
const rules = { prefix: 'urlprefix-', variables: { DC: 'dc1' } }

const read = (tag: string, service = 's') => definitionsOf({ ...instance, service, tags: [tag] }, rules)

describe('docs/routes.md', () => {
  const tags = [
    ...blocksOf(page, 'tags').flat(),
    ...rowsOf(sectionOf('Options'), 'option', 'what it does', 'example').map((row) => row[2]!),
  ]

  test('has what these tests look for', () => {
    expect(tags.length).toBeGreaterThan(25)
    expect(blocksOf(page, 'commands').flat().length).toBeGreaterThan(10)
  })

  test.each(tags)('the tag %s is a route that is served, and nothing is wrong with it', (tag) => {
    const { definitions, problems } = read(tag)
    expect(problems).toEqual([])
    expect(definitions).toMatchObject([{ unserved: null }])
  })

  test.each(rowsOf(sectionOf('Options'), 'option', 'what it says', 'example', 'meanwhile'))(
    '%s (%s): %s meanwhile gets %s',
    (_option, _says, tag, meanwhile) => {
      const { definitions, problems } = read(tag!)
      expect(problems.map(({ reason }) => reason)).toEqual([definitions[0]!.unserved])
      expect(definitions[0]!.unserved).toContain('not served by this version')
      expect(meanwhile).toBe('what else matches')
      expect(tableOf(['urlprefix-/', tag!])(sourceUrl(tag!))).toBe('urlprefix-/')
    },
  )

  test.each(blocksOf(page, 'commands'))('%s and what follows are commands', (...lines) => {
    const { commands, mistakes } = parseCommands(lines.join('\n'))
    expect(commands).toHaveLength(lines.filter((line) => line.startsWith('route ')).length)
    for (const { reason } of mistakes) expect(reason).toContain('not served by this version')
  })

  test('names every matcher', () => {
    const named = rowsOf(sectionOf('Paths'), 'matcher', 'the path of the route matches').map((row) => row[0])
    expect(named.sort()).toEqual([...matchers].sort())
  })

  test.each(['Which route a request gets', 'Paths'])('the requests of "%s" get what it says', (title) => {
    const find = tableOf(blocksOf(sectionOf(title), 'tags')[0]!)
    const rows = rowsOf(sectionOf(title), 'request', 'gets')
    expect(rows.length).toBeGreaterThan(5)
    for (const [request, tag] of rows) expect(find(request!), request).toBe(tag)
  })

  test('the weights give the shares that it says', () => {
    const rows = rowsOf(sectionOf('Weights'), 'weights', 'shares')
    expect(rows.length).toBeGreaterThan(3)
    for (const [weights, shares] of rows) {
      const made = sharesOf(weights!.split(', ').map(Number))
      expect(made.map((share) => `${Math.round(share * 100)} %`).join(', '), weights).toBe(shares)
    }
  })

  test.each(rowsOf(sectionOf('Mistakes'), 'mistake in', 'what happens', 'example'))(
    'a mistake in %s: %s: %s',
    (_where, happens, tag) => {
      const { definitions, problems } = read(tag!)
      expect(problems).toHaveLength(1)
      if (happens!.includes('left out')) expect(definitions).toEqual([])
      else if (happens!.includes('served without it')) expect(definitions).toMatchObject([{ unserved: null }])
      else {
        expect(happens).toContain('403')
        expect(definitions.map(isClosing)).toEqual([true])
        expect(tableOf(['urlprefix-/', tag!])(sourceUrl(tag!))).toBeNull()
      }
    },
  )
})

/** What a request for the source of the tag asks for. */
function sourceUrl(tag: string): string {
  const { source } = read(tag).definitions[0]!
  const host = source.host.startsWith(':') || source.host === '' ? 'any' : source.host
  return `http://${host}${source.path}`
}

/** The tag whose target a request gets; null: its route has none. */
function tableOf(tags: readonly string[]): (request: string) => string | null {
  const client = { send: () => ({ resume() {}, abort() {} }), close: async () => {}, destroy: async () => {} }
  const upstreams = new Upstreams(() => client)
  const options = {
    matcher: 'prefix',
    strategy: 'rr',
    queue: { size: 100, timeout: 5_000 },
    unhealthyRoute: '503',
    random: () => 0,
    compilePlan: () => ({}),
  } as const
  const changes = tags.map((tag) => ({ service: tag, definitions: read(tag, tag).definitions }))
  const { table } = new TableBuilder(options, upstreams).apply(changes)
  return (request) => {
    const [, scheme, host, path] = /^(https?):\/\/([^/]*)(\/.*)?$/.exec(request)!
    const route = table.find(host!, path ?? '/', scheme === 'https')
    expect(route, request).not.toBeNull()
    return route!.targets[0]?.service ?? null
  }
}
