import { fieldLine, isFieldValue } from '../base/field-syntax.ts'

/** A claim of a token that goes upstream as a field. */
export interface ClaimField {
  /** Its name; dots lead into objects: `realm_access.roles`. */
  readonly claim: string
  readonly header: string
}

/**
 * Field lines of claims, each ending in CRLF. A text is written as it is, in UTF-8; numbers and truth values as JSON
 * writes them; a list of these with `,` between, where `,` and `%` within an item are `%2C` and `%25`: nobody can make
 * one role look like two. What is not there, is an object, or holds a control character is left out.
 */
export function claimLines(
  payload: Readonly<Record<string, unknown>>,
  fields: readonly ClaimField[],
): string {
  let lines = ''
  for (const { claim, header } of fields) {
    const text = textOf(claimOf(payload, claim))
    if (text === null) continue
    const value = Buffer.from(text.trim(), 'utf8').toString('latin1')
    if (isFieldValue(value)) lines += fieldLine(header, value)
  }
  return lines
}

/** The claim of that name; where there is none, what its parts lead to. */
function claimOf(payload: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  let value: unknown = payload
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

function textOf(value: unknown): string | null {
  if (!Array.isArray(value)) return scalarText(value)
  const items = value.map(scalarText)
  if (items.includes(null)) return null
  return items.map((item) => item!.replace(/%/g, '%25').replace(/,/g, '%2C')).join(',')
}

const scalarText = (value: unknown): string | null =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : null
