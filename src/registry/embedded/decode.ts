import { messageOf } from '../../base/errors.ts'
import { parseGoDuration } from './duration.ts'

/**
 * Decodes request bodies as Consul's agent does: Go's `encoding/json` with unknown fields refused. Field names match
 * in any case and in snake_case, an absent or null field gets the zero value of its type.
 */
export interface Type<T> {
  /** Go's name of it, for error messages. */
  readonly name: string
  readonly zero: T
  /** `field` is the path to the value, `.Check.HTTP`; empty at the top. Throws a DecodeError. */
  read(value: unknown, field: string): T
}

/** The body is not what the endpoint takes; the message is what the client reads after `Request decode failed: `. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

/** Throws a DecodeError. */
export function decodeBody<T>(type: Type<T>, body: Buffer): T {
  const text = body.toString('utf8')
  if (text.trim() === '') throw new DecodeError('EOF')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new DecodeError(isTruncated(text, messageOf(error)) ? 'unexpected EOF' : messageOf(error))
  }
  return value === null ? type.zero : type.read(value, '')
}

/** V8 says where it gave up: at the end, or inside of a string that does not end. */
function isTruncated(text: string, found: string): boolean {
  const position = /at position (\d+)/.exec(found)?.[1]
  return position === undefined
    ? /unexpected end/i.test(found)
    : Number(position) >= text.trimEnd().length || found.startsWith('Unterminated')
}

/** Go's word for a JSON value. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number' && !Number.isInteger(value)) return `number ${value}`
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function mismatch(value: unknown, field: string, type: string): DecodeError {
  const into = field === '' ? 'Go value' : `Go struct field ${field}`
  return new DecodeError(`json: cannot unmarshal ${kindOf(value)} into ${into} of type ${type}`)
}

export const text: Type<string> = {
  name: 'string',
  zero: '',
  read(value, field) {
    if (typeof value !== 'string') throw mismatch(value, field, this.name)
    return value
  },
}

export const integer: Type<number> = {
  name: 'int',
  zero: 0,
  read(value, field) {
    if (!Number.isSafeInteger(value)) throw mismatch(value, field, this.name)
    return value as number
  },
}

export const bool: Type<boolean> = {
  name: 'bool',
  zero: false,
  read(value, field) {
    if (typeof value !== 'boolean') throw mismatch(value, field, this.name)
    return value
  },
}

/** Milliseconds. Written as `"10s"`, or as a number of nanoseconds. */
export const duration: Type<number> = {
  name: 'time.Duration',
  zero: 0,
  read(value, field) {
    if (typeof value === 'number') return Math.trunc(value) / 1e6
    if (typeof value !== 'string') throw mismatch(value, field, this.name)
    try {
      return parseGoDuration(value)
    } catch (error) {
      throw new DecodeError(messageOf(error))
    }
  },
}

/** A JSON object that is kept and never looked into. */
export const opaque: Type<Readonly<Record<string, unknown>> | null> = {
  name: 'map[string]interface {}',
  zero: null,
  read(value, field) {
    if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, field, this.name)
    return value as Record<string, unknown> | null
  },
}

export function list<T>(item: Type<T>): Type<readonly T[]> {
  const name = `[]${item.name}`
  return {
    name,
    zero: [],
    read(value, field) {
      if (!Array.isArray(value)) throw mismatch(value, field, name)
      return value.map((each: unknown) => (each === null ? item.zero : item.read(each, field)))
    },
  }
}

export function mapOf<T>(item: Type<T>): Type<Readonly<Record<string, T>> | null> {
  const name = `map[string]${item.name}`
  return {
    name,
    zero: null,
    read(value, field) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw mismatch(value, field, name)
      }
      // fromEntries makes own properties even of a key called `__proto__`.
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, each === null ? item.zero : item.read(each, field)]),
      )
    },
  }
}

/** Null where it is absent. */
export function pointer<T>(type: Type<T>): Type<T | null> {
  return { name: type.name, zero: null, read: (value, field) => type.read(value, field) }
}

type Fields = Readonly<Record<string, Type<unknown>>>
type Struct<F extends Fields> = { readonly [K in keyof F]: F[K] extends Type<infer T> ? T : never }

/** `DeregisterCriticalServiceAfter` → `deregister_critical_service_after`, `TLSSkipVerify` → `tls_skip_verify` */
const toSnake = (name: string): string =>
  name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()

export function struct<F extends Fields>(name: string, fields: F): Type<Struct<F>> {
  const known = new Map(
    Object.keys(fields).flatMap((field) => [
      [field.toLowerCase(), field],
      [toSnake(field), field],
    ]),
  )
  const zeroes = Object.fromEntries(Object.entries(fields).map(([field, type]) => [field, type.zero]))
  return {
    name,
    zero: zeroes as Struct<F>,
    read(value, path) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw mismatch(value, path, name)
      }
      const found: Record<string, unknown> = { ...zeroes }
      for (const [key, each] of Object.entries(value)) {
        const field = known.get(key.toLowerCase())
        if (field === undefined) throw new DecodeError(`json: unknown field ${JSON.stringify(key)}`)
        if (each !== null) found[field] = fields[field]!.read(each, `${path}.${field}`)
      }
      return found as Struct<F>
    },
  }
}
