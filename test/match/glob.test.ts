import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileGlob, globMistake, globStart } from '../../src/match/glob.ts'

describe('a glob', () => {
  // The facts of fabio reference 3.4, then the corners of each form.
  test.each([
    ['/img?', '/imgs', true],
    ['/img*', '/imgs/1', true],
    ['/img*', '/im', false],
    ['/a/*/z', '/a/b/z', true],
    ['/a/*/z', '/a/b/c/z', true],
    ['/a/**/z', '/a/b/z', true],
    ['/img.*', '/imgs', false],
    ['*.example.net', 'x.y.example.net', true],
    ['*.example.net', '.example.net', true],
    ['*.example.net', 'example.net', false],
    ['*', '', true],
    ['?', '', false],
    ['[abc]x', 'bx', true],
    ['[!abc]x', 'bx', false],
    ['[!abc]x', 'dx', true],
    ['[a-c]', 'b', true],
    ['[a-c]', 'd', false],
    ['[a\\-c]', '-', true],
    ['[a\\-c]', 'b', false],
    ['[\\]]', ']', true],
    ['{a,b{c,d}}.x', 'bd.x', true],
    ['{a,b{c,d}}.x', 'b.x', false],
    ['{,www.}a', 'a', true],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['*a*b', 'xaxbxab', true],
    ['*a*b', 'xbxa', false],
  ])('%s on %j is %s', (pattern, text, expected) => {
    expect(compileGlob(pattern)(text)).toBe(expected)
  })

  test.each([
    ['[x', '"[" without "]"'],
    ['{a', '"{" without "}"'],
    ['a}', '"}" without "{"'],
    ['a\\', '"\\" at the end'],
    ['[]', 'empty set'],
    ['[z-a]', 'runs backwards'],
    ['{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}', 'more than 256'],
    ['x'.repeat(4_097), 'more than 4096 characters'],
    ['{a}'.repeat(100_000), 'more than 4096 characters'],
  ])('%.20s is refused: %s', (pattern, words) => {
    expect(() => compileGlob(pattern)).toThrow(words)
    expect(globMistake(pattern)).toContain(words)
  })

  test('that can be read has no mistake', () => {
    expect(globMistake('/img/*')).toBeNull()
  })

  test.each([
    ['/foo', '/foo'],
    ['/img/*.png', '/img/'],
    ['/a?', '/a'],
    ['/[ab]', '/'],
    ['{a,b}', ''],
    ['/a\\*', '/a'],
  ])('%s begins with %s', (pattern, expected) => {
    expect(globStart(pattern)).toBe(expected)
  })

  test('a pattern that would make a backtracking engine hang is answered at once', () => {
    const glob = compileGlob(`${'*a'.repeat(30)}b`)
    const started = performance.now()
    expect(glob('a'.repeat(5_000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  test('no pattern throws anything but an Error with words, and none throws on a text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab*?[]{}!-,\\.') }), fc.string(), (pattern, text) => {
        try {
          expect(typeof compileGlob(pattern)(text)).toBe('boolean')
        } catch (error) {
          expect((error as Error).message).not.toBe('')
        }
      }),
    )
  })

  test('a text of plain letters matches itself and nothing else', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'abc.-/') })
    fc.assert(
      fc.property(letters, letters, (a, b) => {
        expect(compileGlob(a)(b)).toBe(a === b)
      }),
    )
  })
})
