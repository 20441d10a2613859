import { request } from 'undici'
import { otlpJson, type TraceSource } from './otlp-json.ts'
import type { SendSpans } from './span-queue.ts'

/** Plain data. */
export interface ExporterOptions {
  /** `tracing.endpoint`: the whole URL. */
  readonly endpoint: string
  /** `tracing.headers`: fields of each message. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
}

/** What a message may take; milliseconds. */
const timeoutMs = 10_000
/** OTLP/HTTP: with these the same message may be sent again. */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** Sends spans to an OpenTelemetry collector: OTLP over HTTP, JSON. */
export function otlpExporter({ endpoint, headers }: ExporterOptions, source: TraceSource): SendSpans {
  const fields = Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value]))
  return async (spans) => {
    const { statusCode, body } = await request(endpoint, {
      method: 'POST',
      headers: { ...fields, 'content-type': 'application/json' },
      body: otlpJson(spans, source),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    })
    const text = await body.text()
    if (statusCode >= 200 && statusCode < 300) {
      return { rejected: Math.min(spans.length, rejectedIn(text)), error: null, mayRetry: false }
    }
    const error = `${endpoint} answered ${statusCode}`
    return { rejected: spans.length, error, mayRetry: retryable.has(statusCode) }
  }
}

/** ExportTracePartialSuccess: how many the collector did not want. */
function rejectedIn(text: string): number {
  try {
    const answer = JSON.parse(text) as { partialSuccess?: { rejectedSpans?: string | number } } | null
    const count = Number(answer?.partialSuccess?.rejectedSpans ?? 0)
    return Number.isInteger(count) && count > 0 ? count : 0
  } catch {
    return 0
  }
}
