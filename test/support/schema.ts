import type { Schema } from '../../src/admin/schema.ts'

/** Where a value differs from its schema, in words; empty: nowhere. */
export function differences(value: unknown, schema: Schema, at = '$'): string[] {
  const { type, properties = {}, required = [], additionalProperties, items, anyOf } = schema
  if (anyOf !== undefined) {
    const each = anyOf.map((one) => differences(value, one, at))
    return each.find((found) => found.length === 0) ?? each[0]!
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return [`${at}: expected one of ${schema.enum.join(', ')}, got ${JSON.stringify(value)}`]
  }
  if (type !== undefined && ![type].flat().includes(typeName(value, type))) {
    return [`${at}: expected ${type}, got ${JSON.stringify(value)}`]
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => (items === undefined ? [] : differences(item, items, `${at}[${i}]`)))
  }
  if (typeof value !== 'object' || value === null) return []
  const missing = required.filter((key) => !Object.hasOwn(value, key)).map((key) => `${at}.${key}: missing`)
  const inner = Object.entries(value).flatMap(([key, each]) => {
    const own = properties[key]
    if (own !== undefined) return differences(each, own, `${at}.${key}`)
    if (additionalProperties === false) return [`${at}.${key}: not in the schema`]
    return typeof additionalProperties === 'object'
      ? differences(each, additionalProperties, `${at}.${key}`)
      : []
  })
  return [...missing, ...inner]
}

function typeName(value: unknown, wanted: string | readonly string[]): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (Number.isInteger(value) && [wanted].flat().includes('integer')) return 'integer'
  return typeof value
}
