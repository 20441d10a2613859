const zero = 0x30
const point = 0x2e

/**
 * Text of very many lines that are much alike, written straight into buffers of about `chunkSize` octets. Strings would
 * be put together, joined and encoded: three times the work.
 */
export class OctetWriter {
  readonly #chunkSize: number
  #buffer: Buffer
  #at = 0

  constructor(chunkSize: number) {
    this.#chunkSize = chunkSize
    this.#buffer = Buffer.allocUnsafeSlow(chunkSize + 16 * 1024)
  }

  /** A chunk is there to be taken. */
  get isFull(): boolean {
    return this.#at >= this.#chunkSize
  }

  get size(): number {
    return this.#at
  }

  /** What was written since the last time. The memory is the caller's from now on. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#at)
    this.#buffer = Buffer.allocUnsafeSlow(this.#chunkSize + 16 * 1024)
    this.#at = 0
    return taken
  }

  text(text: string): void {
    // An octet that a character may take in UTF-8: three for each unit of UTF-16.
    this.#reserve(text.length * 3)
    this.#at += this.#buffer.write(text, this.#at, 'utf8')
  }

  /** A count, or anything that a JavaScript number can be. */
  number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < 1e15) this.#whole(value)
    else this.text(numberText(value))
  }

  /** A sum of durations, as seconds to the microsecond: the digits behind that are noise and cost a third of the time. */
  seconds(milliseconds: number): void {
    const microseconds = Math.round(milliseconds * 1000)
    if (!(microseconds >= 0 && microseconds < 1e15)) {
      this.number(milliseconds / 1000)
      return
    }
    const whole = Math.floor(microseconds / 1e6)
    this.#whole(whole)
    let rest = microseconds - whole * 1e6
    if (rest === 0) return
    let digits = 6
    for (; rest % 10 === 0; rest /= 10) digits--
    const buffer = this.#buffer
    buffer[this.#at] = point
    for (let at = this.#at + digits; at > this.#at; at--) {
      buffer[at] = zero + (rest % 10)
      rest = Math.floor(rest / 10)
    }
    this.#at += digits + 1
  }

  /** HOT: for each line. Digits are found from the last to the first. */
  #whole(value: number): void {
    this.#reserve(32)
    const buffer = this.#buffer
    let digits = 1
    for (let limit = 10; value >= limit; limit *= 10) digits++
    const end = this.#at + digits
    let left = value
    for (let at = end - 1; at >= this.#at; at--) {
      const rest = Math.floor(left / 10)
      buffer[at] = zero + (left - rest * 10)
      left = rest
    }
    this.#at = end
  }

  octets(octets: Uint8Array): void {
    this.#reserve(octets.length)
    const buffer = this.#buffer
    let at = this.#at
    for (let i = 0; i < octets.length; i++) buffer[at++] = octets[i]!
    this.#at = at
  }

  /** A piece of a buffer. */
  piece(from: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    this.#at += from.copy(this.#buffer, this.#at, start, end)
  }

  /** Writes again what was written from `from` up to `to`. */
  again(from: number, to: number): void {
    this.#reserve(to - from)
    this.#buffer.copyWithin(this.#at, from, to)
    this.#at += to - from
  }

  #reserve(octets: number): void {
    if (this.#at + octets <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + octets))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

/** As the Prometheus text format writes numbers: Go's ParseFloat reads them. */
export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
