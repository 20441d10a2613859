// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${name} is the syntax under test.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  expandProperties,
  type Property,
  parseProperties,
  printProperty,
} from '../../src/config/properties.ts'

const rowsOf = (entries: readonly Property[]): [number, string, string][] =>
  entries.map(({ line, key, value }) => [line, key, value])

describe('the properties syntax', () => {
  test.each<[what: string, text: string, entries: [line: number, key: string, value: string][]]>([
    ['an equals sign', 'a = b', [[1, 'a', 'b']]],
    ['a colon', 'a: b', [[1, 'a', 'b']]],
    ['a blank', 'a b', [[1, 'a', 'b']]],
    ['a tab and a form feed', '\t\fa\t\f=\f\tb', [[1, 'a', 'b']]],
    ['no blanks', 'a=b', [[1, 'a', 'b']]],
    ['a value with separators', 'a = b = c: d', [[1, 'a', 'b = c: d']]],
    ['a second separator right after', 'a == b', [[1, 'a', '= b']]],
    [
      'a key without value',
      'a\nb =\nc:',
      [
        [1, 'a', ''],
        [2, 'b', ''],
        [3, 'c', ''],
      ],
    ],
    ['comments and empty lines', '# x\n\n  ! y\n \t\na = # no comment', [[5, 'a', '# no comment']]],
    [
      'every line end',
      'a=1\nb=2\rc=3\r\nd=4',
      [
        [1, 'a', '1'],
        [2, 'b', '2'],
        [3, 'c', '3'],
        [4, 'd', '4'],
      ],
    ],
    [
      'a continued value',
      'a = b\\\n   c\\\n\td\ne = f',
      [
        [1, 'a', 'bcd'],
        [4, 'e', 'f'],
      ],
    ],
    [
      'a continued value with CRLF',
      'a = b\\\r\n  c\r\nd = e',
      [
        [1, 'a', 'bc'],
        [3, 'd', 'e'],
      ],
    ],
    ['a continued key', 'a.\\\n  b = c', [[1, 'a.b', 'c']]],
    [
      'a continued line before an empty one',
      'a = b\\\n\nc = d',
      [
        [1, 'a', 'b'],
        [3, 'c', 'd'],
      ],
    ],
    ['a number sign on a continued line', 'a = b\\\n# c', [[1, 'a', 'b# c']]],
    [
      'escaped backslashes at the end',
      'a = b\\\\\nc = d',
      [
        [1, 'a', 'b\\'],
        [2, 'c', 'd'],
      ],
    ],
    ['letters with a backslash', 'a = \\n\\r\\t\\f\\q\\\\\\"', [[1, 'a', '\n\r\t\fq\\"']]],
    ['a unicode escape', 'a = \\u00e9\\uD83D\\ude00', [[1, 'a', 'é😀']]],
    ['escapes in a key', 'a\\ b\\=\\:\\u0063 = d', [[1, 'a b=:c', 'd']]],
    ['a regular expression', 'a = ^text/.*\\\\.x$', [[1, 'a', '^text/.*\\.x$']]],
    [
      'blanks at the end of a value',
      'a = rr \t\nb = c\f',
      [
        [1, 'a', 'rr'],
        [2, 'b', 'c'],
      ],
    ],
    [
      'an escaped blank at the end of a value',
      'a = rr\\ \nb = c \\t ',
      [
        [1, 'a', 'rr '],
        [2, 'b', 'c \t'],
      ],
    ],
    [
      'a repeated key',
      'a = 1\na = 2',
      [
        [1, 'a', '1'],
        [2, 'a', '2'],
      ],
    ],
    ['a byte order mark', '\uFEFFa = b', [[1, 'a', 'b']]],
    ['an empty file', '', []],
    ['a dollar sign', 'a = $host$path', [[1, 'a', '$host$path']]],
    ['a line separator of Unicode', 'a = b\u2028c', [[1, 'a', 'b\u2028c']]],
  ])('%s', (_, text, entries) => {
    const found = parseProperties(text)
    expect(found.mistakes).toEqual([])
    expect(rowsOf(found.entries)).toEqual(entries)
  })

  test.each([
    ['a = \\u12', 'expected four hexadecimal digits after "\\u", got "12"'],
    ['a = \\u12x4', 'expected four hexadecimal digits after "\\u", got "12x4"'],
    ['= b', 'expected a key, got "= b"'],
    [': b', 'expected a key, got ": b"'],
    ['a = b\\', 'expected a line after the "\\" at the line end, got the end of the file'],
  ])('a mistake costs only its own line: %j', (line, text) => {
    const found = parseProperties(`x = 1\n${line}`)
    expect(found.mistakes).toEqual([{ line: 2, text }])
    expect(rowsOf(found.entries)).toEqual([[1, 'x', '1']])
  })

  const awkward = fc.string({ unit: fc.constantFrom(...' \t\f\r\n\\=:#!unrtf0123$ab{}é😀\u2028\u00a0') })

  test('no text makes it throw, and every line is at most one entry or one mistake', () => {
    fc.assert(
      fc.property(fc.oneof(awkward, fc.string({ unit: 'binary' })), (text) => {
        const { entries, mistakes } = parseProperties(text)
        const lines = [...entries, ...mistakes].map(({ line }) => line)
        expect(new Set(lines).size).toBe(lines.length)
        expect(Math.max(0, ...lines)).toBeLessThanOrEqual(text.split(/\r\n|\r|\n/).length)
      }),
      { numRuns: 2000 },
    )
  })

  test('what was read prints to what reads the same', () => {
    const print = (entries: readonly Property[]): string =>
      entries.map(({ key, value }) => printProperty(key, value)).join('\n')
    fc.assert(
      fc.property(awkward, (text) => {
        const once = parseProperties(text).entries
        const again = parseProperties(print(once))
        expect(again.mistakes).toEqual([])
        expect(rowsOf(again.entries)).toEqual(once.map(({ key, value }, at) => [at + 1, key, value]))
        expect(print(again.entries)).toBe(print(once))
      }),
      { numRuns: 2000 },
    )
  })

  test('every key and value can be printed', () => {
    fc.assert(
      fc.property(
        awkward.filter((key) => key !== ''),
        awkward,
        (key, value) => {
          expect(parseProperties(printProperty(key, value))).toEqual({
            entries: [{ key, value, line: 1 }],
            mistakes: [],
          })
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('the expansion of ${name}', () => {
  const expand = (text: string, env: Record<string, string> = {}): ReturnType<typeof expandProperties> =>
    expandProperties(parseProperties(text).entries, env)

  test.each<[what: string, text: string, env: Record<string, string>, values: Record<string, string>]>([
    ['another property', 'a = x${b}z\nb = y', {}, { a: 'xyz', b: 'y' }],
    ['one that is expanded itself', 'a = ${b}\nb = ${c}\nc = 1', {}, { a: '1', b: '1', c: '1' }],
    ['the last of a repeated one', 'a = ${b}\nb = 1\nb = 2', {}, { a: '2', b: '2' }],
    ['the environment', 'a = ${B}:80', { B: 'host' }, { a: 'host:80' }],
    ['a property before the environment', 'a = ${b}\nb = 1', { b: '2' }, { a: '1', b: '1' }],
    ['nothing where there is neither', 'a = x${b}y', {}, { a: 'xy' }],
    ['a name of every object', 'a = x${constructor}y', {}, { a: 'xy' }],
    ['several', 'a = ${b}${b}-${c}\nb = 1\nc = 2', {}, { a: '11-2', b: '1', c: '2' }],
    ['text of the environment as it is', 'a = ${B}', { B: '${c}' }, { a: '${c}' }],
    ['a dollar sign without braces', 'a = $b', { b: '1' }, { a: '$b' }],
  ])('puts in %s', (_, text, env, values) => {
    const { entries, mistakes } = expand(text, env)
    expect(mistakes).toEqual([])
    expect(Object.fromEntries(entries.map(({ key, value }) => [key, value]))).toEqual(values)
  })

  test.each<[what: string, text: string, mistakes: [line: number, text: string][], left: string[]]>([
    ['an open brace', 'x = 1\na = b${c', [[2, 'a: expected "}" after "${", got "${c"']], ['x']],
    ['itself', 'a = ${a}', [[1, 'a: circular reference: a -> a']], []],
    [
      'a circle, told once',
      'x = ${a}\na = ${b}\nb = ${a}\ny = 1',
      [[3, 'b: circular reference: a -> b -> a']],
      ['y'],
    ],
    [
      'what cannot be expanded, told where it is',
      'a = ${b}\nb = ${',
      [[2, 'b: expected "}" after "${", got "${"']],
      [],
    ],
  ])('refuses %s', (_, text, mistakes, left) => {
    const found = expand(text)
    expect(found.mistakes).toEqual(mistakes.map(([line, words]) => ({ line, text: words })))
    expect(found.entries.map(({ key }) => key)).toEqual(left)
  })

  const chain = (length: number): string =>
    [...Array.from({ length }, (_, i) => `k${i} = \${k${i + 1}}`), `k${length} = end`].join('\n')

  test('follows 63 properties inside each other and no more', () => {
    expect(expand(chain(63)).mistakes).toEqual([])
    expect(expand(chain(64)).mistakes[0]?.text).toBe(
      'k63: expected at most 64 properties inside each other, got more',
    )
  })

  test('a value that doubles itself line by line ends at a bound', () => {
    const lines = Array.from({ length: 40 }, (_, i) => `k${i} = \${k${i + 1}}\${k${i + 1}}`)
    const { mistakes } = expand([...lines, 'k40 = x'].join('\n'))
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]?.text).toMatch(/^k\d+: expected at most 1048576 characters, got more$/)
  })

  test('no properties make it throw', () => {
    const value = fc.string({ unit: fc.constantFrom('${', '}', 'a', 'b', 'c', '$', ' ') })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'ab'), value)), (pairs) => {
        const entries = pairs.map(([key, text], at) => ({ key, value: text, line: at + 1 }))
        const found = expandProperties(entries, {})
        for (const { value: expanded } of found.entries) expect(expanded).not.toContain('${')
      }),
      { numRuns: 2000 },
    )
  })
})
