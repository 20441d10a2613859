import { messageOf } from '../base/errors.ts'

/**
 * Globs of hosts and paths (fabio reference 3.4): `*` any sequence, `?` one character, `[a-z]` and `[!a-z]` one
 * character (not) of a set, `{a,b}` alternatives, which may nest, `\x` the character x. There are no separators:
 * `*` crosses `.` and `/`.
 *
 * Matched by hand and not by RegExp: the text comes from clients, the pattern from tags, and a backtracking engine
 * can be made to take seconds for `*a*a*a*a*b`. Here the cost is at most pattern length times text length.
 */
export type Glob = (text: string) => boolean

/** Alternatives multiply; a pattern that unfolds into more than this is refused. */
const maxAlternatives = 256

/** In UTF-16 units. Braces are read by recursion, and each request pays for the length. */
const maxLength = 4096

type Step = { kind: 'star' } | { kind: 'one'; matches(unit: number): boolean }

/** Compiles a pattern. Throws an Error that says what is wrong with it. */
export function compileGlob(pattern: string): Glob {
  if (pattern.length > maxLength) throw new Error(`more than ${maxLength} characters`)
  const compiled = unfold(pattern).map(compilePlain)
  if (compiled.length === 1) return (text) => run(compiled[0]!, text)
  return (text) => compiled.some((steps) => run(steps, text))
}

/** What is wrong with a pattern, or null. */
export function globMistake(pattern: string): string | null {
  try {
    compileGlob(pattern)
    return null
  } catch (error) {
    return messageOf(error)
  }
}

/** What every text that the pattern matches starts with: the pattern up to its first special character. */
export function globStart(pattern: string): string {
  const special = pattern.search(/[*?[{\\]/)
  return special === -1 ? pattern : pattern.slice(0, special)
}

/** Turns `a{b,c{d,e}}` into `ab`, `acd`, `ace`. Escapes and sets are copied as they are. */
function unfold(pattern: string): string[] {
  const open = findUnescaped(pattern, '{', 0)
  if (open === -1) {
    if (findUnescaped(pattern, '}', 0) !== -1) throw new Error('"}" without "{"')
    return [pattern]
  }
  const parts: string[] = []
  let depth = 0
  let from = open + 1
  let close = -1
  for (let at = open; at < pattern.length; at++) {
    const char = pattern[at]
    if (char === '\\') at++
    else if (char === '[') at = endOfSet(pattern, at)
    else if (char === '{') depth++
    else if (char === ',' && depth === 1) {
      parts.push(pattern.slice(from, at))
      from = at + 1
    } else if (char === '}' && --depth === 0) {
      parts.push(pattern.slice(from, at))
      close = at
      break
    }
  }
  if (close === -1) throw new Error('"{" without "}"')
  const head = pattern.slice(0, open)
  const tails = unfold(pattern.slice(close + 1))
  const unfolded: string[] = []
  for (const part of parts) {
    for (const middle of unfold(part)) {
      for (const tail of tails) {
        unfolded.push(head + middle + tail)
        if (unfolded.length > maxAlternatives) throw new Error(`more than ${maxAlternatives} alternatives`)
      }
    }
  }
  return unfolded
}

function findUnescaped(pattern: string, wanted: string, from: number): number {
  for (let at = from; at < pattern.length; at++) {
    const char = pattern[at]
    if (char === wanted) return at
    if (char === '\\') at++
    else if (char === '[') at = endOfSet(pattern, at)
  }
  return -1
}

/** The position of the `]` that ends the set opened at `open`. */
function endOfSet(pattern: string, open: number): number {
  for (let at = open + 1; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++
    else if (pattern[at] === ']') return at
  }
  throw new Error('"[" without "]"')
}

function compilePlain(pattern: string): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]!
    if (char === '*') {
      if (steps.at(-1)?.kind !== 'star') steps.push({ kind: 'star' })
    } else if (char === '?') {
      steps.push({ kind: 'one', matches: () => true })
    } else if (char === '[') {
      const end = endOfSet(pattern, at)
      steps.push({ kind: 'one', matches: compileSet(pattern.slice(at + 1, end)) })
      at = end
    } else {
      if (char === '\\' && ++at === pattern.length) throw new Error('"\\" at the end')
      const unit = pattern.charCodeAt(at)
      steps.push({ kind: 'one', matches: (other) => other === unit })
    }
  }
  return steps
}

function compileSet(inner: string): (unit: number) => boolean {
  const negated = inner.startsWith('!')
  const ranges: [from: number, to: number][] = []
  const units: { unit: number; escaped: boolean }[] = []
  for (let at = negated ? 1 : 0; at < inner.length; at++) {
    const escaped = inner[at] === '\\'
    if (escaped) at++
    units.push({ unit: inner.charCodeAt(at), escaped })
  }
  if (units.length === 0) throw new Error('empty set "[]"')
  const dash = '-'.charCodeAt(0)
  for (let i = 0; i < units.length; i++) {
    const from = units[i]!.unit
    const next = units[i + 1]
    const last = units[i + 2]
    if (next !== undefined && last !== undefined && next.unit === dash && !next.escaped) {
      if (last.unit < from) throw new Error(`range "${inner}" runs backwards`)
      ranges.push([from, last.unit])
      i += 2
    } else ranges.push([from, from])
  }
  return (unit) => ranges.some(([from, to]) => unit >= from && unit <= to) !== negated
}

/** Greedy from the last star on: a later star makes every earlier choice final, so there is no deep backtracking. */
function run(steps: readonly Step[], text: string): boolean {
  let step = 0
  let at = 0
  let star = -1
  let resumeAt = 0
  while (at < text.length) {
    const current = steps[step]
    if (current?.kind === 'star') {
      star = step++
      resumeAt = at
    } else if (current?.matches(text.charCodeAt(at))) {
      step++
      at++
    } else if (star !== -1) {
      step = star + 1
      at = ++resumeAt
    } else return false
  }
  while (steps[step]?.kind === 'star') step++
  return step === steps.length
}
