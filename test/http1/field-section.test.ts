import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldId, maskOf } from '../../src/http1/field-names.ts'
import { FieldSection, listOfLines, sectionOf } from '../../src/http1/field-section.ts'

const name = fc.oneof(
  fc.constantFrom(
    'Host',
    'connection',
    'X-Forwarded-For',
    'Content-Length',
    'Date',
    'te',
    'TRAILER',
    'X-Real-Ip',
  ),
  fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/),
)
const value = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]{0,10}[!-~\x80-\xff])?)?$/)
const space = fc.constantFrom('', ' ', '\t', '  ', ' \t ')
const line = fc.tuple(name, space, value, space)

function read(lines: readonly (readonly [string, string, string, string])[]): FieldSection {
  const text = `${lines.map(([n, before, v, after]) => `${n}:${before}${v}${after}\r\n`).join('')}\r\n`
  const octets = Buffer.from(text, 'latin1')
  const section = new FieldSection()
  expect(section.read(octets, 0, octets.length, 0, 1_000)).toBe(octets.length)
  section.text = text
  return section
}

describe('lines that go on', () => {
  test('are what writing each kept field anew would give, however they came', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, without) => {
        const section = read(lines)
        const skip = without ? maskOf('host', 'date') : 0
        const except = without ? new Set(['te', 'a']) : null
        const isKept = (n: string): boolean =>
          !without || !['host', 'date', 'te', 'a'].includes(n.toLowerCase())
        const anew = lines
          .filter(([n]) => isKept(n))
          .map(([n, , v]) => `${n}: ${v}\r\n`)
          .join('')
        expect(section.lines(skip, except)).toBe(anew)
      }),
      { numRuns: 3_000 },
    )
  })

  test('are read back as the same list', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const section = read(lines)
        expect(listOfLines(section.lines(0, null))).toEqual(section.list())
        expect(sectionOf(section.list()).list()).toEqual(section.list())
      }),
      { numRuns: 2_000 },
    )
  })
})

test('every known name is found in whatever case, and no other name is taken for one', () => {
  for (const [field, id] of Object.entries(fieldId)) {
    const spelled = field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    for (const each of [spelled, spelled.toUpperCase()]) {
      const section = read([[each, ' ', 'v', '']])
      expect([each, section.has(id), section.known(id)]).toEqual([each, true, 'v'])
    }
    expect(read([[`${spelled}x`, ' ', 'v', '']]).seen).toBe(0)
    expect(read([[`x${spelled.slice(1)}`, ' ', 'v', '']]).has(id)).toBe(spelled.startsWith('x'))
  }
})

// The options were cut apart at a comma with the blanks around it, by an expression that tried every one of a row of
// blanks without a comma. One request with 64,000 of them held up the whole process for nine seconds.
test('options of Connection are found in no time, however many blanks there are', () => {
  const rows = [' ', '\t', ' \t'].map((blanks) => `x${blanks.repeat(60_000 / blanks.length)}y, close`)
  const startedAt = performance.now()
  for (const row of rows) {
    const section = sectionOf(['Connection', row, 'X-A', '1'])
    expect([section.hasOption('close'), section.hasOption('y')]).toEqual([true, false])
    expect(section.endToEnd(0, null, new Set())).toBe('X-A: 1\r\n')
  }
  expect(performance.now() - startedAt).toBeLessThan(1_000)
})
