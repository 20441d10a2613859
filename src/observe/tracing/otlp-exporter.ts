import { request } from 'undici'
import type { Clock } from '../../base/world.ts'
import { otlpJson, type TraceSource } from './otlp-json.ts'
import type { SendSpans } from './span-queue.ts'

/** Plain data. */
export interface ExporterOptions {
  /** `tracing.endpoint`: the whole URL. */
  readonly endpoint: string
  /** `tracing.headers`: fields of each message. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
}

/** What a message and its answer may take; milliseconds. */
const timeoutMs = 10_000
/** Octets of an answer that are read: a collector says how many spans it did not want, and why. */
const longestAnswer = 64 * 1024
/** OTLP/HTTP: with these the same message may be sent again. */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** Sends spans to an OpenTelemetry collector: OTLP over HTTP, JSON. */
export function otlpExporter(
  { endpoint, headers }: ExporterOptions,
  source: TraceSource,
  clock: Clock,
): SendSpans {
  const fields = Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value]))
  return async (spans) => {
    const abort = new AbortController()
    const cancel = clock.after(timeoutMs, () =>
      abort.abort(new Error(`${endpoint} did not answer within ${timeoutMs / 1000} s`)),
    )
    try {
      const { statusCode, body } = await request(endpoint, {
        method: 'POST',
        headers: { ...fields, 'content-type': 'application/json' },
        body: otlpJson(spans, source),
        headersTimeout: 0,
        bodyTimeout: 0,
        signal: abort.signal,
      })
      const text = await beginningOf(body)
      if (statusCode >= 200 && statusCode < 300) {
        return { rejected: Math.min(spans.length, rejectedIn(text)), error: null, mayRetry: false }
      }
      const error = `${endpoint} answered ${statusCode}`
      return { rejected: spans.length, error, mayRetry: retryable.has(statusCode) }
    } finally {
      cancel()
    }
  }
}

/** As much of an answer as anybody needs. Whether the collector has the spans its status has said: never rejects. */
async function beginningOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      length += chunk.length
      // Leaving the loop ends the connection.
      if (length > longestAnswer) break
    }
  } catch {
    // It broke off, or takes too long.
  }
  return Buffer.concat(chunks).toString('utf8')
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
