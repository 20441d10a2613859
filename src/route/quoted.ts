/**
 * Text in quotes as Go writes it, and so fabio (reference 1.1): `"` and `\` with a `\` before them, what cannot be
 * seen as an escape.
 */
export const writeQuoted = (text: string): string => `"${text.replace(unseen, escaped)}"`

/** All but letters, marks, numbers, punctuation, symbols and the space: what Go's strconv.Quote escapes. */
const unseen = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu

const short: Readonly<Record<string, string>> = {
  '\x07': 'a',
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '\v': 'v',
  '"': '"',
  '\\': '\\',
}

function escaped(char: string): string {
  const code = char.codePointAt(0)!
  const hex = code.toString(16)
  if (short[char] !== undefined) return `\\${short[char]}`
  if (code < 0x80) return `\\x${hex.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

/**
 * Reads text in quotes. fabio writes escapes and does not read them (QUIRK-03); here they are read, and a `\` that
 * begins none is text.
 *
 * @param at where the opening quote is
 * @returns the text and where the line goes on behind the closing quote; null: there is no closing quote
 */
export function readQuoted(line: string, at: number): { text: string; end: number } | null {
  let text = ''
  let from = at + 1
  const special = /["\\]/g
  for (special.lastIndex = from; ; ) {
    const found = special.exec(line)
    if (found === null) return null
    text += line.slice(from, found.index)
    if (found[0] === '"') return { text, end: found.index + 1 }
    const [char, end] = readEscape(line, found.index)
    text += char
    from = special.lastIndex = end
  }
}

const escapes =
  /\\(?:([abfnrtv"\\])|x([0-7][0-9a-fA-F])|u([0-9a-fA-F]{4})|U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}))/y

const byShort = new Map(Object.entries(short).map(([char, letter]) => [letter, char]))

/** The character of the escape at `at`, and where the text goes on; of none, the `\` itself. */
function readEscape(line: string, at: number): [char: string, end: number] {
  escapes.lastIndex = at
  const found = escapes.exec(line)
  if (found === null) return ['\\', at + 1]
  const [all, letter, ...codes] = found
  const code = codes.find((digits) => digits !== undefined)
  const char = letter === undefined ? String.fromCodePoint(Number.parseInt(code!, 16)) : byShort.get(letter)!
  return [char, at + all.length]
}
