import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readQuoted, writeQuoted } from '../../src/route/quoted.ts'

describe('text in quotes', () => {
  // What Go's strconv.Quote makes of the same texts.
  test.each([
    ['plain, text', '"plain, text"'],
    ['a"b', '"a\\"b"'],
    ['a\\b', '"a\\\\b"'],
    ['a\nb\tc', '"a\\nb\\tc"'],
    ['\x00\x1b\x7f', '"\\x00\\x1b\\x7f"'],
    ['über 😀', '"über 😀"'],
    ['a\u00a0b\u200b\u2028', '"a\\u00a0b\\u200b\\u2028"'],
    ['\u{e0001}', '"\\U000e0001"'],
  ])('%j is written %s and read back', (text, written) => {
    expect(writeQuoted(text)).toBe(written)
    expect(readQuoted(written, 0)).toEqual({ text, end: written.length })
  })

  test.each([
    ['"a\\db"', 'a\\db'],
    ['"a\\x9fb"', 'a\\x9fb'],
    ['"a\\u12"', 'a\\u12'],
    ['"a\\U00110000"', 'a\\U00110000'],
    ['"a\\7"', 'a\\7'],
  ])('%s has a backslash that begins no escape, and it is text', (written, text) => {
    expect(readQuoted(written, 0)?.text).toBe(text)
  })

  test.each(['"', '"a', '"a\\"', '"\\'])('%s has no end', (written) => {
    expect(readQuoted(written, 0)).toBeNull()
  })

  test('says where the line goes on', () => {
    expect(readQuoted('tags "a\\"b" opts "c"', 5)).toEqual({ text: 'a"b', end: 11 })
  })

  test('whatever is written is read back, and has no line break', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const written = writeQuoted(text)
        expect(readQuoted(written, 0)).toEqual({ text, end: written.length })
        expect(written).not.toMatch(/[\n\r\u2028\u2029]/)
      }),
    )
  })
})
