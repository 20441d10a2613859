/** A span as the collector has it. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status: { readonly code?: number; readonly message?: string }
  /** By their keys. */
  readonly attributes: Readonly<Record<string, string | number>>
}

type Json = Readonly<Record<string, unknown>>

function object(value: unknown, where: string, keys: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${where}: no object`)
  for (const key of Object.keys(value))
    if (!keys.includes(key)) throw new Error(`${where}: unknown field ${key}`)
  return value as Json
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${where}: no list`)
  return value
}

function text(value: unknown, where: string, form = /^/): string {
  if (typeof value !== 'string' || !form.test(value)) throw new Error(`${where}: ${JSON.stringify(value)}`)
  return value
}

/** KeyValue of opentelemetry.proto.common.v1: integers of 64 bits are strings. */
function attributesOf(value: unknown, where: string): Record<string, string | number> {
  const found: Record<string, string | number> = {}
  for (const each of list(value, where)) {
    const { key, value: any } = object(each, where, ['key', 'value'])
    const name = text(key, where, /./)
    if (name in found) throw new Error(`${where}: ${name} twice`)
    const given = object(any, `${where} ${name}`, ['stringValue', 'intValue'])
    if (Object.keys(given).length !== 1) throw new Error(`${where} ${name}: not one value`)
    found[name] =
      'intValue' in given
        ? Number(text(given.intValue, `${where} ${name}`, /^-?\d+$/))
        : text(given.stringValue, `${where} ${name}`)
  }
  return found
}

function spanOf(value: unknown): ReceivedSpan {
  const keys = ['traceId', 'spanId', 'parentSpanId', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano']
  const span = object(value, 'span', [...keys, 'attributes', 'status'])
  const hex = (digits: number): RegExp => new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`)
  const start = text(span.startTimeUnixNano, 'startTimeUnixNano', /^\d{16,20}$/)
  const end = text(span.endTimeUnixNano, 'endTimeUnixNano', /^\d{16,20}$/)
  if (BigInt(end) < BigInt(start)) throw new Error(`span: ends at ${end}, before ${start}`)
  if (typeof span.kind !== 'number' || span.kind < 1 || span.kind > 5) throw new Error(`kind: ${span.kind}`)
  const status = object(span.status, 'status', ['code', 'message'])
  if (status.code !== undefined && status.code !== 1 && status.code !== 2)
    throw new Error(`code: ${status.code}`)
  if (status.message !== undefined) text(status.message, 'message')
  return {
    traceId: text(span.traceId, 'traceId', hex(32)),
    spanId: text(span.spanId, 'spanId', hex(16)),
    ...(span.parentSpanId === undefined
      ? {}
      : { parentSpanId: text(span.parentSpanId, 'parentSpanId', hex(16)) }),
    name: text(span.name, 'name', /./),
    kind: span.kind,
    startTimeUnixNano: start,
    endTimeUnixNano: end,
    status: status as ReceivedSpan['status'],
    attributes: attributesOf(span.attributes, 'attributes'),
  }
}

/**
 * Reads an ExportTraceServiceRequest in JSON and forgives nothing: ids in hexadecimal digits, enums as numbers, integers
 * of 64 bits as strings, and no field that the schema does not have. Throws with what is wrong.
 */
export function parseOtlp(
  body: string,
): { resource: Record<string, string | number>; spans: ReceivedSpan[] }[] {
  const { resourceSpans } = object(JSON.parse(body), 'request', ['resourceSpans'])
  return list(resourceSpans, 'resourceSpans').map((each) => {
    const { resource, scopeSpans } = object(each, 'resourceSpans', ['resource', 'scopeSpans'])
    const { attributes } = object(resource, 'resource', ['attributes'])
    const spans = list(scopeSpans, 'scopeSpans').flatMap((one) => {
      const { scope, spans: own } = object(one, 'scopeSpans', ['scope', 'spans'])
      text(object(scope, 'scope', ['name', 'version']).name, 'scope', /./)
      return list(own, 'spans').map(spanOf)
    })
    return { resource: attributesOf(attributes, 'resource'), spans }
  })
}
