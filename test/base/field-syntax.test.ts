import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { connectionFields, fieldLine, trimBlanks, visible } from '../../src/base/field-syntax.ts'

test('blanks at the ends of a text are spaces and tabs, and nothing else', () => {
  const texts = fc.array(fc.constantFrom(' ', '\t', 'a', '\xa0', '\n')).map((parts) => parts.join(''))
  fc.assert(
    fc.property(texts, (text) => {
      expect(trimBlanks(text)).toBe(text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, ''))
    }),
  )
})

test('what is made visible is ASCII, and a URL that means the same', () => {
  expect(visible('/a b%20/ü\u010a')).toBe('/a%20b%20/%C3%BC%C4%8A')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visible(text)).toMatch(/^[\x21-\x7e]*$/)
    }),
  )
})

describe('a line made of what people wrote', () => {
  test.each([
    ['X-A', ''],
    ['x-a', 'b'],
    ['X-A', 'a b\tc'],
    ['X-A', 'caf\xc3\xa9'],
  ])('%j: %j is a line', (name, value) => {
    expect(fieldLine(name, value)).toBe(`${name}: ${value}\r\n`)
  })

  test.each([
    ['', 'a'],
    ['X A', 'a'],
    ['X-A:', 'a'],
    ['X-\u00c4', 'a'],
    ['X-A', 'a\r\nX-B: c'],
    ['X-A', 'a\n'],
    ['X-A', ' a'],
    ['X-A', 'a\0'],
    ['X-A', '€'],
    ...[...connectionFields].map((name): [string, string] => [name.toUpperCase(), '1']),
  ])('%j: %j is none', (name, value) => {
    expect(() => fieldLine(name, value)).toThrow(TypeError)
  })

  test('never begins another line, whatever it is made of', () => {
    const char = fc.constantFrom('X', '-', ':', ' ', '\r', '\n', '\0', '\u2028', 'é', 'a')
    const anything = fc.oneof(
      fc.string(),
      fc.array(char).map((chars) => chars.join('')),
    )
    fc.assert(
      fc.property(anything, anything, (name, value) => {
        let line = ''
        try {
          line = fieldLine(name, value)
        } catch {
          return
        }
        expect(line.split(/[\r\n]/)).toHaveLength(3)
        expect(line).toMatch(/^[^\r\n:]+: [\t\x20-\x7e\x80-\xff]*\r\n$/)
      }),
    )
  })
})
