import { plainName, trimBlanks } from '../base/field-syntax.ts'
import { fieldId, hopByHop, idOfName, knownName, tokenOctets } from './field-names.ts'

/** Name, value, name, value… in latin1, where two lines of one name stay two (RFC 9110 section 5.3). */
export type FieldList = readonly string[]

/** The fields of a message as they were received. Names are asked for in lower case. */
export interface ReceivedFields {
  /** The value of the first line of a field, or empty. */
  first(lowerName: string): string
  /** All values of a field, in their order. */
  all(lowerName: string): string[]
  list(): FieldList
  /** Whether one of these known names is there: `fieldId`, `maskOf`. */
  hasAny(mask: number): boolean
  endToEnd(skip: number, except: ReadonlySet<string> | null, keep: ReadonlySet<string>): string
  lookalikes(names: ReadonlySet<string>, prefix: string | null): Set<string> | null
  /** Whether one of these names without a number is there. */
  hasNamed(names: FieldNames): boolean
}

/** Names in lower case without a number, all of them beginning with a letter. */
export class FieldNames {
  readonly names: ReadonlySet<string>
  /** A bit for each letter that one begins with: most fields begin with another, and need not be spelled. */
  readonly letters: number

  constructor(names: Iterable<string>) {
    this.names = new Set(names)
    this.letters = [...this.names].reduce((bits, name) => bits | (1 << (name.charCodeAt(0) & 31)), 0)
  }
}

/** What a scan found. Offsets of what was read are positive, so none of these can be one. */
export const incomplete = 0
export const malformed = -1
export const tooMany = -2

const cr = 0x0d
const lf = 0x0a
const colon = 0x3a
const space = 0x20
const tab = 0x09
const del = 0x7f

/** Numbers kept of each field: id, start and end of the name, start and end of the value. */
const perField = 5

/**
 * The fields of one message: its text, and where in it each name and value stand. Nothing is cut out of the text before
 * somebody asks for it; most fields only ever go on to the other side, many in one piece.
 *
 * One object serves one connection, message after message.
 */
export class FieldSection implements ReceivedFields {
  /** The head in latin1. */
  text = ''
  count = 0
  /** Bit n: a field with the known name n is there. */
  seen = 0
  /** Where the empty line starts. */
  #end = 0
  readonly #marks: number[] = []
  #list: string[] | null = null

  /**
   * HOT: once for each head. Reads field lines up to the empty line (RFC 9112 section 5), strictly: CRLF alone ends a
   * line, no space before the colon, no folding, no control octets.
   *
   * @param base where the text begins in `octets`; the text itself is set by the caller
   * @returns the offset behind the empty line, or `incomplete`, `malformed`, `tooMany`
   */
  read(octets: Uint8Array, from: number, end: number, base: number, maxFields: number): number {
    this.#list = null
    const marks = this.#marks
    // Tables and loops as locals, and comparisons where a table would be looked up: it is what half of a head costs.
    const tokens = tokenOctets
    let at = from
    let mark = 0
    let count = 0
    let seen = 0
    for (;;) {
      const start = at
      let sum = 0
      let lower = 0
      for (; at < end; at++) {
        lower = tokens[octets[at]!]!
        if (lower === 0) break
        sum = (Math.imul(sum, 31) + lower) | 0
      }
      if (at >= end) return incomplete
      const octet = octets[at]!
      if (at === start) {
        if (octet !== cr) return malformed
        if (at + 1 >= end) return incomplete
        if (octets[at + 1] !== lf) return malformed
        this.count = count
        this.seen = seen
        this.#end = start - base
        return at + 2
      }
      if (octet !== colon) return malformed
      if (count >= maxFields) return tooMany
      const nameEnd = at
      at++
      while (at < end && (octets[at] === space || octets[at] === tab)) at++
      const valueStart = at
      // HTAB, SP, VCHAR and obs-text (RFC 9110 section 5.5).
      for (; at < end; at++) {
        const each = octets[at]!
        if ((each < space && each !== tab) || each === del) break
      }
      if (at + 1 >= end) return at < end && octets[at] !== cr ? malformed : incomplete
      if (octets[at] !== cr || octets[at + 1] !== lf) return malformed
      let valueEnd = at
      while (valueEnd > valueStart && (octets[valueEnd - 1] === space || octets[valueEnd - 1] === tab))
        valueEnd--
      at += 2
      const id = knownName(octets, start, nameEnd, sum)
      if (id !== 0) seen |= 1 << id
      marks[mark] = id
      marks[mark + 1] = start - base
      marks[mark + 2] = nameEnd - base
      marks[mark + 3] = valueStart - base
      marks[mark + 4] = valueEnd - base
      mark += perField
      count++
    }
  }

  name(index: number): string {
    const mark = index * perField
    return this.text.slice(this.#marks[mark + 1], this.#marks[mark + 2])
  }

  value(index: number): string {
    const mark = index * perField
    return this.text.slice(this.#marks[mark + 3], this.#marks[mark + 4])
  }

  has(id: number): boolean {
    return ((this.seen >>> id) & 1) === 1
  }

  hasAny(mask: number): boolean {
    return (this.seen & mask) !== 0
  }

  /** The value of the first field with this known name, or empty. */
  known(id: number): string {
    if (((this.seen >>> id) & 1) === 0) return ''
    const marks = this.#marks
    const end = this.count * perField
    for (let mark = 0; mark < end; mark += perField) {
      if (marks[mark] === id) return this.text.slice(marks[mark + 3], marks[mark + 4])
    }
    return ''
  }

  /**
   * Whether a tab stands behind the value of the first field with this known name. It is white space like another, and
   * there are readers that take a length with it for none.
   */
  endsInTab(id: number): boolean {
    const marks = this.#marks
    for (let index = 0, mark = 0; index < this.count; index++, mark += perField) {
      if (marks[mark] !== id) continue
      const next = index + 1 < this.count ? marks[mark + perField + 1]! : this.#end
      return next - 2 !== marks[mark + 4] && this.text.slice(marks[mark + 4], next).includes('\t')
    }
    return false
  }

  /** Puts a value of the same length in the place of that of the first field with this known name. */
  overwrite(id: number, value: string): void {
    const mark = this.#marks.findIndex((mark, i) => i % perField === 0 && mark === id)
    if (mark === -1 || this.#marks[mark + 4]! - this.#marks[mark + 3]! !== value.length) {
      throw new RangeError(`expected a field with a value of ${value.length} characters`)
    }
    this.text = this.text.slice(0, this.#marks[mark + 3]) + value + this.text.slice(this.#marks[mark + 4])
    this.#list = null
  }

  /** How many lines have this known name. */
  countOf(id: number): number {
    if (((this.seen >>> id) & 1) === 0) return 0
    let found = 0
    for (let index = 0; index < this.count; index++) if (this.#marks[index * perField] === id) found++
    return found
  }

  first(lowerName: string): string {
    const id = idOfName(lowerName)
    if (id !== 0) return this.known(id)
    for (let index = 0; index < this.count; index++)
      if (this.#isNamed(index, lowerName)) return this.value(index)
    return ''
  }

  all(lowerName: string): string[] {
    const values: string[] = []
    const id = idOfName(lowerName)
    if (id !== 0 && !this.has(id)) return values
    for (let index = 0; index < this.count; index++) {
      if (this.#isNamed(index, lowerName)) values.push(this.value(index))
    }
    return values
  }

  #isNamed(index: number, lowerName: string): boolean {
    const mark = index * perField
    const start = this.#marks[mark + 1]!
    if (this.#marks[mark + 2]! - start !== lowerName.length) return false
    // Of two names as long as each other most begin with different letters; no other octet is one of them in these bits.
    const first = lowerName.charCodeAt(0)
    const isLetter = first >= 0x61 && first <= 0x7a
    if (isLetter && (this.text.charCodeAt(start) | 0x20) !== first) return false
    return this.name(index).toLowerCase() === lowerName
  }

  hasNamed({ names, letters }: FieldNames): boolean {
    const marks = this.#marks
    const end = this.count * perField
    for (let mark = 0, index = 0; mark < end; mark += perField, index++) {
      if (marks[mark] !== 0 || ((letters >>> (this.text.charCodeAt(marks[mark + 1]!) & 31)) & 1) === 0)
        continue
      if (names.has(this.name(index).toLowerCase())) return true
    }
    return false
  }

  list(): FieldList {
    if (this.#list !== null) return this.#list
    const list: string[] = []
    for (let index = 0; index < this.count; index++) list.push(this.name(index), this.value(index))
    this.#list = list
    return list
  }

  /**
   * HOT: once for each head. The lines `Name: value` CRLF of the fields that go on. A line that came in just this form
   * is taken as it stands, and lines that follow each other in one piece: every octet of them was checked by `read`,
   * so it is what writing them anew would give.
   *
   * @param skip set of known names that stay behind
   * @param except more names that stay behind, in lower case
   */
  lines(skip: number, except: ReadonlySet<string> | null): string {
    const { text, count } = this
    const marks = this.#marks
    let lines = ''
    let runStart = -1
    for (let index = 0, mark = 0; index < count; index++, mark += perField) {
      const start = marks[mark + 1]!
      const isSkipped = ((skip >>> marks[mark]!) & 1) === 1 || except?.has(this.name(index).toLowerCase())
      const nameEnd = marks[mark + 2]!
      const valueEnd = marks[mark + 4]!
      const next = index + 1 < count ? marks[mark + perField + 1]! : this.#end
      const isPlain =
        marks[mark + 3] === nameEnd + 2 && next === valueEnd + 2 && text.charCodeAt(nameEnd + 1) === space
      if (!isSkipped && isPlain) {
        if (runStart === -1) runStart = start
        continue
      }
      if (runStart !== -1) {
        lines += text.slice(runStart, start)
        runStart = -1
      }
      if (!isSkipped) lines += `${text.slice(start, nameEnd)}: ${text.slice(marks[mark + 3], valueEnd)}\r\n`
    }
    return runStart === -1 ? lines : lines + text.slice(runStart, this.#end)
  }

  /**
   * The lines of the fields that go on to the next hop: not the hop-by-hop ones, not those that Connection nominates
   * (RFC 9110 section 7.6.1), not those in `skip` and `except`.
   *
   * @param keep names in lower case that a nomination cannot remove: what the gateway itself relies on or sets
   */
  endToEnd(skip: number, except: ReadonlySet<string> | null, keep: ReadonlySet<string>): string {
    const all = skip | hopByHop
    if (!this.has(fieldId.connection)) return this.lines(all, except)
    const nominated = this.nominated(keep)
    if (nominated === null) return this.lines(all, except)
    if (except !== null) for (const name of except) nominated.add(name)
    return this.lines(all, nominated)
  }

  /**
   * Names without a number, in lower case, that begin like `prefix`, or that are one of `names` to a reader who makes
   * variables of them: `_` and `-` are the same then (RFC 3875 section 4.1.18), `.` is to PHP, and to some CGI servers
   * all that is no letter and no digit.
   *
   * @param names with `-` alone between letters and digits
   * @param prefix with a `-` at its end; null: none
   */
  lookalikes(names: ReadonlySet<string>, prefix: string | null): Set<string> | null {
    const marks = this.#marks
    let found: Set<string> | null = null
    for (let index = 0, mark = 0; index < this.count; index++, mark += perField) {
      if (marks[mark] !== 0) continue
      const name = this.name(index)
      // Most names begin with another letter, and have nothing odd in them.
      const isOdd = /[^\w-]|_/.test(name)
      const isLike = prefix !== null && (name.charCodeAt(0) | 0x20) === prefix.charCodeAt(0)
      if (!isOdd && !isLike) continue
      const lower = name.toLowerCase()
      const plain = isOdd ? plainName(lower) : lower
      if (!(isLike && plain.startsWith(prefix)) && !(isOdd && names.has(plain))) continue
      found ??= new Set()
      found.add(lower)
    }
    return found
  }

  /** Names in lower case that Connection nominates, beside those that are options of the connection itself. */
  nominated(keep: ReadonlySet<string>): Set<string> | null {
    let names: Set<string> | null = null
    for (let index = 0; index < this.count; index++) {
      if (this.#marks[index * perField] !== fieldId.connection) continue
      const value = this.value(index)
      if (value === 'keep-alive' || value === 'close' || value === 'Keep-Alive') continue
      for (const name of optionsOf(value)) {
        if (name === '' || name === 'close' || keep.has(name) || ((hopByHop >>> idOfName(name)) & 1) === 1)
          continue
        names ??= new Set()
        names.add(name)
      }
    }
    return names
  }

  /** Whether a Connection field has this option, in lower case. */
  hasOption(option: string): boolean {
    if (!this.has(fieldId.connection)) return false
    return this.all('connection').some((value) => value === option || optionsOf(value).includes(option))
  }
}

/**
 * The members of a list in lower case (RFC 9110 section 5.6.1). Only space and tab are white space around them: what
 * `trim` cuts off as well, like an octet 0xa0, belongs to a member, and makes it another one for everybody else.
 */
const optionsOf = (value: string): string[] => value.toLowerCase().split(',').map(trimBlanks)

/** A section of fields that did not come over a connection of ours. Throws where they could not have. */
export function sectionOf(list: FieldList): FieldSection {
  let text = ''
  for (let i = 0; i < list.length; i += 2) text += `${list[i]}: ${list[i + 1]}\r\n`
  const octets = Buffer.from(`${text}\r\n`, 'latin1')
  const section = new FieldSection()
  if (section.read(octets, 0, octets.length, 0, Number.POSITIVE_INFINITY) !== octets.length) {
    throw new TypeError('expected fields that can stand in a head')
  }
  section.text = text
  return section
}

/** Field lines as `lines` and `endToEnd` give them, back as a list. */
export function listOfLines(lines: string): FieldList {
  const list: string[] = []
  for (const line of lines.split('\r\n')) {
    if (line === '') continue
    const end = line.indexOf(':')
    list.push(line.slice(0, end), line.slice(end + 2))
  }
  return list
}
