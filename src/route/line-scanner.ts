import { quote } from './mistake.ts'
import { readQuoted } from './quoted.ts'

/** Reads a line word by word, and text in quotes where a clause has such. */
export class LineScanner {
  readonly #line: string
  #at = 0

  constructor(line: string) {
    this.#line = line
    this.#skipSpace()
  }

  get isAtEnd(): boolean {
    return this.#at === this.#line.length
  }

  /** The next words, fewer where the line ends, without going on. */
  peek(count: number): string[] {
    const from = this.#at
    const words: string[] = []
    while (words.length < count) {
      const word = this.word()
      if (word === null) break
      words.push(word)
    }
    this.#at = from
    return words
  }

  skip(words: number): void {
    for (let i = 0; i < words; i++) this.word()
  }

  /** The next run of anything but white space; null at the end. */
  word(): string | null {
    if (this.isAtEnd) return null
    const from = this.#at
    space.lastIndex = from
    this.#at = space.exec(this.#line)?.index ?? this.#line.length
    const word = this.#line.slice(from, this.#at)
    this.#skipSpace()
    return word
  }

  /** Goes on behind the word if it is the next one. */
  keyword(word: string): boolean {
    if (this.peek(1)[0] !== word) return false
    this.skip(1)
    return true
  }

  /** Whether the next word is this one and text in quotes follows. */
  isAtClause(word: string): boolean {
    const [next, after] = this.peek(2)
    return next === word && after?.startsWith('"') === true
  }

  /** The next text in quotes; null where there is none that ends with a word. Then nothing is skipped. */
  quoted(): string | null {
    const found = this.#line[this.#at] === '"' ? readQuoted(this.#line, this.#at) : null
    if (found === null) return null
    const next = this.#line[found.end]
    if (next !== undefined && !/\s/u.test(next)) return null
    this.#at = found.end
    this.#skipSpace()
    return found.text
  }

  /** The next word, for people. */
  found(): string {
    const [next] = this.peek(1)
    return next === undefined ? 'the end of the line' : quote(next)
  }

  #skipSpace(): void {
    notSpace.lastIndex = this.#at
    this.#at = notSpace.exec(this.#line)?.index ?? this.#line.length
  }
}

const space = /\s/gu
const notSpace = /\S/gu
