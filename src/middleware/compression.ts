import type { ReceivedFields } from '../http1/field-section.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { AnswerChange, ChooseChange, FieldChanges } from '../proxy/plan.ts'
import { type Coding, chooseCoding } from './accept-encoding.ts'
import { CompressingFilter } from './compressing-filter.ts'
import { type CompressionLevels, type CompressorKind, compressorKind } from './compressors.ts'

/** Plain data. */
export interface CompressionOptions {
  /** `proxy.gzip.contenttype`: a regular expression for the whole Content-Type, unanchored; empty: none. */
  readonly contentType: string
  /** `proxy.compress.encodings`, the most preferred first. */
  readonly codings: readonly Coding[]
  /** `proxy.compress.minsize`: octets; an answer that says that it has less goes on as it is. */
  readonly minSize: number
  readonly levels: CompressionLevels
  /** `proxy.compress.maxstreams`: answers that are compressed at a time, event streams half of it; more go on as they are. 0: no limit. */
  readonly maxStreams: number
}

/** What a route gets that says `compress=on` where the configuration names no types. */
export const usualTypes =
  '^(text/.*|application/(javascript|json|xml|wasm)|image/svg\\+xml|.*\\+(json|xml))(;.*)?$'

/** Makes, of content types, what is asked for each answer. */
export type CompileCompression = (contentType: string) => ChooseChange

/** Distinct values that are remembered before they are all forgotten. */
const mostRemembered = 1_000

/**
 * Compression of answers (RFC 9110 section 8.4, fabio reference 6.13 without what QUIRK-26 lists). One for all routes,
 * so that `maxStreams` bounds the memory of the process.
 */
export function compressionCompiler(options: CompressionOptions): CompileCompression {
  const kinds = new Map<Coding, CompressorKind>()
  for (const coding of options.codings) {
    const kind = compressorKind(coding, options.levels)
    if (kind !== null) kinds.set(coding, kind)
  }
  const offered = [...kinds.keys()]
  const codingFor = remembering((accepted) => chooseCoding(accepted, offered))
  const places = new Places(options.maxStreams)

  return (contentType) => {
    const types = typesRegExp(contentType)
    const isType = remembering((type) => type.length <= longestType && types.test(type))

    return (exchange, status, fields, length) => {
      const { method } = exchange
      // The client's copy may be the one whose ETag was weakened, and is told so that it finds it again.
      if (status === 304) return weakenedAsAsked(exchange, fields)
      if (!isCompressible(exchange, status, fields)) return null
      const type = fields.first('content-type')
      if (!isType(type)) return null
      if (length !== null && length < Math.max(1, options.minSize)) return null
      exchange.vary = exchange.vary === '' ? 'Accept-Encoding' : `${exchange.vary}, Accept-Encoding`
      const coding = codingFor(exchange.fields.all('accept-encoding').join(','))
      if (coding === null) return null
      // The length of what a GET would bring is not known before it was compressed (RFC 9110 section 8.6).
      if (method === 'HEAD') return { fields: weakened(fields, null), keepsLength: false, start: null }
      const isEndless = /^text\/event-stream/i.test(type)
      if (!places.isFree(isEndless)) return null
      const { create, flushKind } = kinds.get(coding)!
      return {
        fields: weakened(fields, coding),
        keepsLength: false,
        start: (out) => {
          const filter = new CompressingFilter(create(), flushKind, out, () => places.leave(isEndless))
          places.take(isEndless)
          return filter
        },
      }
    }
  }
}

/** Counts the answers that are compressed. Event streams stay for hours: they get half of the places. */
class Places {
  readonly #most: number
  #taken = 0
  #endless = 0

  /** @param most 0: no limit */
  constructor(most: number) {
    this.#most = most
  }

  isFree(isEndless: boolean): boolean {
    if (this.#most === 0) return true
    return this.#taken < this.#most && (!isEndless || this.#endless * 2 < this.#most)
  }

  take(isEndless: boolean): void {
    this.#taken++
    if (isEndless) this.#endless++
  }

  leave(isEndless: boolean): void {
    this.#taken--
    if (isEndless) this.#endless--
  }
}

/**
 * The expression as JavaScript has it. fabio's are RE2, where flags like `(?i)` may stand at the start.
 *
 * Throws a SyntaxError where there is no such expression.
 */
export function typesRegExp(source: string): RegExp {
  const [whole = '', flags = ''] = /^\(\?([ims]+)\)/.exec(source) ?? []
  return new RegExp(source.slice(whole.length), [...new Set(flags)].join(''))
}

/** Longer types are none that anybody compresses, and an expression may take long for them. */
const longestType = 256

function isCompressible(
  { client, fields: asked }: Exchange,
  status: number,
  fields: ReceivedFields,
): boolean {
  // A part of a whole (206) is a part of the octets as they are. Where the end of an answer is the end of the
  // connection, a cut one would look complete.
  if (status === 204 || status === 205 || status === 206 || client.httpVersion === '1.0') return false
  const coding = fields.first('content-encoding')
  if (coding !== '' && coding.toLowerCase() !== 'identity') return false
  return (
    fields.first('content-range') === '' &&
    // Sums of the octets as they are (RFC 9530, RFC 3230, RFC 1864).
    fields.first('content-digest') === '' &&
    fields.first('repr-digest') === '' &&
    fields.first('digest') === '' &&
    fields.first('content-md5') === '' &&
    !forbidsTransforming(fields) &&
    !forbidsTransforming(asked)
  )
}

/** RFC 9111 sections 5.2.1.6 and 5.2.2.6. */
const forbidsTransforming = (fields: ReceivedFields): boolean =>
  fields.all('cache-control').some((value) => /(?:^|[\s,])no-transform(?:$|[\s,])/i.test(value))

const encoded: ReadonlySet<string> = new Set(['content-encoding', 'accept-ranges'])
const encodedAndTagged: ReadonlySet<string> = new Set([...encoded, 'etag'])
const tagged: ReadonlySet<string> = new Set(['etag'])

/**
 * What the head of a compressed answer says: its octets are others than those that a strong ETag stands for (RFC 9110
 * section 8.8.3), and ranges of them cannot be asked for.
 *
 * @param coding null: the head alone, in answer to HEAD
 */
function weakened(fields: ReceivedFields, coding: Coding | null): FieldChanges {
  const tag = fields.first('etag')
  const isStrong = tag.startsWith('"')
  const lines = coding === null ? '' : `Content-Encoding: ${coding}\r\n`
  return isStrong
    ? { except: encodedAndTagged, lines: `${lines}ETag: W/${tag}\r\n` }
    : { except: encoded, lines }
}

/** A 304 whose ETag the client has asked about in its weak form. */
function weakenedAsAsked({ fields: asked }: Exchange, fields: ReceivedFields): AnswerChange | null {
  const tag = fields.first('etag')
  if (!tag.startsWith('"') || !asked.all('if-none-match').join(',').includes(`W/${tag}`)) return null
  return { fields: { except: tagged, lines: `ETag: W/${tag}\r\n` }, keepsLength: true, start: null }
}

/** Clients and instances say the same few things again and again. */
function remembering<T>(find: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const found = known.get(text)
    if (found !== undefined) return found
    const value = find(text)
    if (text.length > longestType) return value
    if (known.size >= mostRemembered) known.clear()
    known.set(text, value)
    return value
  }
}
