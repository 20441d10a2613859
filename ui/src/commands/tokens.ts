/** What a part of a line is to the reader. */
export type TokenKind =
  | 'space'
  | 'comment'
  | 'keyword'
  | 'service'
  | 'source'
  | 'destination'
  | 'number'
  | 'string'
  | 'unknown'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
}

/** What follows each keyword of a clause. */
const clauses: Readonly<Record<string, TokenKind>> = { weight: 'number', tags: 'string', opts: 'string' }

/**
 * The parts of one line of route commands (fabio reference 2.2), for the eye: it colours what may still be unfinished,
 * and leaves judging to the gateway. Put together again they are the line.
 */
export function tokensOf(line: string): readonly Token[] {
  if (/^\s*(#|\/\/)/.test(line)) return [{ kind: 'comment', text: line }]
  const parts = line.match(/\s+|"(?:\\.|[^"\\])*"?|[^\s"]+/g) ?? []
  const words = parts.filter((part) => part.trim() !== '')
  const kinds = kindsOf(words)
  let word = 0
  return parts.map((text): Token => {
    return text.trim() === '' ? { kind: 'space', text } : { kind: kinds[word++]!, text }
  })
}

function kindsOf(words: readonly string[]): TokenKind[] {
  const [route, verb] = words
  if (route !== 'route') return words.map((): TokenKind => 'unknown')
  const kinds: TokenKind[] = ['keyword']
  if (verb === undefined) return kinds
  const places = placesOf(verb, words)
  if (places === null) return [...kinds, ...words.slice(1).map((): TokenKind => 'unknown')]
  kinds.push('keyword')
  let expected: TokenKind | null = null
  for (const word of words.slice(2)) {
    if (expected !== null) {
      kinds.push(expected)
      expected = null
    } else if (Object.hasOwn(clauses, word) && (places.length === 0 || verb !== 'add')) {
      // The places of an add come before its clauses, and a service may be called weight.
      kinds.push('keyword')
      expected = clauses[word]!
      places.length = 0
    } else kinds.push(places.shift() ?? 'unknown')
  }
  return kinds
}

/** What stands between the verb and the first clause; null: it is no verb. */
function placesOf(verb: string, words: readonly string[]): TokenKind[] | null {
  switch (verb) {
    case 'add':
    case 'del':
      return ['service', 'source', 'destination']
    case 'weight':
      // Without a service, `weight` is the word after the source.
      return words[3] === 'weight' ? ['source'] : ['service', 'source']
    default:
      return null
  }
}
