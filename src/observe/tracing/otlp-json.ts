import type { AttributeValue, Span } from './span.ts'

/** Who the spans are from: attributes of the resource. */
export interface TraceSource {
  /** `tracing.servicename` */
  readonly service: string
  readonly hostname: string
  /** Number of the process, 1 for the first. */
  readonly worker: number
}

/** SpanKind and StatusCode of opentelemetry.proto.trace.v1: numbers in OTLP's JSON. */
const kinds = { server: 2, client: 3 } as const
const failed = 2

/** Integers of 64 bits are strings in protobuf's JSON; nanoseconds are more than a number holds exactly. */
const nanos = (milliseconds: number): string => {
  const whole = Math.floor(milliseconds)
  return `${whole}${String(Math.floor((milliseconds - whole) * 1e6)).padStart(6, '0')}`
}

const attribute = (key: string, value: AttributeValue) => ({
  key,
  value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
})

const attributesOf = (values: Readonly<Record<string, AttributeValue>>) =>
  Object.entries(values).map(([key, value]) => attribute(key, value))

const spanOf = ({ traceId, spanId, parentId, name, kind, startedAt, endedAt, attributes, error }: Span) => ({
  traceId,
  spanId,
  ...(parentId === '' ? {} : { parentSpanId: parentId }),
  name,
  kind: kinds[kind],
  startTimeUnixNano: nanos(startedAt),
  endTimeUnixNano: nanos(endedAt),
  attributes: attributesOf(attributes),
  status: error === null ? {} : { code: failed, message: error },
})

/** An ExportTraceServiceRequest of OTLP/HTTP in JSON (opentelemetry.io/docs/specs/otlp). */
export const otlpJson = (spans: readonly Span[], { service, hostname, worker }: TraceSource): string =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: attributesOf({
            'service.name': service,
            'service.instance.id': `${hostname}-${worker}`,
            'host.name': hostname,
          }),
        },
        scopeSpans: [{ scope: { name: 'gatehouse' }, spans: spans.map(spanOf) }],
      },
    ],
  })
