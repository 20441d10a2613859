import { createHmac, randomBytes } from 'node:crypto'

/**
 * Makes a function that hashes under a key of its own which nobody else has: credentials can be remembered by what it
 * says of them, and who reads the memory does not read credentials.
 */
export function keyedHash(): (text: string) => string {
  const key = randomBytes(32)
  return (text) => createHmac('sha256', key).update(text, 'latin1').digest('base64')
}
