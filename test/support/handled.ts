import { TimerWheel } from '../../src/base/timer-wheel.ts'
import type { FieldList } from '../../src/http1/field-section.ts'
import { listOfLines, sectionOf } from '../../src/http1/field-section.ts'
import type { ResponseSink, UpstreamRequest } from '../../src/http1/messages.ts'
import { createAuth } from '../../src/middleware/auth.ts'
import { type PlanOptions, planCompiler, unroutedAnswerLines } from '../../src/middleware/compile-plan.ts'
import { RateBuckets } from '../../src/middleware/rate-buckets.ts'
import type { Exchange } from '../../src/proxy/exchange.ts'
import { createHandler, type Handler, type HandlerOptions } from '../../src/proxy/handler.ts'
import { routePath } from '../../src/proxy/path.ts'
import type { ChooseChange } from '../../src/proxy/plan.ts'
import { TableBuilder } from '../../src/route/table.ts'
import { Upstreams } from '../../src/upstream/upstreams.ts'
import { CapturedLog } from './captured-log.ts'
import { exchangeOf } from './exchange.ts'
import { FakeClock, fakeWorld } from './fake-clock.ts'
import { planOptions } from './plan.ts'
import { definition, serviceRoutes } from './routes.ts'

/** A request that a client makes of the handler, without any socket. */
export interface HandledRequest {
  readonly method?: string
  readonly target?: string
  readonly fields?: FieldList
  readonly secure?: boolean
  readonly httpVersion?: '1.0' | '1.1'
  readonly remoteAddress?: string
}

/** What became of it, as far as it has come. */
export interface Handled {
  readonly exchange: Exchange
  readonly handler: Handler
  /** What the instance was sent; null: nothing. */
  readonly sent: UpstreamRequest | null
  /** To answer as the instance. */
  readonly sink: ResponseSink | null
  /** How often the instance was told to go on, and whether to stop. */
  readonly call: { resumed: number; aborted: boolean }
  /** Of the answer that the client got. */
  readonly answer: {
    status: number
    lines: string
    /** Name, value, name, value… */
    readonly fields: FieldList
    length: number | null
    body: Buffer[]
    trailers: string
    ended: boolean
    aborted: boolean
  }
  /** What the client says of the next chunks: false holds back. */
  takes: boolean
}

/** The values of a field among these, in their order. */
export const valuesOf = (fields: FieldList, name: string): string[] =>
  fields.filter((_value, i) => i % 2 === 1 && fields[i - 1]!.toLowerCase() === name.toLowerCase())

/** A handler with these routes of one instance: `handling('/ strip=/x')`. */
export function handling(
  routes: string | readonly string[],
  {
    plan = {},
    handler = {},
    isDry = false,
    change = null,
  }: {
    plan?: Partial<PlanOptions>
    handler?: Partial<HandlerOptions>
    isDry?: boolean
    /** In place of what the plans say of the bodies of answers. */
    change?: ChooseChange | null
  } = {},
) {
  const clock = new FakeClock()
  const world = fakeWorld(clock)
  const options = planOptions(plan)
  let last: { request: UpstreamRequest; sink: ResponseSink; call: Handled['call'] }[] = []
  const client = {
    send(request: UpstreamRequest, sink: ResponseSink) {
      const call = { resumed: 0, aborted: false }
      last.push({ request, sink, call })
      return {
        resume: () => void call.resumed++,
        abort: () => {
          call.aborted = true
        },
      }
    },
    close: async () => {},
    destroy: async () => {},
  }
  const compile = planCompiler(options, {
    auth: createAuth([], { world, log: new CapturedLog() }),
    buckets: new RateBuckets({ most: 1_000, workers: 1 }, clock, null),
  })
  const { table } = new TableBuilder(
    {
      matcher: 'prefix',
      strategy: 'rr',
      queue: { size: 100, timeout: 5_000 },
      unhealthyRoute: '503',
      random: () => 0,
      compilePlan: (target) => ({ ...compile(target), ...(change === null ? {} : { change }) }),
    },
    new Upstreams(() => client),
  ).apply([
    serviceRoutes('web', ...[routes].flat().map((route) => definition('web', route, 'http://10.0.0.1:80/'))),
  ])
  const phases = createHandler(
    {
      noRouteStatus: 404,
      clientIpHeader: '',
      requestIdHeader: '',
      tlsHeader: '',
      tlsValue: '',
      localIp: '',
      retryBudget: { share: 0.2, minimum: 3 },
      replaySize: 0,
      errorPages: {},
      trusted: [],
      own: unroutedAnswerLines(options),
      newId: () => 'id',
      ...handler,
    },
    {
      live: { current: table },
      noRoutePage: { html: '' },
      observer: { finished() {}, upgraded() {} },
      tracer: null,
      log: new CapturedLog(),
      world,
      wheel: new TimerWheel(clock),
      skipped: isDry ? () => {} : null,
    },
  )

  const handle = (request: HandledRequest = {}): Handled => {
    const attempts: typeof last = []
    last = attempts
    const answer: Handled['answer'] = {
      status: 0,
      lines: '',
      get fields() {
        return listOfLines(this.lines)
      },
      length: null,
      body: [],
      trailers: '',
      ended: false,
      aborted: false,
    }
    const { target = '/', fields = [] } = request
    const exchange = exchangeOf(
      {
        method: request.method ?? 'GET',
        target,
        path: routePath(target),
        fields: sectionOf(['Host', 'shop.test', ...fields]),
      },
      {
        secure: request.secure ?? false,
        httpVersion: request.httpVersion ?? '1.1',
        remoteAddress: request.remoteAddress ?? '192.0.2.7',
        answer(status, _reason, lines, length) {
          Object.assign(answer, { status, length })
          answer.lines = lines
        },
        write(chunk) {
          answer.body.push(Buffer.from(chunk))
          return handled.takes
        },
        end(trailers) {
          answer.trailers = trailers
          answer.ended = true
        },
        abort() {
          answer.aborted = true
        },
      },
    )
    const handled: Handled & { takes: boolean } = {
      exchange,
      handler: phases,
      get sent() {
        return attempts.at(-1)?.request ?? null
      },
      get sink() {
        return attempts.at(-1)?.sink ?? null
      },
      get call() {
        return attempts.at(-1)!.call
      },
      answer,
      takes: true,
    }
    phases.handle(exchange)
    return handled
  }
  return { handle, clock, world }
}

/** Answers as an instance would, whole. */
export function answerWith(
  handled: Handled,
  fields: FieldList,
  { status = 200, body = '', length = Buffer.byteLength(body) as number | null } = {},
): Handled {
  const sink = handled.sink!
  sink.sent()
  sink.head(status, '', sectionOf(fields), length)
  if (body !== '') sink.data(Buffer.from(body))
  sink.end(null)
  return handled
}
