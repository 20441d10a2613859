import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Command, parseCommands, printCommand, printDefinition } from '../../src/route/command.ts'
import { definition } from '../support/routes.ts'

const add = {
  service: 'svc',
  instance: '',
  source: { host: '', path: '/' },
  url: 'http://10.0.0.1:80/',
  weight: 0,
  tags: [],
  options: {},
  optionText: '',
  healthy: true,
  origin: 'command',
  unserved: null,
} as const

/** What a line says, without where it is. */
function parse(text: string): unknown {
  const { commands, mistakes } = parseCommands(text)
  expect(mistakes).toEqual([])
  return meaningOf(commands[0]!)
}

function meaningOf({ place: _place, text: _text, ...meaning }: Command): unknown {
  return meaning
}

describe('route add', () => {
  test.each([
    ['route add svc / http://10.0.0.1:80/', {}],
    ['  route\tadd  svc /   http://10.0.0.1:80/\r', {}],
    ['route add svc Foo.COM/Bar http://10.0.0.1:80/', { source: { host: 'foo.com', path: '/Bar' } }],
    ['route add svc foo.com http://10.0.0.1:80/', { source: { host: 'foo.com', path: '/' } }],
    ['route add svc / http://10.0.0.1:80/ weight 0.25', { weight: 0.25 }],
    ['route add svc / http://10.0.0.1:80/ weight 1e-2', { weight: 0.01 }],
    ['route add svc / http://10.0.0.1:80/ weight -1', { weight: 0 }],
    ['route add svc / http://10.0.0.1:80/ tags "a, b ,c"', { tags: ['a', 'b', 'c'] }],
    ['route add svc / http://10.0.0.1:80/ tags ""', {}],
    ['route add svc / http://10.0.0.1:80/ tags "a,"', { tags: ['a'] }],
    ['route add svc / http://10.0.0.1:80/ opts ""', {}],
    [
      'route add svc / http://10.0.0.1:80/ opts "strip=/a  host=dst"',
      { options: { strip: '/a', host: 'dst' }, optionText: 'strip=/a host=dst' },
    ],
    [
      'route add svc / http://10.0.0.1:80/ weight 0.5 tags "a" opts "matcher=segment"',
      { weight: 0.5, tags: ['a'], options: { matcher: 'segment' }, optionText: 'matcher=segment' },
    ],
    // fabio writes escapes and cannot read them (QUIRK-03).
    ['route add svc / http://10.0.0.1:80/ tags "a\\"b,c\\\\d"', { tags: ['a"b', 'c\\d'] }],
    ['route add weight tags http://10.0.0.1:80/', { service: 'weight', source: { host: 'tags', path: '/' } }],
    ['route add svc / https://10.0.0.1 ', { url: 'https://10.0.0.1' }],
  ])('%j', (line, expected) => {
    expect(parse(line)).toEqual({ kind: 'add', definition: { ...add, ...expected } })
  })
})

const foo = { host: 'foo.com', path: '/x' }

describe('route del', () => {
  const del = { kind: 'del', service: null, source: null, url: null, tags: [] }
  test.each([
    ['route del svc', { service: 'svc' }],
    ['route del svc FOO.com/x', { service: 'svc', source: foo }],
    [
      'route del svc foo.com/x http://10.0.0.1:80/',
      { service: 'svc', source: foo, url: 'http://10.0.0.1:80/' },
    ],
    ['route del svc :3306', { service: 'svc', source: { host: ':3306', path: '' } }],
    ['route del svc tags "a,b"', { service: 'svc', tags: ['a', 'b'] }],
    ['route del svc tags ""', { service: 'svc' }],
    ['route del tags "a b"', { tags: ['a b'] }],
    ['route del tags', { service: 'tags' }],
    ['route del tags /x', { service: 'tags', source: { host: '', path: '/x' } }],
    ['route del tags tags "a"', { service: 'tags', tags: ['a'] }],
  ])('%j', (line, expected) => {
    expect(parse(line)).toEqual({ ...del, ...expected })
  })
})

describe('route weight', () => {
  const weight = { kind: 'weight', service: null, source: foo, weight: 0.5, tags: [] }
  test.each([
    ['route weight svc Foo.com/x weight 0.5', { service: 'svc' }],
    ['route weight svc foo.com/x weight 0.5 tags "a,b"', { service: 'svc', tags: ['a', 'b'] }],
    ['route weight svc foo.com/x weight 0', { service: 'svc', weight: 0 }],
    ['route weight svc foo.com/x weight -3', { service: 'svc', weight: 0 }],
    ['route weight foo.com/x weight 0.5 tags "a"', { tags: ['a'] }],
    ['route weight foo.com/x weight 0.5 tags ""', {}],
    ['route weight weight weight weight 0.5', { service: 'weight', source: { host: 'weight', path: '/' } }],
    ['route weight weight weight 0.5 tags "a"', { source: { host: 'weight', path: '/' }, tags: ['a'] }],
  ])('%j', (line, expected) => {
    expect(parse(line)).toEqual({ ...weight, ...expected })
  })
})

describe('a line that is wrong', () => {
  // fabio's words, reference 2.3, and then what was expected and found.
  test.each([
    [
      'rout add svc / http://x/',
      `syntax error: 'route' expected: expected "route add", "route del" or "route weight", got "rout add"`,
    ],
    [
      'route',
      `syntax error: 'route' expected: expected "route add", "route del" or "route weight", got "route"`,
    ],
    ['route set x', `syntax error: 'route' expected: expected`],
    ['ROUTE add svc / http://x/', `syntax error: 'route' expected`],
    ['route constructor x', `syntax error: 'route' expected`],
    ['route add', `syntax error: 'route add' invalid: expected a service, got the end of the line`],
    ['route add svc', `'route add' invalid: expected a source after the service, got the end of the line`],
    [
      'route add svc /',
      `'route add' invalid: expected a destination after the source, got the end of the line`,
    ],
    [
      'route add svc / http://x/ opts "a" weight 1',
      `'route add' invalid: expected nothing but weight, tags and opts in this order, got "weight"`,
    ],
    [
      'route add svc / http://x/ tags a',
      `'route add' invalid: expected tags in quotes after "tags", got "a"`,
    ],
    ['route add svc / http://x/ tags "a', `expected tags in quotes after "tags", got "\\"a"`],
    ['route add svc / http://x/ tags "a"opts "b"', `expected tags in quotes after "tags", got "\\"a\\"opts"`],
    ['route add svc / http://x/ opts', `expected options in quotes after "opts", got the end of the line`],
    ['route add svc / http://x/ # why', `expected nothing but weight, tags and opts in this order, got "#"`],
    [
      'route add svc / http://x/ weight half',
      `syntax error: weight value invalid: expected a number after "weight", got "half"`,
    ],
    [
      'route add svc / http://x/ weight',
      `weight value invalid: expected a number after "weight", got the end`,
    ],
    ['route add svc / http://x/ weight inf', 'weight value invalid'],
    ['route add svc / http://x/ weight nan', 'weight value invalid'],
    ['route add svc / http://x/ weight 1e999', 'weight value invalid'],
    [
      'route add svc / 1.2.3.4:80',
      'route: invalid target. expected a URL like http://10.0.0.1:8080/, got "1.2.3.4:80"',
    ],
    ['route add svc / ftp://1.2.3.4/', 'route: invalid target.'],
    ['route add svc / http://', 'route: invalid target.'],
    ['route add svc / http://user:pw@1.2.3.4/', 'route: invalid target.'],
    ['route add svc :0 tcp://1.2.3.4:1', 'expected a port from 1 to 65535 after ":", got ":0"'],
    ['route add svc [x.com/ http://x/', 'expected a host pattern, got "[x.com"'],
    ['route add svc /a[ http://x/ opts "matcher=glob"', 'matcher glob: expected a pattern, got "/a["'],
    [
      'route add svc / http://x/ opts "redirect=200"',
      'option "redirect=200": expected a status from 300 to 399',
    ],
    ['route del', `syntax error: 'route del' invalid: expected a service or tags, got the end of the line`],
    ['route del svc / http://x/ y', `'route del' invalid: expected nothing after the destination, got "y"`],
    ['route del tags ""', `'route del' invalid: expected a service or a tag, got the end of the line`],
    ['route del tags "a" x', `'route del' invalid: expected nothing after the tags, got "x"`],
    ['route del svc tags "a,,b"', `'route del' invalid: expected no empty tag among the tags`],
    ['route del svc tags " "', `'route del' invalid: expected no empty tag among the tags`],
    ['route weight', `syntax error: 'route weight' invalid: expected "weight" after the source, got the end`],
    ['route weight svc / 0.5', `'route weight' invalid: expected "weight" after the source, got "0.5"`],
    ['route weight svc / weight', 'syntax error: weight value invalid'],
    [
      'route weight / weight 0.5',
      `'route weight' invalid: expected a service before the source, or tags after`,
    ],
    [
      'route weight svc / weight 0.5 x',
      `'route weight' invalid: expected nothing but tags after the weight, got "x"`,
    ],
    ['route weight svc / weight 0.5 tags ","', `'route weight' invalid: expected no empty tag`],
  ])('%s: %s', (line, words) => {
    const { commands, mistakes } = parseCommands(`# first\n\n${line}`)
    expect(commands).toEqual([])
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]).toMatchObject({ line: 3, text: line })
    expect(mistakes[0]!.reason.startsWith('line 3: ')).toBe(true)
    expect(mistakes[0]!.reason).toContain(words)
  })

  test('is named with its document where there is one', () => {
    const { mistakes } = parseCommands('route', 'fabio/config/team-a')
    expect(mistakes[0]!.reason).toMatch(/^fabio\/config\/team-a: line 1: syntax error/)
  })

  // QUIRK-01 and QUIRK-05.
  test('costs only itself, also where it is very long', () => {
    const good = 'route add svc / http://10.0.0.1:80/'
    const long = `route add svc / http://x/ opts "${'x'.repeat(1_000_000)}`
    const { commands, mistakes } = parseCommands([good, 'route', good, long, good].join('\n'))
    expect(commands.map(({ place }) => place)).toEqual(['line 1', 'line 3', 'line 5'])
    expect(mistakes.map(({ line }) => line)).toEqual([2, 4])
    expect(mistakes[1]!.reason.length).toBeLessThan(400)
  })

  test('a long line that is right is read like any other', () => {
    const tags = Array.from({ length: 50_000 }, (_, i) => `t${i}`)
    const { commands } = parseCommands(`route del svc tags "${tags.join(',')}"`)
    expect(commands).toMatchObject([{ kind: 'del', tags }])
  })

  test('comments and empty lines say nothing', () => {
    expect(parseCommands('# a\n// b\n\n   \n\t# c\n')).toEqual({ commands: [], mistakes: [] })
  })
})

describe('a line that is not served in full', () => {
  test.each([
    [
      'route add svc / http://10.0.0.1:80/ opts "matcher=regex strip=/a"',
      { options: { strip: '/a' }, unserved: null },
      'line 1: option "matcher=regex": expected prefix, iprefix, glob or segment, got "regex"; the route is served without it',
    ],
    [
      'route add svc :3306 tcp://10.0.0.1:3306 opts "pxyproto=true"',
      {
        source: { host: ':3306', path: '' },
        options: { pxyProto: true },
        unserved: 'TCP and SNI routes are not served by this version',
      },
      'line 1: TCP and SNI routes are not served by this version',
    ],
    [
      'route add svc / http://10.0.0.1:80/ opts "allow=ip:10/8"',
      {
        options: { allow: [] },
        unserved:
          'option "allow=ip:10/8": expected an item like ip:10.0.0.0/8 or ip:2001:db8::1, got "ip:10/8"',
      },
      'line 1: option "allow=ip:10/8": expected an item like ip:10.0.0.0/8 or ip:2001:db8::1, got "ip:10/8"; the route is closed',
    ],
  ])('%s', (line, expected, reason) => {
    const { commands, mistakes } = parseCommands(line)
    expect(commands).toMatchObject([{ kind: 'add', definition: expected }])
    expect(mistakes).toEqual([{ line: 1, text: line, reason }])
  })
})

describe('printing', () => {
  test.each([
    'route add svc / http://10.0.0.1:80/',
    'route add svc foo.com/x http://10.0.0.1:80/ weight 0.25 tags "a,b" opts "strip=/x host=dst"',
    'route add svc :3306 tcp://10.0.0.1:3306',
    'route del svc',
    'route del svc foo.com/x',
    'route del svc foo.com/x http://10.0.0.1:80/',
    'route del svc tags "a,b"',
    'route del tags "a"',
    'route weight svc / weight 0.5',
    'route weight svc / weight 0 tags "a"',
    'route weight / weight 0.5 tags "a"',
    'route weight / weight 0.5 tags ""',
  ])('%s is printed as it was written', (line) => {
    expect(printCommand(parseCommands(line).commands[0]!)).toBe(line)
  })

  test('a definition is the line that would make it', () => {
    const made = definition('web', 'Foo.com/x weight=0.5 strip=/x proto=https', 'http://10.0.0.1:8080', {
      tags: ['blue', 'say "hi"'],
    })
    expect(printDefinition(made)).toBe(
      'route add web foo.com/x https://10.0.0.1:8080 weight 0.5 tags "blue,say \\"hi\\"" opts "strip=/x"',
    )
  })

  test('nothing that a service is called or tagged makes a second line or word', () => {
    const made = definition('a b\nroute del web', '/', 'http://10.0.0.1:80/', { tags: ['x"\nroute del web'] })
    const printed = printDefinition(made)
    expect(printed).toBe(
      'route add a\\x20b\\nroute\\x20del\\x20web / http://10.0.0.1:80/ tags "x\\"\\nroute del web"',
    )
    expect(parseCommands(printed).commands).toHaveLength(1)
  })

  const word = fc.oneof(
    fc.constantFrom(
      'svc',
      '/',
      'Foo.com/x',
      ':80',
      'tags',
      'weight',
      'opts',
      '0.5',
      '-1',
      'http://10.0.0.1/',
    ),
    fc.constantFrom(
      '"a,b"',
      '""',
      '"strip=/a redirect=301 auth=x"',
      '"\\"\\\\\\n"',
      '"a\\d , "',
      'tcp://x:1',
    ),
    fc.string({ unit: fc.constantFrom(...'a"\\ ,=/:#\t\u00a0é') }),
  )
  const line = fc
    .tuple(
      fc.constantFrom('route add', 'route del', 'route weight', 'route'),
      fc.array(word, { maxLength: 9 }),
    )
    .map(([verb, words]) => [verb, ...words].join(' '))
  const shaped = fc
    .tuple(word, word, word, word)
    .chain(([one, two, three, four]) =>
      fc.constantFrom(
        `route add ${one} ${two} http://10.0.0.1/ tags ${three} opts ${four}`,
        `route del ${one} tags ${three}`,
        `route weight ${one} ${two} weight 0.3 tags ${three}`,
        `route weight ${one} weight 0.3 tags ${three}`,
      ),
    )

  test('and reading again gives the same command, and the same line', () => {
    let read = 0
    fc.assert(
      fc.property(fc.oneof(line, shaped), (text) => {
        for (const command of parseCommands(text).commands) {
          read++
          const printed = printCommand(command)
          const again = parseCommands(printed).commands
          expect(again.map(meaningOf)).toEqual([meaningOf(command)])
          expect(printCommand(again[0]!)).toBe(printed)
        }
      }),
      { numRuns: 3_000 },
    )
    expect(read).toBeGreaterThan(200)
  })

  test('no text throws, and no line costs another', () => {
    const good = 'route add good good.com/ http://10.0.0.1:80/'
    const any = fc.oneof(line, shaped, fc.string({ unit: 'binary' }), fc.string())
    fc.assert(
      fc.property(any, any, (before, after) => {
        const { commands, mistakes } = parseCommands([before, good, after].join('\n'))
        expect(commands.map(({ text }) => text)).toContain(good)
        for (const { reason, line: at } of mistakes) expect(reason).toContain(`line ${at}: `)
      }),
      { numRuns: 2_000 },
    )
  })
})
