/** Whether the text is a token, as the name of a field has to be (RFC 9110 section 5.6.2). */
export const isFieldName = (text: string): boolean => /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/.test(text)

/**
 * Whether the text, in latin1, is what a field's value may be (RFC 9110 section 5.5): visible characters and obs-text,
 * blanks and tabs between them. No line break, no other control character. May be empty.
 */
export const isFieldValue = (text: string): boolean =>
  /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/.test(text)

/**
 * Without the spaces and tabs at its ends, and nothing else that JavaScript calls white space. No regular expression:
 * one that looks for blanks before an end tries each of a long row of them, and takes seconds for those of one field.
 */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

/**
 * Text as it stands in a URL or on a field's line: what is no visible ASCII as escapes of its UTF-8. Heads are written
 * as octets, and of a character beyond them one octet is left, which may be a line break: U+010A ends in 0x0A.
 */
export const visible = (text: string): string =>
  text.replace(/[^\x21-\x7e]+/gu, (run) =>
    Buffer.from(run).toString('hex').toUpperCase().replace(/../g, '%$&'),
  )

/**
 * Names in lower case of fields that carry the framing or the routing of a message, or belong to one hop of its way
 * (RFC 9110 section 7.6.1): the gateway writes them, and nobody sets or takes them.
 */
export const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * The line of a field, ending in CRLF. The one place where a line is made of texts that people wrote, so none of them
 * can begin another line or change how a message is framed, whatever was checked before.
 *
 * @param value in latin1
 * @throws TypeError where the two could not stand in a head
 */
export function fieldLine(name: string, value: string): string {
  if (!isFieldName(name) || connectionFields.has(name.toLowerCase())) {
    throw new TypeError(`expected the name of a field that may be set, got ${JSON.stringify(name)}`)
  }
  if (!isFieldValue(value)) throw new TypeError(`expected a value for ${name} that fits on a line`)
  return `${name}: ${value}\r\n`
}

/** A name in lower case as those read it who make variables of names. */
export const plainName = (lowerName: string): string => lowerName.replace(/[^a-z\d]/g, '-')
