/**
 * Of a set of texts, in whatever order: 53 bits of the sums of their hashes. That two sets have the same by chance is
 * less likely than a broken disk.
 */
export class Digest {
  #one = 0
  #other = 0

  add(text: string): void {
    let one = 0xdeadbeef
    let other = 0x41c6ce57
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      one = Math.imul(one ^ unit, 0x9e3779b1)
      other = Math.imul(other ^ unit, 0x5f356495)
    }
    // The end of the text has to reach all bits: a sum of what differs in few of them would be easy to meet again.
    one = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(other ^ (other >>> 13), 0xc2b2ae35)
    other = Math.imul(other ^ (other >>> 16), 0x85ebca6b) ^ Math.imul(one ^ (one >>> 13), 0xc2b2ae35)
    this.#one = (this.#one + one) | 0
    this.#other = (this.#other + other) | 0
  }

  /** What two sets with the same texts have in common. */
  get value(): number {
    return (this.#one >>> 0) * 2 ** 21 + (this.#other >>> 11)
  }
}

/** Of what a server said. */
export function digestOf(body: unknown): number {
  const digest = new Digest()
  digest.add(JSON.stringify(body))
  return digest.value
}
