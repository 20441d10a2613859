import { connectionFields, isFieldName, isFieldValue, plainName } from '../base/field-syntax.ts'
import type { ServiceAnswer } from './forward.ts'

/** A request as the gateway sees it, in its own words. */
export interface AskedRequest {
  readonly method: string
  /** `http` or `https` */
  readonly proto: string
  readonly host: string
  /** Path and query: those that are served if the service lets the request pass. */
  readonly uri: string
  /** The hops that are believed, and the peer. */
  readonly forwardedFor: string
  /** Null: nobody whose word counts tells it. */
  readonly clientAddress: string | null
}

/** Of a body that is not sent along, of conditions and parts: they are not about the question. Lower case. */
export const notAsked: ReadonlySet<string> = new Set([
  'accept-encoding',
  'content-encoding',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
])

/** Fields by which services find out what they are asked about: ours to say, whatever a client says in them. */
const sayingWhat = /^(?:forwarded|x-(?:forwarded|original|rewrite)-.*|x-real-ip)$/

/**
 * What the service is told: fields of the client, and the request in our words.
 *
 * @param client name, value, name, value… without those of the connection and `notAsked`
 * @param named fields of the client that the service gets, lower case; null: all of them
 */
export function toldFields(
  client: readonly string[],
  named: ReadonlySet<string> | null,
  { method, proto, host, uri, forwardedFor, clientAddress }: AskedRequest,
): string[] {
  const told: string[] = []
  for (let i = 0; i < client.length; i += 2) {
    const [name = '', value = ''] = [client[i], client[i + 1]]
    const lower = name.toLowerCase()
    if (!sayingWhat.test(plainName(lower)) && (named === null || named.has(lower))) told.push(name, value)
  }
  told.push(
    ...['X-Forwarded-Method', method],
    ...['X-Forwarded-Proto', proto],
    ...['X-Forwarded-Host', host],
    ...['X-Forwarded-Uri', uri],
    ...['X-Forwarded-For', forwardedFor],
    ...(clientAddress === null ? [] : ['X-Real-Ip', clientAddress]),
  )
  return told
}

/** Fields of the service's answer that somebody else may be sent: name, value, name, value… */
export function passedOn(
  { fields }: ServiceAnswer,
  isWanted: (lowerName: string) => boolean,
): readonly string[] {
  const passed: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    const [field = '', value = ''] = [fields[i], fields[i + 1]]
    const name = field.toLowerCase()
    const mayGoOn = isFieldName(field) && !connectionFields.has(name) && isFieldValue(value)
    if (mayGoOn && isWanted(name)) passed.push(field, value)
  }
  return passed
}

/** What a refusal's body is. */
export function typeOfBody({ fields }: ServiceAnswer): string {
  const at = fields.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === 'content-type')
  const stated = at === -1 ? '' : fields[at + 1]!
  return stated !== '' && isFieldValue(stated) ? stated : 'text/plain; charset=utf-8'
}

export const lowerCased = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => name.toLowerCase()))
