import { expected, quoted, ValueError } from './kind.ts'

interface Token {
  readonly kind: 'text' | ',' | ';' | '='
  readonly text: string
}

/**
 * A list of key/value maps (fabio reference 7.1 and 17.5): `,` between maps, `;` between pairs, `=` between key and
 * value. The first pair of a map may omit its key; the value is then under the empty key. Empty maps and pairs are
 * skipped, keys are trimmed, values keep further `=`. Text that begins with `"` or `'` is a string literal with Go's
 * escapes; unlike fabio's, the one in single quotes may have any length.
 *
 * Throws `ValueError`.
 */
export function parsePairs(source: string): Map<string, string>[] {
  const maps: Map<string, string>[] = []
  let map = new Map<string, string>()
  /** The first text of a pair: its key, or the value without one. Null before it. */
  let first: string | null = null
  /** Null until the `=` of the pair. */
  let value: string | null = null

  const endPair = (): void => {
    if (value !== null) map.set(first ?? '', value)
    else if (first !== null && first !== '') {
      if (map.size > 0) throw expected('key=value after ";"', first)
      map.set('', first)
    }
    first = null
    value = null
  }
  const endMap = (): void => {
    endPair()
    if (map.size > 0) maps.push(map)
    map = new Map()
  }

  for (const token of tokens(source)) {
    if (token.kind === ',') endMap()
    else if (token.kind === ';') endPair()
    else if (value !== null) value += token.text
    else if (token.kind === '=') {
      if (first === null) throw expected('a key before "="', source)
      value = ''
    } else if (first === null) first = token.text.trim()
    else throw expected('",", ";" or "=" after the closing quote', token.text)
  }
  endMap()
  return maps
}

function* tokens(source: string): Generator<Token> {
  for (let at = 0; at < source.length; ) {
    const char = source[at]!
    if (char === ',' || char === ';' || char === '=') {
      at++
      yield { kind: char, text: char }
    } else if (char === '"' || char === "'") {
      const end = closingQuote(source, at)
      yield { kind: 'text', text: unquote(source.slice(at + 1, end), char) }
      at = end + 1
    } else {
      const rest = source.slice(at)
      const length = rest.search(/[,;=]/)
      const text = length === -1 ? rest : rest.slice(0, length)
      yield { kind: 'text', text }
      at += text.length
    }
  }
}

function closingQuote(source: string, open: number): number {
  for (let at = open + 1; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === source[open]) return at
  }
  throw expected(`a closing ${source[open]}`, source.slice(open))
}

const simpleEscapes: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  '\\': 0x5c,
}

const goEscape =
  /\\(?:([abfnrtv\\'"])|([0-3][0-7]{2})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|.)/gs

/** The value of a Go string literal without its quotes. `\ooo` and `\xhh` are bytes of UTF-8, so all is bytes here. */
function unquote(body: string, quote: string): string {
  if (!body.includes('\\')) return body
  const parts: Buffer[] = []
  let last = 0
  for (const match of body.matchAll(goEscape)) {
    parts.push(Buffer.from(body.slice(last, match.index)), escaped(match, quote))
    last = match.index + match[0].length
  }
  parts.push(Buffer.from(body.slice(last)))
  return Buffer.concat(parts).toString()
}

function escaped([whole, simple, octal, hex, short, long]: RegExpMatchArray, quote: string): Buffer {
  if (simple !== undefined) {
    const code = simpleEscapes[simple] ?? (simple === quote ? quote.charCodeAt(0) : undefined)
    if (code !== undefined) return Buffer.of(code)
  }
  if (octal !== undefined) return Buffer.of(Number.parseInt(octal, 8))
  if (hex !== undefined) return Buffer.of(Number.parseInt(hex, 16))
  const point = Number.parseInt(short ?? long ?? '', 16)
  // A half of a surrogate pair is no character, as in Go.
  if (point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)) return Buffer.from(String.fromCodePoint(point))
  throw new ValueError(`expected an escape like \\n, \\" or \\u00e9, got ${quoted(whole)}`)
}
