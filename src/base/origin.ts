/**
 * An origin as people write it (RFC 6454 section 6.1), in the one way in which browsers send it: scheme and host in
 * lower case, IDNA as ASCII, the scheme's own port left out. `https://*.example.com` is every host below example.com
 * (and not itself), `http://localhost:*` any port.
 *
 * Not `null`, which is what every sandboxed frame says; and not `*.com`, which is nearly everybody.
 *
 * @returns null: it is none
 */
export function originPattern(text: string): string | null {
  const match = /^([a-z][a-z\d+.-]*):\/\/(\*\.)?([^/?#@:[\]\\*\s]+|\[[\da-f:.]+\])(?::(\d{1,5}|\*))?$/i.exec(
    text,
  )
  if (match === null) return null
  const [, scheme = '', wildcard = '', host = '', port = ''] = match
  const lower = scheme.toLowerCase()
  if (!URL.canParse(`http://${host}/`)) return null
  const { hostname } = new URL(`http://${host}/`)
  if (wildcard !== '' && !/^(?:(?!-)[a-z\d-]+\.)+(?!\d+$)[a-z\d-]+$|^localhost$/.test(hostname)) return null
  if (port !== '*' && port !== '' && (Number(port) > 65_535 || Number(port) === 0)) return null
  const isOwnPort = port !== '*' && Number(port) === ownPorts[lower]
  return `${lower}://${wildcard}${hostname}${port === '' || isOwnPort ? '' : `:${port === '*' ? port : Number(port)}`}`
}

const ownPorts: Readonly<Partial<Record<string, number>>> = { http: 80, https: 443, ws: 80, wss: 443 }

/** What a browser may send as the origin of a page: nothing else is compared with a pattern. */
const sent = /^([a-z][a-z\d+.-]*):\/\/([a-z\d._-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?$/

/**
 * Makes the function that says whether an origin, as a browser sends it, is one of those that the patterns of
 * `originPattern` name.
 */
export function originMatcher(patterns: readonly string[]): (origin: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const wild = patterns.filter((pattern) => pattern.includes('*')).map(partsOf)
  return (origin) => {
    if (exact.has(origin)) return true
    if (wild.length === 0) return false
    const match = sent.exec(origin)
    if (match === null) return false
    const [, scheme, host = '', port = ''] = match
    return wild.some(
      (each) =>
        each.scheme === scheme &&
        (each.port === '*' || each.port === port) &&
        (each.isSuffix ? host.length > each.host.length && host.endsWith(each.host) : host === each.host),
    )
  }
}

interface Parts {
  readonly scheme: string
  /** With `isSuffix`, behind a dot: what hosts end in. */
  readonly host: string
  readonly isSuffix: boolean
  /** Empty: the scheme's own. `*`: any. */
  readonly port: string
}

function partsOf(pattern: string): Parts {
  const at = pattern.indexOf('://')
  const authority = pattern.slice(at + 3)
  const port = /:(\d+|\*)$/.exec(authority)
  const host = port === null ? authority : authority.slice(0, port.index)
  const isSuffix = host.startsWith('*.')
  return {
    scheme: pattern.slice(0, at),
    host: isSuffix ? host.slice(1) : host,
    isSuffix,
    port: port?.[1] ?? '',
  }
}
