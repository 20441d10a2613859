/** Octets of a buffer that a body is read into. */
export const bufferSize = 64 * 1024

/**
 * Octets up to this size are copied by whoever takes them: into one write with what stands around them, or to be kept.
 * Nobody may rely on the memory of so small a chunk for longer than the call that brought it.
 */
export const smallChunk = 8 * 1024

const kept: Buffer[] = []
const maxKept = 64

/** A buffer of its own for a connection that reads bodies. */
export function takeBuffer(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(bufferSize)
}

/** Nobody may hold any of its memory any more. */
export function giveBuffer(buffer: Buffer): void {
  if (kept.length < maxKept) kept.push(buffer)
}
