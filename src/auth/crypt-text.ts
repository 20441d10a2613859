const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * A digest as `crypt(3)` writes it: six bits for each character, the lowest first.
 *
 * @param order indexes of the digest's octets; three of them, the most significant first, make four characters. What
 *   is left at the end makes one character more than it has octets
 */
export function cryptText(digest: Uint8Array, order: readonly number[]): string {
  let text = ''
  for (let at = 0; at < order.length; at += 3) {
    const group = order.slice(at, at + 3)
    let bits = group.reduce((value, index) => value * 256 + digest[index]!, 0)
    for (let left = group.length + 1; left > 0; left--) {
      text += alphabet[bits & 0x3f]
      bits >>>= 6
    }
  }
  return text
}

/** What of a salt counts: up to the first `$`, and no longer than this. In latin1. */
export const cryptSalt = (salt: string, longest: number): Buffer =>
  Buffer.from(salt.split('$', 1)[0]!.slice(0, longest), 'latin1')
