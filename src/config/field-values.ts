import { connectionFields, isFieldName, isFieldValue } from '../base/field-syntax.ts'
import { expected, type Kind, quoted, ValueError } from './kind.ts'

/** A header field that is set or added. */
export interface FieldValue {
  readonly name: string
  /** In latin1: characters beyond ASCII are octets of UTF-8. */
  readonly value: string
}

/** A name, `:`, and a value up to the next comma or in `"..."`, where `\` stands before a `"` or a `\`. */
const item = /[\s,]*([^:,\s]+)[\t ]*:[\t ]*(?:"((?:[^"\\]|\\["\\])*)"[\t ]*|([^,"\t ][^,]*)?)(?:,|$)/y

/** A list of header fields: `X-Frame-Options: DENY, Permissions-Policy: "camera=(), geolocation=()"`. */
export const fieldValues: Kind<readonly FieldValue[]> = {
  type: 'list of header fields',
  parse(text) {
    const fields: FieldValue[] = []
    for (let at = 0; /[^\s,]/.test(text.slice(at)); ) {
      item.lastIndex = at
      const found = item.exec(text)
      if (found === null)
        throw expected('header fields like X-Frame-Options: DENY, X-Name: "a, b"', text.slice(at))
      const [, name = '', inQuotes, plain = ''] = found
      const written = inQuotes === undefined ? plain : inQuotes.replace(/\\(.)/g, '$1')
      const value = Buffer.from(written, 'utf8')
        .toString('latin1')
        .replace(/^[\t ]+|[\t ]+$/g, '')
      checkName(name)
      // The value is not repeated: it may be a secret.
      if (!isFieldValue(value))
        throw new ValueError(`expected a value of ${quoted(name)} without control characters`)
      fields.push({ name, value })
      at = item.lastIndex
    }
    return fields
  },
}

/** A list of names of header fields. */
export const fieldNames: Kind<readonly string[]> = {
  type: 'list of header names',
  parse(text) {
    const names = text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
    for (const name of names) checkName(name)
    return names
  },
}

function checkName(name: string): void {
  if (!isFieldName(name)) throw expected('the name of a header field like X-Frame-Options', name)
  if (connectionFields.has(name.toLowerCase())) {
    throw expected("a header field that is not the gateway's own (framing, connection, Host, Date)", name)
  }
}
