/** What stands where in a row, before its buckets. Durations are sums in milliseconds. */
export const column = {
  requests: 0,
  /** Answers of 500 and above, and answers that broke off for another reason than the client. */
  errors: 1,
  /** Requests that are under way now: the one column that does not only grow. */
  inFlight: 2,
  /** From the head of the request to the end of the answer. */
  duration: 3,
  /** From the head of the request until it went out to the instance. */
  wait: 4,
  /** From there to the head of the answer. */
  firstByte: 5,
  /** Octets of answers' bodies. */
  bytes: 6,
} as const

/** Columns before the first bucket. */
export const firstBucket = 7

/** Numbers of one row: the buckets are one more than the bounds, for what took longer than all of them. */
export const widthOf = (bounds: readonly number[]): number => firstBucket + bounds.length + 1

/**
 * Rows of numbers in one typed array, each with its owner. Whoever counts keeps the place of a row and needs no look-up
 * to write there. The first row belongs to nobody: what is counted for a series that has ended lands in it.
 */
export class Rows<Owner> {
  readonly width: number
  values: Float64Array
  readonly #owners: (Owner | null)[] = [null]
  readonly #free: number[] = []

  constructor(width: number) {
    this.width = width
    this.values = new Float64Array(width * 64)
  }

  /** Rows that are in use. */
  get size(): number {
    return this.#owners.length - 1 - this.#free.length
  }

  /** The place of a fresh row of zeros: where it begins in `values`, which may be another array from now on. */
  take(owner: Owner): number {
    const index = this.#free.pop() ?? this.#owners.length
    this.#owners[index] = owner
    const at = index * this.width
    if (at + this.width > this.values.length) {
      const longer = new Float64Array(this.values.length * 2)
      longer.set(this.values)
      this.values = longer
    }
    return at
  }

  letGo(at: number): void {
    const index = at / this.width
    this.#owners[index] = null
    this.values.fill(0, at, at + this.width)
    this.#free.push(index)
  }

  /** Copies all rows, one behind the other, with what `tell` calls them. */
  copy<L>(tell: (owner: Owner, at: number) => L): LabelledRows<L> {
    const { width } = this
    const labels: L[] = []
    const values = new Float64Array(this.size * width)
    for (let index = 1; index < this.#owners.length; index++) {
      const owner = this.#owners[index]!
      if (owner === null) continue
      const at = index * width
      const to = labels.length * width
      labels.push(tell(owner, at))
      for (let i = 0; i < width; i++) values[to + i] = this.values[at + i]!
    }
    return { labels, values }
  }
}

/** Rows as plain data: the i-th labels are those of the i-th row. */
export interface LabelledRows<L> {
  readonly labels: readonly L[]
  readonly values: Float64Array
}
