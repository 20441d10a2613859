import { breathe, systemWorld } from '../../src/base/world.ts'
import { PrometheusText } from '../../src/observe/prometheus.ts'
import type { ServiceRoutes } from '../../src/route/definition.ts'
import { createTraffic, type TrafficOptions } from '../../src/traffic.ts'
import type { EjectionOptions } from '../../src/upstream/ejection.ts'
import { CapturedLog } from './captured-log.ts'
import { planOptions } from './plan.ts'

export const trafficOptions: TrafficOptions = {
  listeners: [
    {
      host: '127.0.0.1',
      port: 0,
      readTimeout: 0,
      writeTimeout: 0,
      headTimeout: 10_000,
      idleTimeout: 75_000,
      bodyStallTimeout: 30_000,
      maxHeadSize: 65_536,
      maxFields: 250,
      maxTargetSize: 16_384,
      maxBodySize: 0,
      proxyProtocol: null,
    },
  ],
  maxConnections: 0,
  handler: {
    noRouteStatus: 404,
    trusted: [],
    clientIpHeader: '',
    requestIdHeader: '',
    tlsHeader: '',
    tlsValue: '',
    localIp: '',
    retryBudget: { share: 0.2, minimum: 3 },
    replaySize: 16_384,
    errorPages: {},
  },
  plan: planOptions(),
  auth: [],
  matcher: 'prefix',
  literalHosts: false,
  strategy: 'rr',
  queue: { size: 100, timeout: 5_000 },
  care: {
    ejection: { failures: 5, time: 10_000, maxTime: 300_000, maxShare: 0.5, panicShare: 0.3 },
    slowStart: 0,
    drainTimeout: 300_000,
  },
  unhealthyRoute: '503',
  rateLimitClients: 1_000,
  worker: { number: 1, of: 1 },
  upstream: {
    dialTimeout: 5_000,
    headTimeout: 0,
    answerStallTimeout: 0,
    idleTimeout: 4_000,
    keepAlivePeriod: 0,
    maxConnections: 0,
    maxWaiting: 1_024,
    waitTimeout: 5_000,
    reuse: 'always',
    stallTimeout: 30_000,
    maxHeadSize: 262_144,
    maxFields: 250,
    maxTargetSize: 0,
  },
  upstreamClient: 'wire',
  accessLog: null,
  tracing: null,
  metrics: { buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
}

const prometheus = new PrometheusText({
  prefix: 'gatehouse',
  subsystem: '',
  buckets: trafficOptions.metrics.buckets,
})

export async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  for await (const chunk of chunks) text += chunk.toString('utf8')
  return text
}

/** A traffic plane on a free port with these routes, and no control plane. */
export async function startTraffic(
  routes: readonly ServiceRoutes[],
  more: {
    upstreamClient?: TrafficOptions['upstreamClient']
    upstream?: Partial<TrafficOptions['upstream']>
    maxConnections?: number
    listener?: Partial<TrafficOptions['listeners'][0]>
    handler?: Partial<TrafficOptions['handler']>
    plan?: Partial<TrafficOptions['plan']>
    ejection?: Partial<EjectionOptions> | null
    care?: Partial<TrafficOptions['care']>
    queue?: Partial<TrafficOptions['queue']>
    strategy?: TrafficOptions['strategy']
    worker?: TrafficOptions['worker']
    auth?: TrafficOptions['auth']
    accessLog?: TrafficOptions['accessLog']
    tracing?: TrafficOptions['tracing']
  } = {},
) {
  const log = new CapturedLog()
  const output: string[] = []
  const traffic = createTraffic(
    {
      ...trafficOptions,
      upstreamClient: more.upstreamClient ?? trafficOptions.upstreamClient,
      upstream: { ...trafficOptions.upstream, ...more.upstream },
      maxConnections: more.maxConnections ?? trafficOptions.maxConnections,
      handler: { ...trafficOptions.handler, ...more.handler },
      plan: { ...trafficOptions.plan, ...more.plan },
      care: {
        ...trafficOptions.care,
        ...more.care,
        ejection: more.ejection === null ? null : { ...trafficOptions.care.ejection!, ...more.ejection },
      },
      queue: { ...trafficOptions.queue, ...more.queue },
      strategy: more.strategy ?? trafficOptions.strategy,
      worker: more.worker ?? trafficOptions.worker,
      auth: more.auth ?? trafficOptions.auth,
      accessLog: more.accessLog ?? null,
      tracing: more.tracing ?? null,
      listeners: [{ ...trafficOptions.listeners[0]!, ...more.listener }],
    },
    {
      world: systemWorld,
      log,
      newId: () => 'id',
      self: {
        number: 1,
        pid: 1,
        hostname: 'test',
        writeOut: (octets, done) => {
          output.push(octets.toString('latin1'))
          done(null)
        },
        usage: () => ({ cpuSeconds: 1, residentBytes: 2, heapBytes: 3, busySeconds: 4 }),
      },
    },
  )
  traffic.apply(routes)
  const [listener] = await traffic.listen()
  const port = listener!.port
  return {
    traffic,
    metricsText: async () => textOf(prometheus.write(await traffic.metrics(), [], '', breathe)),
    log,
    /** What was written to stdout, in pieces. */
    output,
    port,
    url: `http://127.0.0.1:${port}`,
    close: () => traffic.drain(0),
  }
}
