import type { SignedLine } from '../commands/pairs.ts'

/** More cells than these are not compared one by one: then all of the middle went and all of it came. */
const mostCells = 4_000_000

/**
 * The lines of both texts in one list: those that stay, those that go and those that come, as few as can be of the
 * latter two. What is alike at the beginning and at the end is not compared again, so an edit in a long text is cheap.
 */
export function diffLines(before: string, after: string): readonly SignedLine[] {
  const [a, b] = [linesOf(before), linesOf(after)]
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const kept = (lines: readonly string[]): SignedLine[] => lines.map((line) => ({ sign: ' ', line }))
  return [
    ...kept(a.slice(0, head)),
    ...diffMiddle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...kept(tail === 0 ? [] : a.slice(-tail)),
  ]
}

/** An empty text has no line. */
export const linesOf = (text: string): readonly string[] => (text === '' ? [] : text.split('\n'))

function diffMiddle(a: readonly string[], b: readonly string[]): SignedLine[] {
  const gone = (line: string): SignedLine => ({ sign: '-', line })
  const came = (line: string): SignedLine => ({ sign: '+', line })
  if (a.length * b.length > mostCells) return [...a.map(gone), ...b.map(came)]
  const common = commonLengths(a, b)
  const width = b.length + 1
  const lines: SignedLine[] = []
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ sign: ' ', line: a[i]! })
      i++
      j++
    } else if (common[(i + 1) * width + j]! >= common[i * width + j + 1]!) lines.push(gone(a[i++]!))
    else lines.push(came(b[j++]!))
  }
  return [...lines, ...a.slice(i).map(gone), ...b.slice(j).map(came)]
}

/** At `i * (b.length + 1) + j`: how many lines `a` from i and `b` from j have in common, in order. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint32Array {
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!)
    }
  }
  return lengths
}

/** A run of lines that stay and are far from any that does not. */
export interface Gap {
  readonly skipped: number
}

/** The lines that come and go with `context` lines around each; what is left out is told by its number. */
export function withContext(lines: readonly SignedLine[], context = 3): readonly (SignedLine | Gap)[] {
  const isNear = new Uint8Array(lines.length)
  for (const [i, { sign }] of lines.entries()) {
    if (sign !== ' ') isNear.fill(1, Math.max(0, i - context), i + context + 1)
  }
  const out: (SignedLine | Gap)[] = []
  let skipped = 0
  for (const [i, line] of lines.entries()) {
    if (isNear[i] === 0) {
      skipped++
      continue
    }
    if (skipped > 0) out.push({ skipped })
    skipped = 0
    out.push(line)
  }
  if (skipped > 0) out.push({ skipped })
  return out
}
