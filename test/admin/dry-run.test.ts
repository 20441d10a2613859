import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dryRun, mistakesIn } from '../../src/admin/dry-run.ts'
import { parseCommands, printDefinition } from '../../src/route/command.ts'
import { isServed, type RouteDefinition } from '../../src/route/definition.ts'
import { Overrides } from '../../src/route/overrides.ts'
import { definition } from '../support/routes.ts'

const web1 = definition('web', '/x', 'http://10.0.0.1:80/', { tags: ['v1'] })
const web2 = definition('web', '/x', 'http://10.0.0.2:80/', { healthy: false })
const other = definition('other', '/y', 'http://10.0.0.3:80/')
const given = [
  ['web', [web1, web2]],
  ['other', [other]],
] as const

interface Document {
  name: string
  text: string
}

/** What the control plane has after these documents. */
function stateAfter(documents: readonly Document[]) {
  const overrides = new Overrides('prefix', [])
  for (const [service, definitions] of given) overrides.setService(service, definitions)
  overrides.setCommands(documents.flatMap(({ name, text }) => parseCommands(text, name).commands))
  const published = new Map<string, readonly RouteDefinition[]>()
  for (const service of overrides.services()) published.set(service, overrides.definitionsOf(service))
  return { matcher: 'prefix', authSchemes: [], given, documents, published } as const
}

const check = (text: string, name = 'kv', documents: readonly Document[] = []) =>
  dryRun({ name, text }, stateAfter(documents))

describe('the dry run of an override', () => {
  test.each([
    ['nothing', '', [], []],
    ['a new route', 'route add n /n http://h:1/', ['route add n /n http://h:1/'], []],
    ['a route that is there', 'route add web /x http://10.0.0.1:80/ tags "v1"', [], []],
    ['a deletion', 'route del web', [], ['route add web /x http://10.0.0.1:80/ tags "v1"']],
    [
      'a weight',
      'route weight web /x weight 0.5',
      ['route add web /x http://10.0.0.1:80/ weight 0.5 tags "v1"'],
      ['route add web /x http://10.0.0.1:80/ tags "v1"'],
    ],
  ])('of %s', (_what, text, added, removed) => {
    expect(check(text)).toEqual({ mistakes: [], added, removed })
  })

  test('puts the text in the place of the document of its name, and minds the order of all', () => {
    const documents = [
      { name: 'kv/a', text: 'route add n /n http://h:1/' },
      { name: 'kv/c', text: 'route del n' },
    ]
    expect(check('route add n /n http://h:2/', 'kv/b', documents)).toMatchObject({ added: [], removed: [] })
    expect(check('route add n /n http://h:2/', 'kv/d', documents)).toMatchObject({
      added: ['route add n /n http://h:2/'],
      removed: [],
    })
    expect(check('', 'kv/c', documents)).toMatchObject({ added: ['route add n /n http://h:1/'], removed: [] })
  })

  test.each([
    ['route add b', 'kv: line 2: syntax error', true],
    ['route add a :1 tcp://h:1', 'kv: line 2: TCP and SNI routes are not served', false],
    ['route add a /a http://h/ opts "tlsskipverify=x"', 'kv: line 2: option "tlsskipverify=x"', false],
    ['route weight none /x weight 0.5', 'kv: line 2: route: no target match', false],
  ])('says what is wrong with %j, and whether that makes it no command', (line, words, refused) => {
    expect(check(`# first\n${line}`).mistakes).toEqual([
      { line: 2, text: line, reason: expect.stringContaining(words), refused },
    ])
  })

  test('says nothing of mistakes of other documents, even of one whose name begins alike', () => {
    const documents = [{ name: 'kv/line', text: 'route weight none /x weight 0.5' }]
    expect(check('route add a /a http://h/', 'kv', documents).mistakes).toEqual([])
  })

  test('says what then happens, whatever the text', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'route add n /x http://h:1/ weight 0.2',
        'route del web',
        'route del tags "v1"',
        'route weight web /x weight 0.3',
        'route weight /x weight 0.3 tags "v1"',
        'route add other /y http://10.0.0.3:80/',
        'route add',
      ),
      fc.string(),
    )
    const text = fc.array(line, { maxLength: 5 }).map((lines) => lines.join('\n'))
    const lines = (state: ReturnType<typeof stateAfter>) =>
      new Set([...state.published.values()].flat().filter(isServed).map(printDefinition))
    fc.assert(
      fc.property(text, text, (now, then) => {
        const before = stateAfter([{ name: 'kv', text: now }])
        const { added, removed } = dryRun({ name: 'kv', text: then }, before)
        const expected = lines(stateAfter([{ name: 'kv', text: then }]))
        const made = new Set([...lines(before), ...added])
        for (const line of removed) expect(made.delete(line)).toBe(true)
        expect(made).toEqual(expected)
      }),
    )
  })
})

test('the mistakes of a text alone are told by their lines', () => {
  expect(mistakesIn('route add a /a http://h/\n\nroute\n', 'kv')).toEqual([
    { line: 3, text: 'route', reason: expect.stringContaining('kv: line 3: '), refused: true },
  ])
})
