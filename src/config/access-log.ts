import { isAbsolute } from 'node:path'
import { splitHostPort } from './addresses.ts'
import { expected, type Kind, quoted, ValueError } from './kind.ts'
import { line } from './parsers.ts'

/** fabio's fields of the access log (reference 10.3), without `header.NAME`. */
const fabioFields = [
  'remote_addr',
  'remote_host',
  'remote_port',
  'request',
  'request_args',
  'request_host',
  'request_method',
  'request_proto',
  'request_scheme',
  'request_uri',
  'request_url',
  'response_body_size',
  'response_status',
  'response_time_ms',
  'response_time_ns',
  'response_time_us',
  'time_common',
  'time_rfc3339',
  'time_rfc3339_ms',
  'time_rfc3339_ns',
  'time_rfc3339_us',
  'time_unix_ms',
  'time_unix_ns',
  'time_unix_us',
  'upstream_addr',
  'upstream_host',
  'upstream_port',
  'upstream_request_scheme',
  'upstream_request_uri',
  'upstream_request_url',
  'upstream_service',
] as const

/** And our own. */
const ownFields = [
  'attempts',
  'client_host',
  'connect_time_us',
  'error_code',
  'first_byte_time_us',
  'queue_time_us',
  'request_id',
  'route',
  'trace_id',
  'upstream_instance',
  'worker',
] as const

export const accessFields = [...fabioFields, ...ownFields]
export type AccessField = (typeof accessFields)[number]

/** Text as it is, a field, or a field of the request's head. */
export type AccessPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly field: AccessField }
  | { readonly kind: 'header'; readonly name: string }

export interface AccessFormat {
  /** As it was written. */
  readonly text: string
  /** `json`: an object of the parts, which are fields all of them. */
  readonly form: 'text' | 'json'
  readonly parts: readonly AccessPart[]
}

const common = '$remote_host - - [$time_common] "$request" $response_status $response_body_size'
/** What a `$name` stands for that is a whole format. */
const named: Readonly<Record<string, string>> = {
  common,
  combined: `${common} "$header.Referer" "$header.User-Agent"`,
}

/** What `json` has without fields of its own: when, who, what, how it ended, who answered, how long it took. */
const jsonFields =
  '$time_rfc3339_ms $remote_host $client_host $request_method $request_scheme $request_host $request_uri $request_proto ' +
  '$response_status $response_body_size $response_time_us $queue_time_us $connect_time_us $first_byte_time_us ' +
  '$route $upstream_service $upstream_instance $upstream_addr $attempts $error_code $request_id $trace_id ' +
  '$header.Referer $header.User-Agent'

const isAccessField = (name: string): name is AccessField =>
  (accessFields as readonly string[]).includes(name)

/**
 * Reads a format (fabio reference 10.3): text is literal, a field is `$` and letters, digits, `_` and `-`, and
 * `$header.NAME` ends as those do. Throws a ValueError that names the first field that there is not.
 */
function partsOf(format: string): AccessPart[] {
  const parts: AccessPart[] = []
  let at = 0
  for (const { 0: whole, 1: name = '', 2: header, index } of format.matchAll(
    /\$([\w-]+)(?:(?<=\$header)\.([\w-]*))?/g,
  )) {
    if (index > at) parts.push({ kind: 'text', text: format.slice(at, index) })
    at = index + whole.length
    if (header !== undefined && header !== '') parts.push({ kind: 'header', name: header })
    else if (isAccessField(name)) parts.push({ kind: 'field', field: name })
    else throw expected('a field of the access log', whole)
  }
  if (at < format.length) parts.push({ kind: 'text', text: format.slice(at) })
  return parts
}

/** `common`, `combined`, `json`, `json` with fields of one's own, or text with fields. */
export const accessFormat: Kind<AccessFormat> = {
  type: 'common, combined, json or text with $fields',
  parse(value, context) {
    const text = line.parse(value, context)
    if (text.trim() === '') throw expected('a format, which is not empty', text)
    const json = /^json(?:\s+(.*))?$/.exec(text)
    if (json === null) return { text, form: 'text', parts: partsOf(named[text] ?? text) }
    const parts = partsOf(json[1] ?? jsonFields)
    const other = parts.find((part) => part.kind === 'text' && part.text.trim() !== '')
    if (other?.kind === 'text') throw expected('only $fields behind json', other.text.trim())
    return { text, form: 'json', parts: parts.filter((part) => part.kind !== 'text') }
  },
}

/** Where the access log goes. */
export type AccessTarget =
  | { readonly kind: 'stdout' }
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'syslog'
      readonly transport: 'udp' | 'tcp'
      readonly host: string
      readonly port: number
    }
  | { readonly kind: 'syslog'; readonly transport: 'unix'; readonly path: string }

/** The socket of syslog and of systemd's journal. It is one for datagrams, which Node has for IP alone. */
const systemSocket = '/dev/log'
const inItsPlace = 'syslog+udp://127.0.0.1:514, with the syslog server listening there'

/** `stdout`, a file, a syslog server; null: nowhere. */
export const accessTarget: Kind<AccessTarget | null> = {
  type: 'stdout, file path or syslog address',
  parse(value, context) {
    const text = line.parse(value, context)
    if (text === '') return null
    if (text === 'stdout') return { kind: 'stdout' }
    if (text === systemSocket || text === 'syslog') throw expected(inItsPlace, text)
    if (isAbsolute(text)) return { kind: 'file', path: text }
    const [, transport = '', place = ''] = /^syslog\+(udp|tcp|unix):\/\/(.*)$/.exec(text) ?? []
    if (transport === 'unix' && isAbsolute(place)) {
      if (place === systemSocket)
        context.warn(
          `${place} is a socket for datagrams on most systems, and nothing can be written to it then: take ${inItsPlace}`,
        )
      return { kind: 'syslog', transport, path: place }
    }
    if (transport === 'udp' || transport === 'tcp') {
      const found = splitHostPort(place)
      if (found === null || found.host === '')
        throw new ValueError(`expected ${transport}://HOST:PORT, got ${quoted(place)}`)
      return { kind: 'syslog', transport, host: found.host, port: found.port ?? 514 }
    }
    throw expected(
      'stdout, an absolute path, syslog+udp://HOST:PORT, syslog+tcp://HOST:PORT or syslog+unix:///PATH',
      text,
    )
  },
}
