/** Came, went, or stayed. */
export type Sign = '+' | '-' | ' '

export interface SignedLine {
  readonly sign: Sign
  readonly line: string
}

/** Commands by what they are about: verb, service, source and destination; what goes before what comes. */
export function inPairs(added: readonly string[], removed: readonly string[]): readonly SignedLine[] {
  const signed: SignedLine[] = [
    ...removed.map((line) => ({ sign: '-' as const, line })),
    ...added.map((line) => ({ sign: '+' as const, line })),
  ]
  const keys = new Map(signed.map((each) => [each, each.line.split(/\s+/, 5).join(' ')]))
  return signed.sort((a, b) => {
    const [one, other] = [keys.get(a)!, keys.get(b)!]
    return one < other ? -1 : one > other ? 1 : 0
  })
}
