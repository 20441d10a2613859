import { quoted } from './kind.ts'

/** One `key = value` of a properties file. */
export interface Property {
  readonly key: string
  readonly value: string
  /** Of its first line, counted from 1. */
  readonly line: number
}

export interface LineMistake {
  readonly line: number
  /** Without the place: `expected four hexadecimal digits after "\\u", got "12"`. */
  readonly text: string
}

export interface Properties {
  /** In the order of the file, repeated keys included. */
  readonly entries: readonly Property[]
  readonly mistakes: readonly LineMistake[]
}

/** Stands in the middle of a line for everything that has to leave its parsing. Never leaves this file. */
class Mistake extends Error {}

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t' || char === '\f'

const letterEscapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' }

/**
 * Reads the properties syntax (fabio reference 13.2). Never throws: a line that cannot be read is a mistake and costs
 * only itself. Unlike fabio, blanks at the end of a value are dropped unless escaped, and a backslash at the line end
 * also continues where lines end in CRLF.
 */
export function parseProperties(text: string): Properties {
  const entries: Property[] = []
  const mistakes: LineMistake[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    let whole = dropBlanks(lines[at]!)
    if (whole === '' || whole[0] === '#' || whole[0] === '!') continue
    while (endsInBackslash(whole) && at + 1 < lines.length) {
      at++
      whole = whole.slice(0, -1) + dropBlanks(lines[at]!)
    }
    try {
      entries.push({ ...parseLine(whole), line })
    } catch (error) {
      if (!(error instanceof Mistake)) throw error
      mistakes.push({ line, text: error.message })
    }
  }
  return { entries, mistakes }
}

const dropBlanks = (line: string): string => line.replace(/^[ \t\f]+/, '')

/** An even number of backslashes is so many escaped ones. */
const endsInBackslash = (line: string): boolean => /(?<!\\)(?:\\\\)*\\$/.test(line)

function parseLine(line: string): { key: string; value: string } {
  const [key, afterKey] = decode(line, 0, (char) => isBlank(char) || char === '=' || char === ':')
  if (afterKey === 0) throw new Mistake(`expected a key, got ${quoted(line)}`)
  let at = afterKey
  while (isBlank(line[at])) at++
  if (line[at] === '=' || line[at] === ':') at++
  while (isBlank(line[at])) at++
  const [value] = decode(line, at, () => false)
  return { key, value }
}

/** Decodes escapes from `from` to the first character that `ends` says yes to, and says where that is. */
function decode(line: string, from: number, ends: (char: string) => boolean): [text: string, end: number] {
  let text = ''
  /** Length of the text up to the last character that is not an unescaped blank. */
  let kept = 0
  let at = from
  while (at < line.length && !ends(line[at]!)) {
    const char = line[at]!
    if (char === '\\') {
      const [decoded, length] = decodeEscape(line, at)
      text += decoded
      at += length
      kept = text.length
    } else {
      text += char
      at++
      if (!isBlank(char)) kept = text.length
    }
  }
  return [text.slice(0, kept), at]
}

function decodeEscape(line: string, at: number): [text: string, length: number] {
  const char = line[at + 1]
  if (char === undefined)
    throw new Mistake('expected a line after the "\\" at the line end, got the end of the file')
  if (char !== 'u') return [letterEscapes[char] ?? char, 2]
  const digits = line.slice(at + 2, at + 6)
  if (!/^[\da-fA-F]{4}$/.test(digits)) {
    throw new Mistake(`expected four hexadecimal digits after "\\u", got ${quoted(digits)}`)
  }
  return [String.fromCharCode(Number.parseInt(digits, 16)), 6]
}

const escapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\\': '\\\\',
}

/** `key = value` as a line that reads back the same, without its line end. */
export function printProperty(key: string, value: string): string {
  const name = key.replace(/[\n\r\t\f\\]/g, (char) => escapes[char]!).replace(/[ =:]|^[#!]/g, '\\$&')
  const text = value.replace(/[\n\r\t\f\\]/g, (char) => escapes[char]!).replace(/^ | $/g, '\\ ')
  return text === '' ? `${name} =` : `${name} = ${text}`
}

const deepest = 64
/** Characters: enough for any route table, and an end to values that double themselves in each line. */
const longest = 1_048_576

/**
 * Replaces each `${name}` by the expanded value of that property, else by the environment variable of that exact name,
 * else by nothing (fabio reference 13.2). Of a repeated key the last one counts. Never throws: a value that cannot be
 * expanded is a mistake and left out.
 */
export function expandProperties(
  entries: readonly Property[],
  env: Readonly<Record<string, string | undefined>>,
): Properties {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]))
  const mistakes: LineMistake[] = []
  /** Null: cannot be expanded, which was told once, at the property whose fault it is. */
  const done = new Map<string, string | null>()

  function expand(entry: Property, above: readonly string[]): string | null {
    const known = done.get(entry.key)
    if (known !== undefined) return known
    const trail = [...above, entry.key]
    const value = substitute(entry, trail)
    done.set(entry.key, value)
    return value
  }

  function substitute(entry: Property, trail: readonly string[]): string | null {
    const wrong = (text: string): null => {
      mistakes.push({ line: entry.line, text: `${entry.key}: ${text}` })
      return null
    }
    let out = ''
    let rest = entry.value
    for (let open = rest.indexOf('${'); open !== -1; open = rest.indexOf('${')) {
      const close = rest.indexOf('}', open)
      if (close === -1) return wrong(`expected "}" after "\${", got ${quoted(rest.slice(open))}`)
      const name = rest.slice(open + 2, close)
      const other = byKey.get(name)
      const cycle = trail.indexOf(name)
      if (other !== undefined && cycle !== -1) {
        return wrong(`circular reference: ${[...trail.slice(cycle), name].join(' -> ')}`)
      }
      if (trail.length >= deepest)
        return wrong(`expected at most ${deepest} properties inside each other, got more`)
      const value =
        other === undefined ? (Object.hasOwn(env, name) ? env[name] : undefined) : expand(other, trail)
      if (value === null) return null
      out += rest.slice(0, open) + (value ?? '')
      rest = rest.slice(close + 1)
      if (out.length > longest) return wrong(`expected at most ${longest} characters, got more`)
    }
    return out + rest
  }

  const expanded: Property[] = []
  for (const entry of byKey.values()) {
    const value = expand(entry, [])
    if (value !== null) expanded.push({ ...entry, value })
  }
  return { entries: expanded, mistakes }
}
