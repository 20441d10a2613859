const quote = 0x22
const newline = 0x0a
const zero = 0x30

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

  /** HOT: for each line. Digits are found from the last to the first. */
  #whole(value: number): void {
    this.#reserve(16)
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

  /**
   * The `_bucket` lines of one series, from `Name_bucket{labels,le="` on.
   *
   * @param head all that comes before the bound
   * @param bounds as they are written, the last of them +Inf
   * @param counts up to each bound, all smaller ones included
   */
  buckets(head: string, bounds: readonly Uint8Array[], counts: Float64Array): void {
    this.#reserve(head.length * 3)
    const from = this.#at
    this.text(head)
    const length = this.#at - from
    this.#reserve((length + 64) * bounds.length)
    // Reserved anew, the buffer may be another one; what stands in it is the same.
    const buffer = this.#buffer
    for (let i = 0; i < bounds.length; i++) {
      if (i > 0) {
        buffer.copyWithin(this.#at, from, from + length)
        this.#at += length
      }
      const bound = bounds[i]!
      for (let at = 0; at < bound.length; at++) buffer[this.#at++] = bound[at]!
      this.#whole(counts[i]!)
      buffer[this.#at++] = newline
    }
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

/** The end of a bucket's labels: the bound, the closing quote and brace, a space. */
export function boundOctets(bound: number): Uint8Array {
  return Uint8Array.from([...Buffer.from(numberText(bound), 'latin1'), quote, 0x7d, 0x20])
}
