/**
 * Header fields are kept as they came: a flat list of name, value, name, value… in latin1, where two lines of one
 * name stay two and their order stays (RFC 9110 section 5.3).
 */
export type Fields = readonly string[]

/** Meant for this connection only (RFC 9110 section 7.6.1), plus what belongs to this hop by use. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** All values of a field, in their order. */
export function valuesOf(fields: Fields, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.length === name.length && fields[i]!.toLowerCase() === name) values.push(fields[i + 1]!)
  }
  return values
}

/** The value of the first line of a field, or empty. */
export function firstOf(fields: Fields, name: string): string {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.length === name.length && fields[i]!.toLowerCase() === name) return fields[i + 1]!
  }
  return ''
}

/** The names that a message's Connection fields nominate, lower-case. */
function nominated(fields: Fields): Set<string> | null {
  let names: Set<string> | null = null
  for (const value of valuesOf(fields, 'connection')) {
    for (const token of value.split(',')) {
      names ??= new Set()
      names.add(token.trim().toLowerCase())
    }
  }
  return names
}

/**
 * Copies the fields that go on to the next hop: not the hop-by-hop ones, not those that Connection nominates, not
 * those in `except`.
 *
 * @param keep names that a nomination cannot remove: what the gateway itself relies on or sets (CVE-2025-48865)
 */
export function endToEnd(fields: Fields, except: ReadonlySet<string>, keep: ReadonlySet<string>): string[] {
  const named = nominated(fields)
  const copied: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase()
    if (hopByHop.has(name) || except.has(name)) continue
    if (named?.has(name) && !keep.has(name)) continue
    copied.push(fields[i]!, fields[i + 1]!)
  }
  return copied
}
