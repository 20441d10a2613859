import { DecodeError, decodeBody, type Type } from './decode.ts'
import { RefusedError } from './refused.ts'

/** A request as an endpoint sees it. */
export interface Call {
  readonly method: string
  /** What follows the endpoint's path, decoded: the service name of `/v1/health/service/NAME`. */
  readonly rest: string
  readonly query: URLSearchParams
  readonly body: Buffer
  /** Ends a blocked read early: the client went away. */
  readonly signal: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

export type Handler = (call: Call) => Answer | Promise<Answer>

export interface Endpoint {
  /** Ends in `*` where more follows. */
  readonly path: string
  readonly methods: Readonly<Record<string, Handler>>
}

export const done: Answer = { status: 200, headers: {}, body: '' }

/** As an agent in dev mode writes it: indented, with what means something in HTML escaped, as Go does. */
export function json(value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const text = JSON.stringify(value, null, 4).replace(/[<>&\u2028\u2029]/g, escapeUnicode)
  return { status: 200, headers: { 'Content-Type': 'application/json', ...headers }, body: `${text}\n` }
}

const escapeUnicode = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

export function problem(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }, body: text }
}

/** Throws a RefusedError with Consul's words for a body that does not decode. */
export function bodyOf<T>(type: Type<T>, call: Call): T {
  try {
    return decodeBody(type, call.body)
  } catch (error) {
    if (error instanceof DecodeError) throw new RefusedError(400, `Request decode failed: ${error.message}`)
    throw error
  }
}

/** What follows the path; throws a RefusedError when nothing does. */
export function required(rest: string, what: string): string {
  if (rest === '') throw new RefusedError(400, `Missing ${what}`)
  return rest
}

/** Go's `strconv.ParseBool`: undefined for any other text. */
export function parseGoBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined
}
