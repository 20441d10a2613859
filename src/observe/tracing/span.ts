/** What an attribute of a span may be. */
export type AttributeValue = string | number

/** One part of a trace, over. Plain data, as the exporter writes it. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  /** Empty: it is the first of its trace. */
  readonly parentId: string
  readonly name: string
  readonly kind: 'server' | 'client'
  /** Milliseconds since the epoch, with a fraction. */
  readonly startedAt: number
  readonly endedAt: number
  readonly attributes: Readonly<Record<string, AttributeValue>>
  /** Why it failed; null: it did not. */
  readonly error: string | null
}

/** Takes spans that are over. Throws nothing and keeps nobody waiting. */
export interface SpanSink {
  add(span: Span): void
}
