import type { SchemeOptions } from './auth/scheme.ts'
import type { QueueOptions } from './balance/queue.ts'
import type { Strategy } from './balance/strategies.ts'
import { AddressSet } from './base/address-set.ts'
import type { Log } from './base/log.ts'
import type { ProcessUsage } from './base/process-usage.ts'
import { TimerWheel } from './base/timer-wheel.ts'
import type { World } from './base/world.ts'
import { ConnectionLimit } from './listen/connection-limit.ts'
import { type HttpListenerOptions, type Listener, listenHttp } from './listen/http-listener.ts'
import { createAuth } from './middleware/auth.ts'
import { type PlanOptions, planCompiler, unroutedAnswerLines } from './middleware/compile-plan.ts'
import { RateBuckets, type TokensTaken } from './middleware/rate-buckets.ts'
import { AccessLog, type AccessLogOptions } from './observe/access-log/access-log.ts'
import type { WriteOut } from './observe/access-log/output-sink.ts'
import { EventLoopDelay } from './observe/event-loop.ts'
import { type Explanation, explain, type HypotheticalRequest } from './observe/explain.ts'
import { Metrics, type MetricsOptions } from './observe/metrics.ts'
import { Observers } from './observe/observers.ts'
import type { MetricsSnapshot } from './observe/snapshot.ts'
import { Tracing, type TracingOptions } from './observe/tracing/tracing.ts'
import type { WorkerFigures } from './observe/worker-figures.ts'
import { createHandler, type HandlerOptions } from './proxy/handler.ts'
import type { WorkerPlace } from './route/balancing.ts'
import type { ServiceRoutes } from './route/definition.ts'
import { LiveTable } from './route/live.ts'
import { type RouteTable, TableBuilder, type TableOptions, type UnhealthyRoute } from './route/table.ts'
import type { UpstreamClient } from './upstream/client.ts'
import { UndiciClient, type UndiciClientOptions } from './upstream/undici-client.ts'
import type { CareOptions } from './upstream/upstream.ts'
import { Upstreams } from './upstream/upstreams.ts'
import { WireClient, type WireClientOptions } from './upstream/wire-client.ts'

export type { TokensTaken } from './middleware/rate-buckets.ts'

/** A port that is open. */
export interface OpenPort {
  readonly address: string
  readonly port: number
}

/** Plain data: it crosses the border of a process. */
export interface TrafficOptions {
  readonly listeners: readonly HttpListenerOptions[]
  /** `proxy.maxconns`: client connections at a time in this process; 0: no limit. */
  readonly maxConnections: number
  readonly handler: Omit<HandlerOptions, 'newId' | 'own'>
  readonly plan: PlanOptions
  /** `proxy.auth` */
  readonly auth: readonly SchemeOptions[]
  readonly matcher: TableOptions['matcher']
  readonly literalHosts: boolean
  readonly strategy: Strategy
  readonly queue: QueueOptions
  readonly care: CareOptions
  readonly unhealthyRoute: UnhealthyRoute
  /** `proxy.ratelimit.clients`: clients whose requests are counted at a time. */
  readonly rateLimitClients: number
  /** Which one of the processes that serve this is. */
  readonly worker: WorkerPlace
  readonly upstream: UndiciClientOptions & WireClientOptions
  /** `proxy.upstream.client`: what speaks to plain-HTTP upstreams; undici alone speaks TLS. */
  readonly upstreamClient: 'wire' | 'undici'
  readonly metrics: MetricsOptions
  /** Null: there is none. */
  readonly accessLog: AccessLogOptions | null
  /** Null: nothing is traced. */
  readonly tracing: TracingOptions | null
}

/** The traffic plane: takes route changes, serves requests. */
export interface Traffic {
  apply(changes: readonly ServiceRoutes[]): RouteTable
  /** The page for requests without a route; empty: none. */
  setNoRoutePage(html: string): void
  /** What would become of a request. */
  explain(request: HypotheticalRequest): Explanation
  /** Files of logs may have other names now: what follows goes to new ones. */
  reopenLogs(): void
  /** What it has counted. */
  metrics(): Promise<MetricsSnapshot>
  /** Opens the ports. Rejects with a StartError that names the one that could not be opened; then none is open. */
  listen(): Promise<readonly OpenPort[]>
  /** Requests that are being answered, and websockets that are open. */
  running(): Promise<number>
  /** Takes no new connection, lets running requests end for `ms`, then cuts them. Resolves with how many were cut. */
  drain(ms: number): Promise<number>
}

/** A traffic plane in this process. */
export interface TrafficProcess extends Traffic {
  /** What other processes have let pass of what is limited. */
  hearTaken(tokens: readonly TokensTaken[]): void
}

/** The process that serves. */
export interface WorkerSelf {
  /** 1 for the first. */
  readonly number: number
  readonly pid: number
  /** Of the machine. */
  readonly hostname: string
  usage(): ProcessUsage
  /** Where the access log goes that goes to stdout. */
  readonly writeOut: WriteOut
}

export interface TrafficParts {
  readonly world: World
  readonly log: Log
  newId(): string
  /** Null: nobody is served, the table is there for questions about it. */
  readonly self: WorkerSelf | null
  /** The ports, in the order of the listeners, as another process has bound them; none: this one binds them. */
  readonly boundPorts?: readonly object[]
  /** Tells the other processes what was let pass of what is limited; null: there are none. */
  tellTaken?: ((tokens: readonly TokensTaken[]) => void) | null
}

/** What the last lines of the access log may take at the end; milliseconds. */
const logGraceMs = 1_000

/** Of a table that serves nobody. One for all: of 20,000 instances, clients of their own are 20 MiB. */
const nobodysClient: UpstreamClient = {
  send() {
    throw new Error('expected a question about the table, got a request to serve')
  },
  close: async () => {},
  destroy: async () => {},
}

export function createTraffic(options: TrafficOptions, parts: TrafficParts): TrafficProcess {
  const { world, log, newId, self, tellTaken = null, boundPorts = [] } = parts
  const buckets = new RateBuckets(
    { most: options.rateLimitClients, workers: options.worker.of },
    world.clock,
    tellTaken,
  )
  const handlerOptions = { ...options.handler, newId, own: unroutedAnswerLines(options.plan) }
  const metrics = new Metrics(options.metrics)
  const accessLog =
    self === null || options.accessLog === null
      ? null
      : new AccessLog(options.accessLog, handlerOptions, { world, log, self })
  const tracing =
    self === null || options.tracing === null ? null : new Tracing(options.tracing, self, { world, log })
  const tracer = tracing === null ? null : tracing.tracer
  const observer = new Observers(metrics, accessLog, tracer)
  const loopDelay = self === null ? null : new EventLoopDelay(world.clock)
  const wheel = new TimerWheel(world.clock)
  const auth = createAuth(options.auth, { world, log })
  const upstreams = new Upstreams(
    (address) => {
      if (self === null) return nobodysClient
      return options.upstreamClient === 'wire' && address.origin.startsWith('http://')
        ? new WireClient(address, options.upstream, wheel)
        : new UndiciClient(address, options.upstream, wheel)
    },
    {
      options: options.care,
      wheel,
      clock: world.clock,
      log,
      changed: (upstream) => upstream.isEjected && metrics.ejected(),
    },
  )
  const live = new LiveTable(
    new TableBuilder(
      {
        matcher: options.matcher,
        literalHosts: options.literalHosts,
        strategy: options.strategy,
        queue: options.queue,
        unhealthyRoute: options.unhealthyRoute,
        compilePlan: planCompiler(options.plan, { auth, buckets }),
        ...(self === null ? {} : { meters: metrics }),
        random: world.random,
        worker: options.worker,
      },
      upstreams,
    ),
  )
  const noRoutePage = { html: '' }
  const handler = createHandler(handlerOptions, {
    live,
    noRoutePage,
    observer,
    tracer,
    log,
    world,
    wheel,
    skipped: null,
  })
  const listeners: Listener[] = []
  let draining: readonly Listener[] = []
  let isOver = false

  const drain = async (ms: number): Promise<number> => {
    draining = listeners.splice(0)
    const cut = await Promise.all(draining.map((listener) => listener.drain(ms)))
    isOver = true
    loopDelay?.close()
    await Promise.all([
      upstreams.destroy(),
      auth.close(),
      accessLog?.close(logGraceMs),
      tracing?.close(logGraceMs),
    ])
    return cut.reduce((sum, count) => sum + count, 0)
  }

  const workerFigures = ({ number, pid, usage }: WorkerSelf): WorkerFigures => {
    const { proxied, connectionsOpen } = metrics.counts
    return { number, pid, ...usage(), delay: loopDelay!.copy(), requests: proxied, connectionsOpen }
  }

  return {
    apply(changes) {
      // Changes still come while running requests end; afterwards there is nobody to serve.
      if (isOver) return live.current
      const table = live.apply(changes)
      for (const { service, definitions } of changes) if (definitions.length === 0) metrics.forget(service)
      return table
    },
    setNoRoutePage(html) {
      noRoutePage.html = html
    },
    explain: (request) => explain(request, handlerOptions, { table: live.current, noRoutePage, world }),
    reopenLogs: () => accessLog?.reopen(),
    async metrics() {
      metrics.counts.waiting = live.waiting
      return {
        ...metrics.snapshot(accessLog?.figures ?? null, tracing?.figures ?? null),
        upstreams: { addresses: upstreams.size, ...upstreams.connections() },
        live: upstreams.live(world.clock.now()),
        workers: self === null ? [] : [workerFigures(self)],
      }
    },
    async listen() {
      upstreams.startNewOnesSlowly()
      auth.start()
      try {
        const limit = new ConnectionLimit(options.maxConnections)
        const { trusted } = options.handler
        const listenerParts = {
          handler,
          clock: world.clock,
          wheel,
          observer,
          limit,
          trusted: trusted.length === 0 ? null : new AddressSet(trusted),
        }
        for (const [index, listener] of options.listeners.entries()) {
          const boundTo = boundPorts[index] ?? null
          listeners.push(await listenHttp(listener, { ...listenerParts, boundTo }))
        }
      } catch (error) {
        await drain(0)
        throw error
      }
      return listeners
    },
    running: async () => [...listeners, ...draining].reduce((sum, listener) => sum + listener.running(), 0),
    drain,
    hearTaken: (tokens) => buckets.hear(tokens),
  }
}
