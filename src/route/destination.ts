/** Where a target's requests go. */
export interface Destination {
  readonly scheme: 'http' | 'https'
  /** Host name or IP address; IPv6 in brackets. */
  readonly host: string
  readonly port: number
  /** `host:port` */
  readonly authority: string
}

/** Reads a destination such as `http://10.0.0.1:8080/`. Null where it is no http or https URL with a host. */
export function parseDestination(url: string): Destination | null {
  if (!URL.canParse(url)) return null
  const { protocol, hostname: host, port: text, username, password } = new URL(url)
  if ((protocol !== 'http:' && protocol !== 'https:') || host === '' || username + password !== '')
    return null
  const scheme = protocol === 'http:' ? 'http' : 'https'
  // URL leaves a default port out; a connection needs it.
  const port = text === '' ? (scheme === 'http' ? 80 : 443) : Number(text)
  return { scheme, host, port, authority: `${host}:${port}` }
}
