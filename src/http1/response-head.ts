import { fieldId } from './field-names.ts'
import { FieldSection, incomplete, malformed } from './field-section.ts'
import { latin1 } from './latin1.ts'
import type { HeadLimits } from './limits.ts'
import { chunked, lengthOf, untilClose } from './request-head.ts'

const start = Buffer.from('HTTP/1.', 'latin1')
const space = 0x20

/** The head of an upstream's answer, read as strictly as a request's (RFC 9112 section 4). */
export class ResponseHead extends FieldSection {
  status = 0
  reason = ''
  minor: 0 | 1 = 1
  /** Octets, 0 without a body, `chunked`, or `untilClose`. */
  bodyLength = 0
  /** Content-Length as stated, or -1: in an answer to HEAD and in a 304 it says what a GET would bring. */
  statedLength = -1
  keepAlive = true
  /** Why it was refused. */
  fault = ''

  /**
   * HOT: once for each answer.
   *
   * @param isHead whether the request's method was HEAD, whose answer has no body
   * @returns the offset behind the head, 0 when it is not complete yet, -1 when it is malformed
   */
  parse(octets: Buffer, from: number, end: number, limits: HeadLimits, isHead: boolean): number {
    const length = Math.min(end - from, start.length)
    for (let i = 0; i < length; i++) {
      if (octets[from + i] !== start[i]) return this.#refuse('it does not start with HTTP/1.')
    }
    // `HTTP/1.1 200` and the end of the line.
    if (end - from < 14) return incomplete
    const minor = octets[from + 7]! - 0x30
    if ((minor !== 0 && minor !== 1) || octets[from + 8] !== space)
      return this.#refuse('a version that is not 1.1 or 1.0')
    const status = digits(octets, from + 9)
    if (status < 100) return this.#refuse('a status that is none')
    let at = from + 12
    const reasonStart = at + 1
    if (octets[at] === space) {
      at++
      while (at < end && octets[at]! >= 0x20 && octets[at] !== 0x7f) at++
      // HTAB is allowed there too, and so rare that the loop above need not ask.
      while (at < end && (octets[at] === 0x09 || (octets[at]! >= 0x20 && octets[at] !== 0x7f))) at++
    }
    if (at + 1 >= end)
      return at < end && octets[at] !== 0x0d
        ? this.#refuse('a status line that is none')
        : this.#unlessTooLarge(from, end, limits)
    if (octets[at] !== 0x0d || octets[at + 1] !== 0x0a) return this.#refuse('a status line that is none')
    const behind = this.read(octets, at + 2, end, from, limits.maxFields)
    if (behind === incomplete) return this.#unlessTooLarge(from, end, limits)
    if (behind < 0)
      return this.#refuse(behind === malformed ? 'a field line that is none' : 'too many fields')
    if (behind - from > limits.maxHeadSize) return this.#refuse('the head is too large')
    this.text = latin1(octets, from, behind)
    this.status = status
    this.reason = at > reasonStart ? this.text.slice(reasonStart - from, at - from) : ''
    this.minor = minor as 0 | 1
    return this.#readFraming(isHead) ? behind : -1
  }

  #refuse(fault: string): number {
    this.fault = fault
    return -1
  }

  #unlessTooLarge(from: number, end: number, limits: HeadLimits): number {
    return end - from > limits.maxHeadSize ? this.#refuse('the head is too large') : incomplete
  }

  /** RFC 9112 section 6.3. */
  #readFraming(isHead: boolean): boolean {
    const { status } = this
    this.statedLength = -1
    this.keepAlive =
      !this.has(fieldId.connection) || !this.hasOption('close')
        ? this.minor === 1 || this.hasOption('keep-alive')
        : false
    // `Connection: close`, or HTTP/1.0, which knows no interim answers (RFC 9110 section 15.2).
    if (status < 200 && !this.keepAlive) return this.#refuse('an interim answer that is the last') > 0
    const isChunked = this.has(fieldId.transferEncoding)
    if (isChunked) {
      const codings = this.all('transfer-encoding')
      const isKnown = codings.length === 1 && codings[0]!.toLowerCase() === 'chunked'
      if (!isKnown || this.minor === 0 || this.endsInTab(fieldId.transferEncoding)) {
        return this.#refuse('a Transfer-Encoding other than chunked') > 0
      }
    }
    if (this.has(fieldId.contentLength)) {
      if (isChunked) return this.#refuse('Content-Length with Transfer-Encoding') > 0
      const isOne = this.countOf(fieldId.contentLength) === 1
      this.statedLength = isOne ? lengthOf(this.known(fieldId.contentLength)) : -1
      if (this.statedLength === -1 || this.endsInTab(fieldId.contentLength))
        return this.#refuse('a Content-Length that is none') > 0
    }
    if (isHead || status < 200 || status === 204 || status === 304) this.bodyLength = 0
    else if (isChunked) this.bodyLength = chunked
    else if (this.statedLength !== -1) this.bodyLength = this.statedLength
    else {
      this.bodyLength = untilClose
      this.keepAlive = false
    }
    return true
  }
}

/** Three digits as a number, -1 where they are none. */
function digits(octets: Buffer, at: number): number {
  let number = 0
  for (let i = at; i < at + 3; i++) {
    const digit = octets[i]! - 0x30
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}
