import { maskOf } from './field-names.ts'
import { FieldSection, incomplete, malformed } from './field-section.ts'
import { latin1 } from './latin1.ts'
import { chunked, untilClose } from './request-head.ts'

/** Takes the octets of a body as they are found. */
export interface BodyOut {
  data(chunk: Buffer): void
}

/** Octets of a chunk line behind the size: extensions are dropped, and nobody needs long ones. */
const maxExtension = 4096
/** RFC 9112 section 7.1.1, without the space around `;` and `=` that it calls bad. */
const extensionForm =
  /^(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)*$/
/** Trailer section: octets and lines. */
const maxTrailerSize = 16 * 1024
const maxTrailers = 100

/** What the next octet belongs to. */
const phase = { size: 0, extension: 1, sizeEnd: 2, data: 3, dataEnd: 4, dataEndLf: 5, trailers: 6 } as const

/** What says how a message is to be read. In a trailer it would come too late for some readers and not for others. */
const headFields = maskOf('connection', 'contentLength', 'host', 'te', 'transferEncoding', 'upgrade')

const cr = 0x0d
const lf = 0x0a

const hexDigits: Int8Array = (() => {
  const table = new Int8Array(256).fill(-1)
  for (const [value, char] of [...'0123456789abcdef'].entries()) {
    table[char.charCodeAt(0)] = value
    table[char.toUpperCase().charCodeAt(0)] = value
  }
  return table
})()

/** Finds the octets of a message's body, however it is framed (RFC 9112 sections 6 and 7). */
export class BodyReader {
  /** The body has ended. */
  done = true
  /** Why it cannot be read on; empty: it can. */
  fault = ''
  /** Of the trailer section; null: none came. */
  trailers: FieldSection | null = null
  #length = 0
  #remaining = 0
  #phase: number = phase.size
  #digits = 0
  #extension = ''
  #trailerOctets: Buffer | null = null

  /** @param length octets, `chunked` or `untilClose` */
  start(length: number): void {
    this.done = length === 0
    this.fault = ''
    this.trailers = null
    this.#length = length
    this.#remaining = length > 0 ? length : 0
    this.#phase = phase.size
    this.#digits = 0
    this.#extension = ''
    this.#trailerOctets = null
  }

  /** Reads up to the end of the body or of the octets; returns the offset behind what was read. */
  read(octets: Buffer, from: number, end: number, out: BodyOut): number {
    if (this.#length === chunked) return this.#readChunked(octets, from, end, out)
    if (this.#length === untilClose) {
      if (end > from) out.data(octets.subarray(from, end))
      return end
    }
    const size = Math.min(this.#remaining, end - from)
    this.#remaining -= size
    this.done = this.#remaining === 0
    if (size > 0) out.data(octets.subarray(from, from + size))
    return from + size
  }

  /** The connection ended: true when that ends the body too. */
  closed(): boolean {
    if (this.#length === untilClose) this.done = true
    return this.done
  }

  #fail(fault: string, at: number): number {
    this.fault = fault
    return at
  }

  #readChunked(octets: Buffer, from: number, end: number, out: BodyOut): number {
    let at = from
    while (at < end) {
      const octet = octets[at]!
      switch (this.#phase) {
        case phase.size: {
          const digit = hexDigits[octet]!
          if (digit !== -1) {
            this.#remaining = this.#remaining * 16 + digit
            if (this.#remaining > Number.MAX_SAFE_INTEGER)
              return this.#fail('a chunk size beyond all bounds', at)
            // Zeros in front do not make it grow.
            if (++this.#digits > 32) return this.#fail('a chunk size of too many digits', at)
            at++
          } else if (this.#digits === 0) return this.#fail('a chunk without a size', at)
          else if (octet === cr) {
            this.#phase = phase.sizeEnd
            at++
          } else if (octet === 0x3b) {
            this.#extension = ';'
            this.#phase = phase.extension
            at++
          } else return this.#fail('a chunk size that is none', at)
          break
        }
        case phase.extension:
          if (octet === cr) {
            if (!extensionForm.test(this.#extension)) return this.#fail('a chunk extension that is none', at)
            this.#phase = phase.sizeEnd
          } else {
            this.#extension += String.fromCharCode(octet)
            if (this.#extension.length > maxExtension)
              return this.#fail('a chunk extension that is too long', at)
          }
          at++
          break
        case phase.sizeEnd:
          if (octet !== lf) return this.#fail('a chunk size line that does not end in CRLF', at)
          this.#phase = this.#remaining === 0 ? phase.trailers : phase.data
          at++
          break
        case phase.data: {
          const size = Math.min(this.#remaining, end - at)
          this.#remaining -= size
          if (this.#remaining === 0) this.#phase = phase.dataEnd
          out.data(octets.subarray(at, at + size))
          at += size
          break
        }
        case phase.dataEnd:
          if (octet !== cr) return this.#fail('a chunk that does not end in CRLF', at)
          this.#phase = phase.dataEndLf
          at++
          break
        case phase.dataEndLf:
          if (octet !== lf) return this.#fail('a chunk that does not end in CRLF', at)
          this.#phase = phase.size
          this.#digits = 0
          at++
          break
        default:
          return this.#readTrailers(octets, at, end)
      }
    }
    return at
  }

  #readTrailers(octets: Buffer, from: number, end: number): number {
    // Nearly always nothing but the empty line.
    const kept = this.#trailerOctets
    if (kept === null && octets[from] === cr && from + 1 < end && octets[from + 1] === lf) {
      this.done = true
      return from + 2
    }
    const whole =
      kept === null ? octets.subarray(from, end) : Buffer.concat([kept, octets.subarray(from, end)])
    const section = new FieldSection()
    const behind = section.read(whole, 0, whole.length, 0, maxTrailers)
    if ((behind === incomplete ? whole.length : behind) > maxTrailerSize)
      return this.#fail('a trailer section that is too large', from)
    if (behind === incomplete) {
      this.#trailerOctets = kept === null ? Buffer.from(whole) : whole
      return end
    }
    if (behind < 0) {
      return this.#fail(behind === malformed ? 'a trailer line that is none' : 'too many trailers', from)
    }
    // RFC 9110 section 6.5.1.
    if (section.hasAny(headFields)) return this.#fail('a trailer that belongs into the head', from)
    section.text = latin1(whole, 0, behind)
    if (section.count > 0) this.trailers = section
    this.done = true
    return from + behind - (kept?.length ?? 0)
  }
}
