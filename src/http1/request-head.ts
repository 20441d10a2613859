import { fieldId, tokenOctets } from './field-names.ts'
import { FieldSection, incomplete, malformed } from './field-section.ts'
import { latin1 } from './latin1.ts'
import type { HeadLimits } from './limits.ts'

/** Lengths of a body that are no number of octets. */
export const chunked = -1
export const untilClose = -2

const cr = 0x0d
const lf = 0x0a
const space = 0x20
const slash = 0x2f

/** For each octet: 1 where a target may hold it (RFC 9112 section 3.2): VCHAR, and no fragment. */
const targetOctets: Uint8Array = (() => {
  const table = new Uint8Array(256).fill(1, 0x21, 0x7f)
  table[0x23] = 0
  return table
})()

/** For each octet: 1 where a name, an IPv4 address or a port may hold it (RFC 3986 section 3.2.2, reg-name). */
const hostOctets: Uint8Array = (() => {
  const table = new Uint8Array(256)
  for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~!$&'()*+;=%-")
    table[char.charCodeAt(0)] = 1
  return table
})()

const oneOne = Buffer.from('HTTP/1.1\r\n', 'latin1')
const commonMethods: readonly (readonly [string, Buffer])[] = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
].map((method) => [method, Buffer.from(method, 'latin1')])

/** The head of a request, read strictly (RFC 9112 sections 2 to 6). One object serves one connection. */
export class RequestHead extends FieldSection {
  method = ''
  /** Origin form: path and query as the client sent them; `*` for OPTIONS. */
  target = ''
  /** Authority that the request is for: of an absolute-form target, else Host. */
  host = ''
  /** HTTP/1.1 or HTTP/1.0. */
  minor: 0 | 1 = 1
  /** Octets, 0 without a body, or `chunked`. */
  bodyLength = 0
  /** The client would have the connection stay. */
  keepAlive = true
  /** Why it was refused. */
  fault = ''

  /**
   * HOT: once for each request.
   *
   * @returns the offset behind the head, 0 when it is not complete yet, or the negated status to refuse it with
   */
  parse(octets: Buffer, start: number, end: number, limits: HeadLimits): number {
    let from = start
    // RFC 9112 section 2.2: an empty line before a request is what some clients leave behind a body.
    while (from < end && octets[from] === cr) {
      if (from + 1 >= end) return incomplete
      if (octets[from + 1] !== lf || from - start > 2) return this.#refuse(400, 'no request line')
      from += 2
    }
    let at = from
    while (at < end && tokenOctets[octets[at]!] !== 0) at++
    const methodEnd = at
    if (at >= end) return at - from > limits.maxHeadSize ? this.#refuse(400, 'no method') : incomplete
    if (octets[at] !== space || at === from) return this.#refuse(400, 'no method')
    const targetStart = ++at
    while (at < end && targetOctets[octets[at]!] === 1) at++
    const targetEnd = at
    if (targetEnd - targetStart > limits.maxTargetSize) return this.#refuse(414, 'the target is too long')
    if (at >= end) return incomplete
    if (octets[at] !== space || at === targetStart)
      return this.#refuse(400, 'no target, or one with an octet that none has')
    at++
    if (end - at < oneOne.length) {
      const part = octets.subarray(at, end)
      return versionStart.test(latin1(part)) ? incomplete : this.#refuse(400, 'no version')
    }
    const version = readVersion(octets, at)
    if (version < 0) return this.#refuse(-version, 'a version that is not HTTP/1.1 or HTTP/1.0')
    this.minor = version as 0 | 1
    const behind = this.read(octets, at + oneOne.length, end, from, limits.maxFields)
    if (behind <= 0) {
      if (behind === incomplete) return incomplete
      return behind === malformed
        ? this.#refuse(400, 'a field line that is none')
        : this.#refuse(431, 'too many fields')
    }
    if (behind - from > limits.maxHeadSize) return this.#refuse(431, 'the head is too large')
    const text = latin1(octets, from, behind)
    this.text = text
    this.method = methodOf(octets, from, methodEnd, text)
    this.target = text.slice(targetStart - from, targetEnd - from)
    const refused = this.#readAuthority(octets[targetStart]! === slash) || this.#readFraming()
    if (refused !== 0) return -refused
    this.#readPersistence()
    return behind
  }

  #refuse(status: number, fault: string): number {
    this.fault = fault
    return -status
  }

  /** RFC 9112 section 3.2. Returns a status to refuse the request with, or 0. */
  #readAuthority(isOrigin: boolean): number {
    const hosts = this.has(fieldId.host) ? this.countOf(fieldId.host) : 0
    if (hosts > 1) return -this.#refuse(400, 'more than one Host')
    if (hosts === 0 && this.minor === 1) return -this.#refuse(400, 'no Host')
    const host = this.known(fieldId.host)
    // Nearly always that of the request before: what was checked need not be checked again, and the very same string
    // is found faster in a table of hosts than an equal one.
    if (host !== this.host || host === '') {
      if (!isAuthority(host)) return -this.#refuse(400, 'a Host that is no authority')
      this.host = host
    }
    if (isOrigin) return 0
    if (this.method === 'CONNECT') return -this.#refuse(405, 'CONNECT: no tunnels here')
    if (this.target === '*')
      return this.method === 'OPTIONS' ? 0 : -this.#refuse(400, 'the target * is for OPTIONS')
    const absolute = /^https?:\/\/([^/?]+)([/?].*)?$/isu.exec(this.target)
    if (absolute === null || !isAuthority(absolute[1]!) || absolute[1]!.startsWith(':')) {
      return -this.#refuse(400, 'a target that is neither a path nor an absolute URI')
    }
    // Whoever reads the other of two different authorities would take the request elsewhere.
    if (hosts === 1 && withoutPort(host) !== withoutPort(absolute[1]!)) {
      return -this.#refuse(400, 'a Host that is not the authority of the target')
    }
    this.host = absolute[1]!
    const rest = absolute[2] ?? '/'
    this.target = rest.startsWith('/') ? rest : `/${rest}`
    return 0
  }

  /** RFC 9112 section 6.3. Any doubt about where the message ends refuses it. */
  #readFraming(): number {
    this.bodyLength = 0
    if (this.has(fieldId.transferEncoding)) {
      if (this.minor === 0) return -this.#refuse(400, 'Transfer-Encoding in HTTP/1.0')
      if (this.has(fieldId.contentLength)) return -this.#refuse(400, 'Content-Length with Transfer-Encoding')
      const codings = this.all('transfer-encoding')
      if (codings.length > 1) return -this.#refuse(400, 'more than one Transfer-Encoding')
      if (this.endsInTab(fieldId.transferEncoding))
        return -this.#refuse(400, 'a Transfer-Encoding other than chunked')
      if (codings[0]!.toLowerCase() !== 'chunked') {
        return /^[\w-]+$/.test(codings[0]!)
          ? -this.#refuse(501, `the transfer coding ${codings[0]} is not known here`)
          : -this.#refuse(400, 'a Transfer-Encoding other than chunked')
      }
      this.bodyLength = chunked
    } else if (this.has(fieldId.contentLength)) {
      const length =
        this.countOf(fieldId.contentLength) > 1 ? -1 : lengthOf(this.known(fieldId.contentLength))
      if (length === -1 || this.endsInTab(fieldId.contentLength))
        return -this.#refuse(400, 'a Content-Length that is none')
      this.bodyLength = length
    }
    return 0
  }

  /**
   * Counts this hop in Max-Forwards, which OPTIONS and TRACE may have (RFC 9110 section 7.6.2). True: no more are
   * allowed, whoever read the head has to answer it.
   */
  countHop(): boolean {
    if (this.method !== 'OPTIONS' && this.method !== 'TRACE') return false
    const left = this.known(fieldId.maxForwards)
    if (!/^\d{1,9}$/.test(left)) return false
    if (Number(left) === 0) return true
    // As many digits as before: the places of all other fields stay as they are.
    this.overwrite(fieldId.maxForwards, String(Number(left) - 1).padStart(left.length, '0'))
    return false
  }

  /** RFC 9112 section 9.3. */
  #readPersistence(): void {
    if (!this.has(fieldId.connection)) this.keepAlive = this.minor === 1
    else if (this.hasOption('close')) this.keepAlive = false
    else this.keepAlive = this.minor === 1 || this.hasOption('keep-alive')
  }
}

/** What a version line looks like before it is complete. */
const versionStart = /^(?:H|HT|HTT|HTTP|HTTP\/|HTTP\/\d|HTTP\/\d\.|HTTP\/\d\.\d|HTTP\/\d\.\d\r)?$/

/** 1 or 0 for HTTP/1.1 and HTTP/1.0; else the negated status. */
function readVersion(octets: Buffer, at: number): number {
  for (let i = 0; i < oneOne.length; i++) {
    if (octets[at + i] === oneOne[i]) continue
    const text = latin1(octets, at, at + oneOne.length)
    if (text === 'HTTP/1.0\r\n') return 0
    return /^HTTP\/\d\.\d\r\n$/.test(text) ? -505 : -400
  }
  return 1
}

function methodOf(octets: Buffer, start: number, end: number, text: string): string {
  for (const [method, spelled] of commonMethods) {
    if (spelled.length !== end - start) continue
    let i = 0
    while (i < spelled.length && spelled[i] === octets[start + i]) i++
    if (i === spelled.length) return method
  }
  return text.slice(0, end - start)
}

/** Octets, or -1: RFC 9110 section 8.6 knows digits and nothing else. */
export function lengthOf(value: string): number {
  if (value.length === 0 || value.length > 16) return -1
  let length = 0
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return Number.isSafeInteger(length) ? length : -1
}

const withoutPort = (authority: string): string => authority.toLowerCase().replace(/:(?:80|443)?$/, '')

/**
 * A name, an IPv4 address or a bracketed IPv6 address, perhaps with a port (RFC 9110 section 7.2); or nothing, which
 * is what Host says for a target without an authority.
 */
function isAuthority(text: string): boolean {
  let at = 0
  const { length } = text
  if (length > 261) return false
  if (text.charCodeAt(0) === 0x5b) return /^\[[\da-f:.]{2,45}\](?::\d{0,5})?$/i.test(text)
  while (at < length && hostOctets[text.charCodeAt(at)] === 1) at++
  if (at > 255) return false
  if (at === length) return true
  if (text.charCodeAt(at) !== 0x3a || length - at > 6) return false
  for (at++; at < length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return false
  }
  return true
}
