import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffLines, linesOf, withContext } from '../../ui/src/overrides/line-diff.ts'

const written = (before: string, after: string): string[] =>
  diffLines(before, after).map(({ sign, line }) => sign + line)

describe('the difference of two texts', () => {
  test.each([
    ['nothing', '', '', []],
    ['a new text', '', 'a\nb', ['+a', '+b']],
    ['a text that went', 'a\nb', '', ['-a', '-b']],
    ['a line in between', 'a\nc', 'a\nb\nc', [' a', '+b', ' c']],
    ['a line that is another one', 'a\nb\nc', 'a\nx\nc', [' a', '-b', '+x', ' c']],
    ['what moved', 'a\nb\nc', 'c\na\nb', ['+c', ' a', ' b', '-c']],
    ['an empty line at the end', 'a', 'a\n', [' a', '+']],
  ])('%s', (_, before, after, expected) => {
    expect(written(before, after)).toEqual(expected)
  })

  test('has both texts in it, and no line goes that could stay at that place', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', '', '# x'), { maxLength: 12 })
      .map((l) => l.join('\n'))
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after)
        const without = (sign: string): string[] =>
          lines.filter((line) => line.sign !== sign).map(({ line }) => line)
        expect([without('+'), without('-')]).toEqual([linesOf(before), linesOf(after)])
        const kept = lines.filter(({ sign }) => sign === ' ').length
        expect(kept).toBe(longestCommon(linesOf(before), linesOf(after)))
      }),
    )
  })

  test('of texts that are too long to compare is all of one and all of the other, between what is alike', () => {
    const long = (word: string): string => Array.from({ length: 3_000 }, (_, i) => `${word} ${i}`).join('\n')
    const lines = diffLines(`same\n${long('old')}\nend`, `same\n${long('new')}\nend`)
    expect(lines).toHaveLength(6_002)
    expect([lines[0]!.sign, lines[1]!.sign, lines[3_001]!.sign, lines.at(-1)!.sign]).toEqual([
      ' ',
      '-',
      '+',
      ' ',
    ])
  })
})

/** Counted the slow way. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0)
  for (const line of a) {
    const next = [0]
    for (const [j, other] of b.entries()) {
      next.push(line === other ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!))
    }
    row = next
  }
  return row.at(-1)!
}

test('what is far from any change is told by its number of lines', () => {
  const lines = diffLines('1\n2\n3\n4\n5\n6\n7', '1\n2\n3\nx\n5\n6\n7')
  expect(
    withContext(lines, 1).map((each) => ('skipped' in each ? each.skipped : each.sign + each.line)),
  ).toEqual([...[2, ' 3', '-4', '+x', ' 5', 2]])
  expect(withContext(diffLines('a\nb', 'a\nb'))).toEqual([{ skipped: 2 }])
})
