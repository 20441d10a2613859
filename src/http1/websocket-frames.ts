/**
 * Where in a stream of WebSocket frames (RFC 6455 section 5.2) one ends and the next begins. Looks at the heads alone;
 * what is in the frames is nobody's business here.
 */
export class FrameBounds {
  /** Octets of the head that have come, and how many it has. */
  #seen = 0
  #size = 2
  #extended = 0
  /** Octets of the payload that have not come. */
  #payload = 0

  /** A frame of our own could stand here. */
  get isBetween(): boolean {
    return this.#seen === 0
  }

  /** Goes to the end of the present frame. Returns the offset behind it, or -1: it goes on beyond `end`. */
  next(octets: Uint8Array, from: number, end: number): number {
    let at = from
    while (this.#seen < this.#size) {
      if (at === end) return -1
      const octet = octets[at++]!
      if (this.#seen === 1) {
        const length = octet & 0x7f
        this.#extended = length === 126 ? 2 : length === 127 ? 8 : 0
        this.#payload = this.#extended === 0 ? length : 0
        this.#size = 2 + this.#extended + ((octet & 0x80) === 0 ? 0 : 4)
      } else if (this.#seen > 1 && this.#seen < 2 + this.#extended) {
        this.#payload = this.#payload * 256 + octet
      }
      this.#seen++
    }
    const part = Math.min(this.#payload, end - at)
    this.#payload -= part
    if (this.#payload > 0) return -1
    this.#seen = 0
    this.#size = 2
    return at + part
  }

  /** Goes over all of it. */
  skip(octets: Uint8Array): void {
    for (let at = 0; at !== -1 && at < octets.length; ) at = this.next(octets, at, octets.length)
  }
}

/** A Close frame with the code 1001, "going away" (RFC 6455 sections 5.5.1 and 7.4.1), as a server sends it. */
export const goingAway = Buffer.from([0x88, 2, 0x03, 0xe9])
/** The same as a client sends it: masked, with a key of zeros, for there is nothing to hide. */
export const maskedGoingAway = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9])
