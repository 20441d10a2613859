import type { Log } from '../../base/log.ts'
import type { Clock, World } from '../../base/world.ts'
import { ExchangeTracer, type TracerOptions } from './exchange-tracer.ts'
import type { ExporterOptions } from './otlp-exporter.ts'
import type { TraceSource } from './otlp-json.ts'
import { type SendSpans, SpanQueue } from './span-queue.ts'

/** Plain data: it crosses the border of a process. */
export interface TracingOptions extends TracerOptions, ExporterOptions {
  /** `tracing.servicename` */
  readonly service: string
  /** `tracing.queue`: spans that may wait. */
  readonly queue: number
}

/** Tracing, where it is on. */
export class Tracing {
  readonly tracer: ExchangeTracer
  readonly #queue: SpanQueue

  constructor(
    options: TracingOptions,
    self: { readonly number: number; readonly hostname: string },
    parts: { readonly world: World; readonly log: Log },
  ) {
    const { service } = options
    const source: TraceSource = { service, hostname: self.hostname, worker: self.number }
    this.#queue = new SpanQueue(lazily(options, source, parts.world.clock), options.queue, parts)
    this.tracer = new ExchangeTracer(options, parts.world, this.#queue)
  }

  get figures(): { readonly exported: number; readonly dropped: number } {
    const { exported, dropped } = this.#queue
    return { exported, dropped }
  }

  /** Sends what is left, for `ms` at most. */
  close(ms: number): Promise<void> {
    return this.#queue.close(ms)
  }
}

/** What sends spans is loaded with the first of them. */
function lazily(options: ExporterOptions, source: TraceSource, clock: Clock): SendSpans {
  let send: SendSpans | null = null
  return async (spans) => {
    send ??= (await import('./otlp-exporter.ts')).otlpExporter(options, source, clock)
    return send(spans)
  }
}
