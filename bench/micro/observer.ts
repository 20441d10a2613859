import { systemWorld } from '../../src/base/world.ts'
import { accessFormat } from '../../src/config/access-log.ts'
import type { ParseContext } from '../../src/config/kind.ts'
import { sectionOf } from '../../src/http1/field-section.ts'
import { AccessLog } from '../../src/observe/access-log/access-log.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { Observers } from '../../src/observe/observers.ts'
import { type ClientSide, Exchange } from '../../src/proxy/exchange.ts'
import type { ExchangeObserver } from '../../src/proxy/handler.ts'
import type { Route, Target } from '../../src/route/table.ts'
import { browserFields } from '../cases.ts'
import { renderSpread, renderTable } from '../report.ts'
import { spreadOf } from '../statistics.ts'

// What those who hear of each request need for one that is over. Metrics cannot be switched off, so no run of the
// gateway without them is there to be compared with.

const passes = 40
/** Passes that are not counted: the compiler is at work. */
const warmUp = 10
const finishesInPass = 20_000
/** Enough that their counters are not all in the innermost cache. */
const targets = 200

/** Times them in turn and returns the table of the figures. Throws where one did not hear of every request. */
export function observerReport(): string {
  const metrics = new Metrics({ buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] })
  const chosen = Array.from({ length: targets }, (_, n) => targetOf(metrics, n))
  const exchanges = Array.from({ length: finishesInPass }, (_, n) => answered(chosen[n % targets]!, n))
  const subjects = [
    { name: 'metrics', observer: new Observers(metrics, null, null), times: [] as number[] },
    ...['common', 'json'].map((format) => ({
      name: `metrics and access log, ${format}`,
      observer: new Observers(metrics, swallowed(format), null),
      times: [] as number[],
    })),
  ]
  for (let pass = 0; pass < passes; pass++) {
    for (const { observer, times } of subjects) {
      const time = timeFinishes(observer, exchanges)
      if (pass >= warmUp) times.push(time)
    }
  }
  const expected = passes * subjects.length * finishesInPass
  if (metrics.counts.proxied !== expected)
    throw new Error(`observer: expected ${expected} requests to be counted, got ${metrics.counts.proxied}`)
  return renderTable(
    ['observer', 'ns/request'],
    subjects.map(({ name, times }) => [name, renderSpread(spreadOf(times), 0)]),
  )
}

/** Nanoseconds for each. */
function timeFinishes(observer: ExchangeObserver, exchanges: readonly Exchange[]): number {
  const begin = performance.now()
  for (let n = 0; n < exchanges.length; n++) observer.finished(exchanges[n]!, 0.2 + (n & 31) / 32)
  return ((performance.now() - begin) * 1e6) / exchanges.length
}

/** An access log whose lines are made, gathered and given away at once. */
function swallowed(format: string): AccessLog {
  const forwarding = {
    ...{ clientIpHeader: '', requestIdHeader: '', tlsHeader: '', tlsValue: '', localIp: '' },
    newId: () => 'id',
  }
  const context: ParseContext = {
    ...{ interfaces: {}, hostname: 'bench', warn() {} },
    listenerTimeouts: { readTimeout: 0, writeTimeout: 0, idleTimeout: 0 },
  }
  return new AccessLog(
    {
      target: { kind: 'stdout' },
      format: accessFormat.parse(format, context),
      scope: 'forwarded',
      buffer: 4 * 1024 * 1024,
    },
    forwarding,
    {
      world: systemWorld,
      log: silent,
      self: { number: 1, pid: 1, hostname: 'bench', writeOut: (_octets, done) => done(null) },
    },
  )
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }

function targetOf(metrics: Metrics, n: number): Target {
  const url = `http://10.0.${n >> 8}.${n & 255}:8080/`
  const labels = { service: `service-${n >> 1}`, host: '', path: '/', url }
  return {
    service: labels.service,
    instance: `node/${labels.service}`,
    url,
    authority: url.slice(7, -1),
    plan: { strip: '', prepend: '', host: null, request: null },
    meter: metrics.take(labels),
    upstream: {},
  } as unknown as Target
}

const route = { text: '/' } as Route

/** A request that this target has answered over a kept connection. */
function answered(chosen: Target, n: number): Exchange {
  const client = {
    remoteAddress: '127.0.0.1',
    remotePort: 1024 + n,
    secure: false,
    httpVersion: '1.1',
  } as ClientSide
  const request = {
    method: 'GET',
    target: '/small',
    path: '/small',
    host: 'bench.example',
    fields: sectionOf(browserFields.flat()),
    body: null,
    startedAt: performance.now(),
  }
  const { startedAt } = request
  return Object.assign(new Exchange(client, request), {
    ...{ route, chosen, status: 200, attempts: 1, wasSent: true, bodySize: 64 },
    ...{ sentAt: startedAt + 0.05, answeredAt: startedAt + 0.15 },
  })
}
