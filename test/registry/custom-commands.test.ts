import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeCommands } from '../../src/registry/custom-commands.ts'
import { parseCommands } from '../../src/route/command.ts'

const decode = (...commands: unknown[]) => decodeCommands(JSON.stringify(commands))
const add = { cmd: 'route add', service: 'web', src: 'a.com/x', dst: 'http://1.2.3.4:80' }

describe('a command becomes a line', () => {
  test.each<[command: Record<string, unknown>, line: string]>([
    [add, 'route add web a.com/x http://1.2.3.4:80'],
    [
      { ...add, weight: 0.5, tags: ['a', 'b'], opts: { proto: 'https', strip: '/x' } },
      'route add web a.com/x http://1.2.3.4:80 weight 0.5 tags "a,b" opts "proto=https strip=/x"',
    ],
    [{ ...add, weight: 0, tags: [], opts: {} }, 'route add web a.com/x http://1.2.3.4:80'],
    [{ ...add, weight: null, tags: null, opts: null }, 'route add web a.com/x http://1.2.3.4:80'],
    [{ ...add, weight: -1 }, 'route add web a.com/x http://1.2.3.4:80 weight -1'],
    [{ ...add, weight: 1e-7 }, 'route add web a.com/x http://1.2.3.4:80 weight 1e-7'],
    [{ ...add, tags: [' a b ', ''] }, 'route add web a.com/x http://1.2.3.4:80 tags "a b"'],
    [
      { ...add, tags: ['say "hi"', 'c:\\d'] },
      'route add web a.com/x http://1.2.3.4:80 tags "say \\"hi\\",c:\\\\d"',
    ],
    [{ ...add, opts: { strip: '' } }, 'route add web a.com/x http://1.2.3.4:80 opts "strip="'],
    [{ ...add, opts: { redirect: null } }, 'route add web a.com/x http://1.2.3.4:80 opts "redirect="'],
    [{ ...add, opts: { host: 'a=b' } }, 'route add web a.com/x http://1.2.3.4:80 opts "host=a=b"'],
    [{ ...add, comment: 'not a field' }, 'route add web a.com/x http://1.2.3.4:80'],
    [
      { CMD: 'route add', Service: 'web', Src: 'a.com/x', Dst: 'http://1.2.3.4:80', Weight: 1 },
      'route add web a.com/x http://1.2.3.4:80 weight 1',
    ],
    [{ cmd: 'route del', service: 'web' }, 'route del web'],
    [{ cmd: 'route del', service: 'web', src: 'a.com/' }, 'route del web a.com/'],
    [{ ...add, cmd: 'route del' }, 'route del web a.com/x http://1.2.3.4:80'],
    [{ cmd: 'route del', service: 'web', tags: ['a', 'b'] }, 'route del web tags "a,b"'],
    [{ cmd: 'route del', tags: ['a'] }, 'route del tags "a"'],
    [{ ...add, cmd: 'route del', tags: ['a'] }, 'route del web tags "a"'],
    [
      { cmd: 'route weight', service: 'web', src: 'a.com/', weight: 0.2 },
      'route weight web a.com/ weight 0.2',
    ],
    [{ cmd: 'route weight', service: 'web', src: 'a.com/' }, 'route weight web a.com/ weight 0'],
    [
      { cmd: 'route weight', service: 'web', src: '/', weight: 1, tags: ['a'] },
      'route weight web / weight 1 tags "a"',
    ],
    [{ cmd: 'route weight', src: '/', weight: 0.1, tags: ['a'] }, 'route weight / weight 0.1 tags "a"'],
  ])('%j', (command, line) => {
    expect(decode(command)).toEqual({ text: line, problems: [] })
  })
})

describe('a command that cannot be read or said costs only itself', () => {
  const skip = '# command 2 was skipped'
  test.each<[command: unknown, line: string, problem: string]>([
    ['route add', skip, 'expected an object, got "route add"'],
    [null, skip, 'expected an object, got null'],
    [[add], skip, 'expected an object, got an array'],
    [{}, skip, 'cmd: expected "route add", "route del" or "route weight", got none'],
    [{ cmd: 'ROUTE ADD' }, skip, 'cmd: expected "route add", "route del" or "route weight", got "ROUTE ADD"'],
    [
      { cmd: 'constructor' },
      skip,
      'cmd: expected "route add", "route del" or "route weight", got "constructor"',
    ],
    [{ ...add, service: '' }, skip, 'service: expected a text, got none'],
    [{ ...add, service: 7 }, skip, 'service: expected a text, got 7'],
    [{ ...add, service: 'my web' }, skip, 'service: expected a text without white space, got "my web"'],
    [{ ...add, src: undefined }, skip, 'src: expected a text, got none'],
    [
      { ...add, dst: 'http://a/\nroute del web' },
      skip,
      'dst: expected a text without white space, got "http://a/\\nroute del web"',
    ],
    [{ ...add, weight: '1' }, skip, 'weight: expected a number, got "1"'],
    [{ ...add, tags: 'a' }, skip, 'tags: expected an array of texts, got "a"'],
    [{ ...add, tags: [1] }, skip, 'tags: expected texts, got 1'],
    [{ ...add, opts: ['a'] }, skip, 'opts: expected an object of texts, got an array'],
    [{ ...add, opts: { a: 1 } }, skip, 'opts: "a": expected a text, got 1'],
    [
      { ...add, opts: { allow: 'ip:10.0.0.0/8, ip:::1' } },
      skip,
      'opts: "allow": expected a text without white space, got "ip:10.0.0.0/8, ip:::1"',
    ],
    [{ ...add, opts: { 'a=b': '' } }, skip, 'opts: expected a name without white space and "=", got "a=b"'],
    [{ ...add, opts: { '': 'x' } }, skip, 'opts: expected a name without white space and "=", got ""'],
    [{ cmd: 'route del' }, skip, 'service: expected a text, got none'],
    [{ cmd: 'route del', service: 'web', dst: 'http://a/' }, skip, 'src: expected a text, got none'],
    [
      { cmd: 'route del', service: 'web', tags: ['a,b'] },
      skip,
      'tags: expected a tag without comma and control characters, got "a,b"',
    ],
    [{ cmd: 'route weight', src: '/', weight: 1 }, skip, 'service: expected a text, got none'],
    [{ cmd: 'route weight', service: 'web', weight: 1 }, skip, 'src: expected a text, got none'],
    [
      { ...add, tags: ['a,b', 'c'] },
      'route add web a.com/x http://1.2.3.4:80 tags "c"',
      'tags: expected a tag without comma and control characters, got "a,b"; the route does without it',
    ],
  ])('%j', (command, line, problem) => {
    const { text, problems } = decode(add, command, { ...add, service: 'last' })
    expect(text.split('\n')).toEqual([
      'route add web a.com/x http://1.2.3.4:80',
      line,
      'route add last a.com/x http://1.2.3.4:80',
    ])
    expect(problems).toEqual([`command 2: ${problem}`])
  })

  test('a number too large for a number', () => {
    const text = JSON.stringify([{ ...add, weight: 0 }]).replace('"weight":0', '"weight":1e999')
    expect(decodeCommands(text).problems).toEqual(['command 1: weight: expected a number, got Infinity'])
  })

  test('a long value is cut in what is said of it', () => {
    const [problem] = decode({ ...add, service: `${'x'.repeat(500)} ` }).problems
    expect(problem!.length).toBeLessThan(160)
  })
})

describe('an answer that is no array of commands is refused as a whole', () => {
  test.each([
    ['null', 'expected a JSON array of commands, got null'],
    ['{"cmd":"route add"}', 'expected a JSON array of commands, got an object'],
    ['"route add"', 'expected a JSON array of commands, got "route add"'],
    ['', 'Unexpected end of JSON input'],
    ['[{"cmd":', 'Unexpected end of JSON input'],
    ['<html>', 'Unexpected token'],
  ])('%s', (json, words) => {
    expect(() => decodeCommands(json)).toThrow(words)
  })

  test('an array of nothing is no command', () => {
    expect(decodeCommands('[]')).toEqual({ text: '', problems: [] })
  })
})

const field = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('web', '/', 'http://a:1/', 'a b'),
  fc.jsonValue(),
)
const command = fc.record(
  {
    cmd: fc.oneof(fc.constantFrom('route add', 'route del', 'route weight'), field),
    service: field,
    src: field,
    dst: field,
    weight: fc.oneof(fc.double(), field),
    tags: fc.oneof(fc.array(field), field),
    opts: fc.oneof(fc.dictionary(fc.string({ unit: 'binary' }), field), field),
  },
  { requiredKeys: ['cmd'] },
)

describe('the command language reads back what was meant', () => {
  const name = fc.stringMatching(/^[a-z][\w.-]{0,8}$/)
  const tag = fc
    .string({ unit: 'grapheme' })
    .map((text) => text.replace(/[,\p{Cc}\p{Zl}\p{Zp}]/gu, '').trim())
    .filter((text) => text !== '')
  const tags = fc.array(tag, { minLength: 1, maxLength: 3 })
  const weight = fc.double({ min: 0.001, max: 1, noNaN: true })
  const parsed = (command: unknown) => {
    const { text, problems } = decode(command)
    const { commands, mistakes } = parseCommands(text)
    expect([problems, mistakes, commands.length]).toEqual([[], [], 1])
    return commands[0]!
  }

  test('of route add', () => {
    const option = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\s\p{Cc}]/gu, ''))
    const given = fc.record({ service: name, weight, tags, opts: fc.record({ note: option }) })
    fc.assert(
      fc.property(given, (fields) => {
        const { service, opts } = fields
        expect(parsed({ ...add, ...fields })).toMatchObject({
          kind: 'add',
          definition: {
            ...{ service, url: add.dst, weight: fields.weight, tags: fields.tags },
            optionText: `note=${opts.note}`,
          },
        })
      }),
    )
  })

  test('of route del and route weight', () => {
    fc.assert(
      fc.property(name, weight, tags, (service, share, given) => {
        expect(parsed({ cmd: 'route del', service, tags: given })).toMatchObject({ service, tags: given })
        expect(parsed({ cmd: 'route del', tags: given })).toMatchObject({ service: null, tags: given })
        expect(parsed({ ...add, cmd: 'route del', service })).toMatchObject({
          service,
          url: add.dst,
          tags: [],
        })
        const some = { cmd: 'route weight', src: '/', weight: share, tags: given }
        expect(parsed(some)).toMatchObject({ service: null, weight: share, tags: given })
        expect(parsed({ ...some, service })).toMatchObject({ service, weight: share, tags: given })
      }),
    )
  })
})

describe('whatever is answered', () => {
  test('it is a line for each command, or an Error', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(command, fc.jsonValue())), (commands) => {
        const sent = JSON.parse(JSON.stringify(commands)) as unknown[]
        const { text, problems } = decodeCommands(JSON.stringify(sent))
        const lines = text === '' ? [] : text.split('\n')
        expect(lines).toHaveLength(sent.length)
        for (const line of lines)
          expect(line).toMatch(/^(route (add|del|weight) \S|# command \d+ was skipped$)/)
        const skipped = lines.filter((line) => line.startsWith('#')).length
        expect(new Set(problems.map((problem) => problem.split(':')[0])).size).toBeGreaterThanOrEqual(skipped)
      }),
    )
  })

  test('text that is not JSON throws an Error and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          decodeCommands(text)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
    )
  })

  test('a bad command changes no other line', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(3), (bad, at) => {
        const good = [add, { ...add, service: 'two' }, { ...add, service: 'three' }]
        const lines = decode(...good).text.split('\n')
        const mixed = decode(...good.toSpliced(at, 0, bad as typeof add)).text.split('\n')
        expect(mixed.toSpliced(at, 1)).toEqual(lines)
      }),
    )
  })

  test('nesting without end throws an Error at most', () => {
    const deep = '['.repeat(200_000)
    expect(() => decodeCommands(deep)).toThrow(Error)
    expect(decodeCommands(`[${'['.repeat(5_000)}${']'.repeat(5_000)}]`).problems).toEqual([
      'command 1: expected an object, got an array',
    ])
  })
})
