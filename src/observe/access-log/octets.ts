/**
 * Lines of the access log are strings of octets, as the heads of requests are: they are written as latin1, and what a
 * client sent in UTF-8 comes out as it came in.
 */

/** Text of our own (names of services, routes) as such octets, on one line. */
export const octetsOf = (text: string): string => (/[^\x20-\x7e]/.test(text) ? encoded(text) : text)

const encoded = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a line
  Buffer.from(text.replace(/[\x00-\x1f\x7f]/g, '?'), 'utf8').toString('latin1')

/**
 * What a client sent, so that it cannot end the quotes around it or begin another field: `"` and `\` as nginx writes
 * them, `\x22` and `\x5C`. fabio leaves them as they are, and then a line says what the client likes.
 */
export const guarded = (octets: string): string =>
  // Two searches for one character cost a third of one for a class of them.
  octets.includes('"') || octets.includes('\\')
    ? octets.replace(/["\\]/g, (char) => (char === '"' ? '\\x22' : '\\x5C'))
    : octets

/** Octets as a JSON string, quotes included. Octets that are no UTF-8 become U+FFFD. */
export function jsonOf(octets: string): string {
  if (octets === '') return '""'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has escapes for them
  if (!/["\\\x00-\x1f\x7f-\xff]/.test(octets)) return `"${octets}"`
  const text = JSON.stringify(Buffer.from(octets, 'latin1').toString('utf8'))
  return Buffer.from(text, 'utf8').toString('latin1')
}
