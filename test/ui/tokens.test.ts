import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inPairs } from '../../ui/src/commands/pairs.ts'
import { tokensOf } from '../../ui/src/commands/tokens.ts'

/** `kind:text` of all that is not white space. */
const read = (line: string): string =>
  tokensOf(line)
    .filter(({ kind }) => kind !== 'space')
    .map(({ kind, text }) => `${kind}:${text}`)
    .join(' ')

describe('the parts of a line', () => {
  test.each([
    [
      'route add web a.com/ http://1.1.1.1:80/ weight 0.5 tags "a,b" opts "strip=/x proto=https"',
      'keyword:route keyword:add service:web source:a.com/ destination:http://1.1.1.1:80/ keyword:weight number:0.5 keyword:tags string:"a,b" keyword:opts string:"strip=/x proto=https"',
    ],
    ['route del web', 'keyword:route keyword:del service:web'],
    ['route del tags "a"', 'keyword:route keyword:del keyword:tags string:"a"'],
    [
      'route weight web a.com/ weight 0.1',
      'keyword:route keyword:weight service:web source:a.com/ keyword:weight number:0.1',
    ],
    [
      'route weight a.com/ weight 0.1 tags "x"',
      'keyword:route keyword:weight source:a.com/ keyword:weight number:0.1 keyword:tags string:"x"',
    ],
    ['route add weight /x', 'keyword:route keyword:add service:weight source:/x'],
    ['  # route add', 'comment:  # route add'],
    ['// x', 'comment:// x'],
    ['route', 'keyword:route'],
    ['route ad web', 'keyword:route unknown:ad unknown:web'],
    ['rout add web', 'unknown:rout unknown:add unknown:web'],
    [
      'route add web / http://a/ and more',
      'keyword:route keyword:add service:web source:/ destination:http://a/ unknown:and unknown:more',
    ],
    [
      'route add web / http://a/ tags "open',
      'keyword:route keyword:add service:web source:/ destination:http://a/ keyword:tags string:"open',
    ],
    ['', ''],
  ])('%j', (line, expected) => {
    expect(read(line)).toBe(expected)
  })

  test('are the line when they are put together, whatever it is', () => {
    const word = fc.constantFrom(
      'route',
      'add',
      'del',
      'weight',
      'tags',
      'opts',
      '"',
      '"a b"',
      '\\"',
      'x',
      '/',
      ' ',
    )
    const line = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(word).map((words) => words.join(' ')),
    )
    fc.assert(
      fc.property(line, (text) => {
        expect(
          tokensOf(text)
            .map((token) => token.text)
            .join(''),
        ).toBe(text)
      }),
    )
  })
})

test('lines about the same target stand below each other, what goes before what comes', () => {
  const a = 'route add a a.com/ http://1/'
  const b = 'route add b b.com/ http://1/'
  expect(inPairs([`${b} weight 1`, a], [b])).toEqual([
    { sign: '+', line: a },
    { sign: '-', line: b },
    { sign: '+', line: `${b} weight 1` },
  ])
})
