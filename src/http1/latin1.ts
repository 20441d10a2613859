declare global {
  interface Buffer {
    /** What `toString('latin1', start, end)` does, without its search for the encoding. */
    latin1Slice(start?: number, end?: number): string
  }
}

/** Octets as characters of the same number: what heads are read and written in. */
export const latin1 = (octets: Buffer, start = 0, end = octets.length): string =>
  octets.latin1Slice(start, end)
