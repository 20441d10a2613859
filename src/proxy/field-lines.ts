/** Field lines, each ending in CRLF, without those of the names, which are in lower case. */
export function withoutFields(lines: string, names: ReadonlySet<string>): string {
  let kept = ''
  for (let at = 0; at < lines.length; ) {
    const end = lines.indexOf('\r\n', at) + 2
    if (!names.has(lines.slice(at, lines.indexOf(':', at)).toLowerCase())) kept += lines.slice(at, end)
    at = end
  }
  return kept
}

/** Names of the fields of these lines, in lower case. */
export function namesOfLines(lines: string): Set<string> {
  const names = new Set<string>()
  for (let at = 0; at < lines.length; at = lines.indexOf('\r\n', at) + 2)
    names.add(lines.slice(at, lines.indexOf(':', at)).toLowerCase())
  return names
}

/** Lists of names as one, each once (RFC 9110 section 12.5.5): `Accept-Encoding, Origin`; with `*` nothing else counts. */
export function mergedVary(values: readonly string[]): string {
  const names = new Map<string, string>()
  for (const value of values) {
    for (const item of value.split(',')) {
      const name = item.trim()
      if (name === '*') return '*'
      if (name !== '' && !names.has(name.toLowerCase())) names.set(name.toLowerCase(), name)
    }
  }
  return [...names.values()].join(', ')
}
