import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldLine } from '../../src/base/field-syntax.ts'
import { fieldNames, fieldValues } from '../../src/config/field-values.ts'
import { ValueError } from '../../src/config/kind.ts'
import { parseContext } from './context.ts'

const context = parseContext()

const read = (text: string) => fieldValues.parse(text, context).map(({ name, value }) => [name, value])

describe('a list of header fields', () => {
  test.each([
    ['', []],
    [' , ', []],
    ['X-A: 1', [['X-A', '1']]],
    [
      'X-A:1,X-B: two words ,',
      [
        ['X-A', '1'],
        ['X-B', 'two words'],
      ],
    ],
    [
      'P: "a=(), b=()", X: y',
      [
        ['P', 'a=(), b=()'],
        ['X', 'y'],
      ],
    ],
    ['X-A: "a \\"b\\" \\\\"', [['X-A', 'a "b" \\']]],
    ['X-A:', [['X-A', '']]],
    [
      'X-A:,X-A: 2',
      [
        ['X-A', ''],
        ['X-A', '2'],
      ],
    ],
    ['X-A: a "b"', [['X-A', 'a "b"']]],
    ['X-A: b:c=d;e', [['X-A', 'b:c=d;e']]],
    ['X-A: é', [['X-A', '\xc3\xa9']]],
  ])('%j is %j', (text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  test.each([
    ['X-A', 'expected header fields like'],
    ['X-A: "b', 'expected header fields like'],
    ['X-A: "b" c', 'expected header fields like'],
    ['X A: b', 'expected header fields like'],
    ['X(A): b', 'expected the name of a header field'],
    ['Host: b', "not the gateway's own"],
    ['content-length: 3', "not the gateway's own"],
    ['X-A: a\nb', 'expected a value of "X-A" without control characters'],
    ['X-A: "a\rb"', 'expected a value of "X-A" without control characters'],
  ])('%j is a mistake: %s', (text, words) => {
    expect(() => read(text)).toThrow(words)
    expect(() => read(text)).toThrow(ValueError)
  })

  test('holds what can stand on a line, whatever was written', () => {
    const part = fc.constantFrom('X-A', ':', ',', '"', '\\', ' ', '\r', '\n', 'é', 'b')
    fc.assert(
      fc.property(
        fc.array(part).map((parts) => parts.join('')),
        (text) => {
          try {
            for (const { name, value } of fieldValues.parse(text, context)) fieldLine(name, value)
          } catch (error) {
            expect(error).toBeInstanceOf(ValueError)
          }
        },
      ),
    )
  })

  test('a value in quotes is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.string().map((text) => text.trim()),
        (value) => {
          const quoted = `"${value.replace(/["\\]/g, '\\$&')}"`
          expect(read(`X-A: 1, X-B: ${quoted}, X-C: 3`)).toEqual([
            ['X-A', '1'],
            ['X-B', value],
            ['X-C', '3'],
          ])
        },
      ),
    )
  })
})

describe('a list of header names', () => {
  test('is split at commas and trimmed', () => {
    expect(fieldNames.parse(' Server ,X-Powered-By,', context)).toEqual(['Server', 'X-Powered-By'])
  })

  test.each(['X-A: b', 'Date', 'a b'])('%j is none', (text) => {
    expect(() => fieldNames.parse(text, context)).toThrow(ValueError)
  })
})
