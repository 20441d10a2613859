import { connectionFields, isFieldName, isFieldValue } from '../base/field-syntax.ts'
import { quote, RouteMistake } from './mistake.ts'

/** A change to the fields of every request or answer of a route. */
export interface FieldEdit {
  /**
   * `set`: the field is there once, with this value. `add`: one line more. `remove`: the field is not there.
   */
  readonly kind: 'set' | 'add' | 'remove'
  readonly name: string
  /** In latin1; empty for `remove`. */
  readonly value: string
}

/**
 * Reads `X-Name:value`, or `X-Name` alone for `remove`. An option cannot hold white space, so the value is
 * percent-decoded: `%20` is a blank, `%25` the percent sign. Characters beyond ASCII are sent as UTF-8.
 *
 * Throws a RouteMistake where the line could not stand in a head, or would frame or route the message.
 */
export function parseFieldEdit(kind: FieldEdit['kind'], text: string): FieldEdit {
  const colon = text.indexOf(':')
  if (kind === 'remove' ? colon !== -1 : colon < 1) {
    const what = kind === 'remove' ? 'a field name like X-Powered-By' : 'a field like X-Name:value'
    throw new RouteMistake(`expected ${what}, got ${quote(text)}`)
  }
  const name = colon === -1 ? text : text.slice(0, colon)
  if (!isFieldName(name)) throw new RouteMistake(`expected the name of a field, got ${quote(name)}`)
  if (connectionFields.has(name.toLowerCase())) {
    throw new RouteMistake(
      `expected a field that is not the gateway's own (framing, connection, Host, Date), got ${quote(name)}`,
    )
  }
  const value = colon === -1 ? '' : decodedValue(text.slice(colon + 1))
  return { kind, name, value }
}

function decodedValue(text: string): string {
  if (/%(?![\da-fA-F]{2})/.test(text)) {
    throw new RouteMistake(`expected two hexadecimal digits after each "%" (%25 is "%"), got ${quote(text)}`)
  }
  const octets = text
    .split(/((?:%[\da-fA-F]{2})+)/)
    .map((part, index) =>
      Buffer.from(index % 2 === 0 ? part : part.replaceAll('%', ''), index % 2 === 0 ? 'utf8' : 'hex'),
    )
  const value = Buffer.concat(octets)
    .toString('latin1')
    .replace(/^[\t ]+|[\t ]+$/g, '')
  if (!isFieldValue(value)) {
    throw new RouteMistake(`expected a value without control characters, got ${quote(text)}`)
  }
  return value
}
