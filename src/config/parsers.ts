import { type AddressBlock, parseAddressBlock } from '../base/address-set.ts'
import { durationMs, longestTimerMs } from '../base/duration.ts'
import { connectionFields, isFieldName } from '../base/field-syntax.ts'
import { parseRate, type Rate } from '../base/rate.ts'
import { expected, type Kind, orList, ValueError } from './kind.ts'
import { parsePairs } from './pairs.ts'

/** Any text, line breaks included. */
export const text: Kind<string> = { type: 'text', parse: (value) => value }

/**
 * Text that fits on one line. Values of this kind reach header fields and log lines, where a line break would begin
 * something else. The error does not repeat the text: it may be a token.
 */
export const line: Kind<string> = {
  type: 'text',
  parse(value) {
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at)
      if (code < 0x20 || code === 0x7f) {
        const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
        throw new ValueError(`expected text without control characters, got ${name} at position ${at + 1}`)
      }
    }
    return value
  },
}

/**
 * A regular expression, as it is written. fabio's are RE2, where flags like `(?i)` may stand at the start; the few things
 * that JavaScript does not know (`\\z`, `[[:alpha:]]`) are mistakes here.
 */
export const regularExpression: Kind<string> = {
  type: 'regular expression',
  parse(value, context) {
    const source = line.parse(value, context)
    if (/\[\[:|\\[AzQEpPC]/.test(source))
      throw expected('an expression without \\A, \\z, \\Q, \\p or [[:class:]]', value)
    try {
      new RegExp(source.replace(/^\(\?[ims]+\)/, ''))
    } catch {
      throw expected('a regular expression like ^text/', value)
    }
    return source
  },
}

/** A path of this gateway's own. */
export const absolutePath: Kind<string> = {
  type: 'path',
  parse(value, context) {
    if (!line.parse(value, context).startsWith('/')) throw expected('a path that begins with "/"', value)
    return value
  },
}

/** Limits with blanks between them. */
export const rates: Kind<readonly Rate[]> = {
  type: 'list of limits',
  parse: (value) =>
    value
      .split(/\s+/)
      .filter((item) => item !== '')
      .map((item) => {
        const rate = parseRate(item)
        if (rate === null) throw expected('limits like 100/m or 10/s,burst=50,per=client', item)
        return rate
      }),
}

/** A whole number as Go's flags read it (base 0): decimal, `0x1f`, `0b11`, `0o17` or `017`, `_` between digits. */
function wholeNumber(value: string): number | null {
  const match = /^([+-]?)(0x(?:_?[\da-f])+|0b(?:_?[01])+|0o?(?:_?[0-7])+|0|[1-9](?:_?\d)*)$/i.exec(value)
  if (match === null) return null
  const digits = match[2]!.replaceAll('_', '')
  const number = Number(/^0\d/.test(digits) ? `0o${digits}` : digits)
  return match[1] === '-' ? 0 - number : number
}

export interface Range {
  readonly min?: number
  readonly max?: number
}

function inWords(what: string, { min, max }: Range): string {
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`
  if (min !== undefined) return `${what} of at least ${min}`
  return max === undefined ? what : `${what} of at most ${max}`
}

export function int(range: Range = {}): Kind<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range
  return {
    type: inWords('int', range),
    parse(value) {
      const number = wholeNumber(value)
      if (number === null || number < min || number > max) {
        throw expected(inWords('a whole number', range), value)
      }
      return number
    },
  }
}

/** As Go's ParseUint: no sign, not even `+`. */
export const uint: Kind<number> = {
  type: 'uint',
  parse(value) {
    const number = /^[+-]/.test(value) ? null : wholeNumber(value)
    if (number === null || !Number.isSafeInteger(number)) {
      throw expected('a whole number of at least 0 without a sign', value)
    }
    return number
  },
}

const boolWords: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false] as const),
])

/** The words of Go's ParseBool; null for any other. */
export function boolOf(value: string): boolean | null {
  return boolWords.get(value) ?? null
}

export const bool: Kind<boolean> = {
  type: 'bool',
  parse(value) {
    const found = boolOf(value)
    if (found === null) throw expected('true or false', value)
    return found
  },
}

/** A Go duration in ms: see `durationMs`. */
export function parseDuration(value: string): number {
  const ms = durationMs(value)
  if (ms === null) throw expected('a duration like 500ms or 30s', value)
  return ms
}

const asTimer = (ms: number): number => Math.min(ms, longestTimerMs)

/** A duration in ms, fit for a timer. A negative one is kept: it means something of its own. */
export const signedDuration: Kind<number> = {
  type: 'duration',
  parse: (value) => asTimer(parseDuration(value)),
}

/** A duration in ms, fit for a timer, of at least `least`. */
export function duration(least = '0s'): Kind<number> {
  const leastMs = parseDuration(least)
  return {
    type: leastMs === 0 ? 'duration' : `duration of at least ${least}`,
    parse(value) {
      const ms = parseDuration(value)
      if (ms < leastMs) throw expected(`a duration of at least ${least}`, value)
      return asTimer(ms)
    },
  }
}

/** A time limit in ms, fit for a timer. 0 and below mean no limit, as in Go's HTTP library, and are 0 here. */
export const timeout: Kind<number> = {
  type: 'duration',
  parse: (value) => Math.max(0, asTimer(parseDuration(value))),
}

/** Comma separated, trimmed, empty items dropped. */
function items(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

export const list: Kind<readonly string[]> = {
  type: 'list',
  parse: (value, context) => items(line.parse(value, context)),
}

/** Addresses and blocks of addresses in CIDR notation. */
export const addressBlocks: Kind<readonly AddressBlock[]> = {
  type: 'list of addresses and CIDR blocks',
  parse: (value) =>
    items(value).map((item) => {
      const block = parseAddressBlock(item)
      if (block === null) throw expected('an address or a block like 10.0.0.0/8 or 2001:db8::/32', item)
      return block
    }),
}

/** A list with at least one item, each of `kind`. */
export function listOf<T>(kind: Kind<T>): Kind<readonly T[]> {
  return {
    type: `list, each ${kind.type}`,
    parse(value, context) {
      const found = items(value)
      if (found.length === 0) throw expected('at least one item', value)
      return found.map((item) => kind.parse(item, context))
    },
  }
}

export const floats: Kind<readonly number[]> = {
  type: 'list of numbers',
  parse: (value) =>
    items(value).map((item) => {
      const number = Number(item)
      const plain = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(item)
      if (!plain || !Number.isFinite(number)) throw expected('numbers like .005,.01,2.5', item)
      return number
    }),
}

/** A number from 0 to 1. */
export const ratio: Kind<number> = {
  type: 'number from 0 to 1',
  parse(value) {
    const number = /^(?:\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= 0 && number <= 1)) throw expected('a number from 0 to 1', value)
    return number
  },
}

/** An http or https URL, or empty for none. */
export const httpUrl: Kind<string> = {
  type: 'URL',
  parse(value, context) {
    const text = line.parse(value, context)
    if (text === '' || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))) return text
    throw expected('a URL that begins with http:// or https://', text)
  },
}

/** One of the words in `has`. */
export function choice<const T extends string>(has: readonly T[]): Kind<T> {
  const words = has.map((word) => (word === '' ? 'nothing' : word))
  return {
    type: words.length === 1 ? `only ${words[0]}` : `one of ${words.join(', ')}`,
    parse(value) {
      const found = has.find((word) => word === value)
      if (found === undefined) throw expected(orList(words), value)
      return found
    },
  }
}

/** Like `choice`, whatever the case of the letters. */
export function anyCase<const T extends string>(has: readonly T[]): Kind<T> {
  return {
    type: `one of ${has.join(', ')}`,
    parse(value) {
      const found = has.find((word) => word.toLowerCase() === value.toLowerCase())
      if (found === undefined) throw expected(orList(has), value)
      return found
    },
  }
}

/** Name of a header field (a token, RFC 9110 section 5.6.2), or empty for none. */
export const headerName: Kind<string> = {
  type: 'header name',
  parse(value) {
    if (value === '') return value
    if (!isFieldName(value)) {
      throw expected('the name of a header field like X-Client-IP', value)
    }
    if (connectionFields.has(value.toLowerCase())) {
      throw expected('a header field that does not belong to the connection itself', value)
    }
    return value
  },
}

/**
 * A path below which something is served, without a `/` at its end; empty: the root. In characters that mean nothing to
 * a router or in a URL.
 */
export const basePath: Kind<string> = {
  type: 'path',
  parse(value) {
    const path = value.replace(/\/+$/, '')
    const isPath = /^(?:\/[\w.~-]+)*$/.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path)
    if (!isPath) throw expected('a path like /fabio', value)
    return path
  },
}

/** Files by the status of the answers that they are for, `404`, or by its class, `5xx`. */
export const pagesByStatus: Kind<Readonly<Record<string, string>>> = {
  type: 'list of status=file',
  parse(value) {
    const pages = new Map<string, string>()
    for (const [status, file] of parsePairs(value).flatMap((map) => [...map])) {
      if (!/^[2-9](?:\d\d|xx)$/.test(status) || file === '')
        throw expected('items like 502=/path/502.html or 5xx=/path/error.html', `${status}=${file}`)
      if (pages.has(status)) throw expected('each status once', `${status}=${file}`)
      pages.set(status, file)
    }
    return Object.fromEntries(pages)
  },
}

/** A path of Consul's KV store with at least one name: of the store as a whole every key would be part. */
export const kvPath: Kind<string> = {
  type: 'path',
  parse(value, context) {
    if (/^\/*$/.test(value)) throw expected('a path like /fabio/config', value)
    return line.parse(value, context)
  },
}

/** The generic list of key/value maps (fabio reference 7.1). */
export const pairs: Kind<readonly Readonly<Record<string, string>>[]> = {
  type: 'key=value list',
  parse: (value) => parsePairs(value).map((map) => Object.fromEntries(map)),
}
