import type { GatewayError } from '../../base/errors.ts'
import type { World } from '../../base/world.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import { requestScheme } from '../../proxy/forwarding-fields.ts'
import type { ExchangeTrace, Tracer } from '../../proxy/trace.ts'
import type { Target } from '../../route/table.ts'
import type { AttributeValue, Span, SpanSink } from './span.ts'
import {
  type Propagation,
  type TraceContext,
  traceFields,
  traceFieldsWithState,
  traceLines,
  traceOf,
} from './trace-context.ts'

/** Plain data. */
export interface TracerOptions {
  /** `tracing.ratio`: the part of the traces that begin here which is recorded, 0 to 1. */
  readonly ratio: number
  /** `tracing.propagation`: what is written upstream beside what the client used. */
  readonly propagation: readonly Propagation[]
}

/** One attempt to have an instance answer. Moments are monotonic milliseconds. */
interface Attempt {
  readonly spanId: string
  readonly target: Target
  readonly startedAt: number
  endedAt: number
  error: GatewayError | null
}

/** The trace of one exchange. */
class OwnTrace implements ExchangeTrace {
  readonly traceId: string
  readonly spanId: string
  readonly parent: TraceContext | null
  readonly isSampled: boolean
  readonly except: ReadonlySet<string> | null
  lines = ''
  /** Of one that is recorded. */
  readonly attempts: Attempt[] = []

  constructor(
    traceId: string,
    spanId: string,
    parent: TraceContext | null,
    isSampled: boolean,
    except: ReadonlySet<string> | null,
  ) {
    this.traceId = traceId
    this.spanId = spanId
    this.parent = parent
    this.isSampled = isSampled
    this.except = except
  }
}

/**
 * Continues traces and begins them. What is not recorded costs the ids and the fields that say so; what is recorded
 * becomes a span for the request and one for each attempt, by the names of OpenTelemetry's conventions for HTTP.
 */
export class ExchangeTracer implements Tracer {
  readonly #options: TracerOptions
  readonly #world: World
  readonly #sink: SpanSink

  constructor(options: TracerOptions, world: World, sink: SpanSink) {
    this.#options = options
    this.#world = world
    this.#sink = sink
  }

  /** HOT where tracing is on: once for each request, most of which are in no trace yet. */
  begin(exchange: Exchange): void {
    const { fields } = exchange
    if (!fields.hasNamed(traceFieldsWithState)) {
      const traceId = this.#newId(4)
      exchange.trace = new OwnTrace(traceId, this.#newId(2), null, this.#isChosen(traceId), null)
      return
    }
    const { context, isSampled } = traceOf(fields)
    const traceId = context?.traceId ?? this.#newId(4)
    const { names } = context?.form === 'w3c' ? traceFields : traceFieldsWithState
    const isRecorded = isSampled ?? this.#isChosen(traceId)
    exchange.trace = new OwnTrace(traceId, this.#newId(2), context, isRecorded, names)
  }

  /** By the digits of the trace: whoever else chooses in this way comes to the same result. */
  #isChosen(traceId: string): boolean {
    const { ratio } = this.#options
    if (ratio <= 0) return false
    // 52 bits of the lower half: as many as a number holds.
    return ratio >= 1 || Number.parseInt(traceId.slice(16, 29), 16) / 2 ** 52 < ratio
  }

  /** @param words of 32 bits; not all of them are 0 */
  #newId(words: number): string {
    let id = ''
    for (let i = 0; i < words; i++) {
      const word = Math.floor(this.#world.random() * 2 ** 32)
      id +=
        twoDigits[word >>> 24]! +
        twoDigits[(word >>> 16) & 0xff]! +
        twoDigits[(word >>> 8) & 0xff]! +
        twoDigits[(i === words - 1 ? word | 1 : word) & 0xff]!
    }
    return id
  }

  attempt(exchange: Exchange, target: Target): void {
    const trace = exchange.trace as OwnTrace
    let { spanId } = trace
    if (trace.isSampled) {
      spanId = this.#newId(2)
      const startedAt = this.#world.clock.monotonic()
      trace.attempts.push({ spanId, target, startedAt, endedAt: 0, error: null })
    }
    const { traceId, isSampled, parent } = trace
    trace.lines = traceLines(this.#options.propagation, traceId, spanId, isSampled, parent)
  }

  attemptFailed(exchange: Exchange, error: GatewayError): void {
    const attempt = (exchange.trace as OwnTrace).attempts.at(-1)
    if (attempt === undefined) return
    attempt.endedAt = this.#world.clock.monotonic()
    attempt.error = error
  }

  /** The exchange is over. */
  finished(exchange: Exchange, milliseconds: number): void {
    const trace = exchange.trace as OwnTrace
    if (!trace.isSampled) return
    const { clock } = this.#world
    const endedAt = exchange.startedAt + milliseconds
    // Both clocks at this moment: what is told is wall time, what was measured is not.
    const offset = clock.now() - endedAt
    this.#sink.add(this.#serverSpan(exchange, trace, offset, endedAt))
    for (const [index, attempt] of trace.attempts.entries()) {
      this.#sink.add(this.#clientSpan(exchange, trace, attempt, index, offset, endedAt))
    }
  }

  #serverSpan(exchange: Exchange, trace: OwnTrace, offset: number, endedAt: number): Span {
    const { method, route, status, failure, chosen, attempts, fields, client, clientAddress } = exchange
    const error = errorType(failure, status, 500)
    const attributes: Record<string, AttributeValue> = {
      'http.request.method': method,
      'url.path': pathOf(exchange.target),
      'url.scheme': requestScheme(exchange),
      'server.address': exchange.host,
      'client.address': clientAddress,
      'network.peer.address': client.remoteAddress,
      'network.protocol.version': client.httpVersion,
      'http.response.status_code': status,
      'gatehouse.attempts': attempts,
    }
    const agent = fields.first('user-agent')
    if (agent !== '') attributes['user_agent.original'] = textOf(agent)
    if (route !== null) attributes['http.route'] = route.text
    if (chosen !== null) attributes['gatehouse.service'] = chosen.service
    if (error !== null) attributes['error.type'] = error
    return {
      traceId: trace.traceId,
      spanId: trace.spanId,
      parentId: trace.parent?.parentId ?? '',
      name: route === null ? method : `${method} ${route.text}`,
      kind: 'server',
      startedAt: exchange.startedAt + offset,
      endedAt: endedAt + offset,
      attributes,
      error,
    }
  }

  #clientSpan(
    exchange: Exchange,
    trace: OwnTrace,
    { spanId, target, startedAt, endedAt, error: failure }: Attempt,
    index: number,
    offset: number,
    end: number,
  ): Span {
    const isLast = index === trace.attempts.length - 1
    const status = isLast && exchange.answeredAt > 0 ? exchange.status : 0
    const error = errorType(failure ?? (isLast ? exchange.failure : null), status, 400)
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(target.authority) ?? []
    const attributes: Record<string, AttributeValue> = {
      'http.request.method': exchange.method,
      'server.address': host,
      'server.port': Number(port),
      'url.full': target.url,
      'gatehouse.service': target.service,
      'gatehouse.instance': target.instance,
    }
    if (index > 0) attributes['http.request.resend_count'] = index
    if (status > 0) attributes['http.response.status_code'] = status
    if (error !== null) attributes['error.type'] = error
    return {
      traceId: trace.traceId,
      spanId,
      parentId: trace.spanId,
      name: exchange.method,
      kind: 'client',
      startedAt: startedAt + offset,
      endedAt: (endedAt === 0 ? end : endedAt) + offset,
      attributes,
      error,
    }
  }
}

/** Of each octet. */
const twoDigits: readonly string[] = Array.from({ length: 256 }, (_, octet) =>
  octet.toString(16).padStart(2, '0'),
)

/** Without the query, which may have secrets. */
const pathOf = (target: string): string => target.split('?', 1)[0]!

/** Fields are octets: JSON has characters. */
const textOf = (octets: string): string => Buffer.from(octets, 'latin1').toString('utf8')

/** Our own code where there is one, else the status. @param from the least status that is an error here */
function errorType(failure: GatewayError | null, status: number, from: number): string | null {
  if (failure !== null && (status >= from || failure.status >= 500)) return failure.code
  return status >= from ? String(status) : null
}
