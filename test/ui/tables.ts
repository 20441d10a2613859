import type { FiguresView, RateView, RowRatesView } from '../../src/admin/traffic-view.ts'
import type { ProblemView, RouteView, TableView, TargetView } from '../../src/admin/view.ts'

/** A passing instance of `hello` that gets the whole route, changed where `changes` says so. */
export function target(changes: Partial<TargetView> = {}): TargetView {
  const address = changes.address ?? '10.0.0.1:8080'
  return {
    service: 'hello',
    instance: 'node-1/hello-1',
    address,
    url: `http://${address}/`,
    share: 1,
    weight: 0,
    tags: [],
    options: '',
    routed: true,
    health: 'passing',
    reason: '',
    origin: 'tag',
    ...changes,
  }
}

export function route(host: string, path: string, ...targets: TargetView[]): RouteView {
  return { host, path, targets }
}

export function tableOf(routes: readonly RouteView[], changes: Partial<TableView> = {}): TableView {
  return {
    version: 1,
    changedAt: '2026-03-04T05:06:07.000Z',
    routes,
    problems: [],
    registry: {
      kind: 'consul',
      address: 'http://localhost:8500',
      connected: true,
      lastContactAt: '2026-03-04T05:06:07.000Z',
      oldSince: null,
      error: '',
    },
    ...changes,
  }
}

export const badWeight: ProblemView = {
  service: 'shop',
  instance: 'node-2/shop-7',
  text: 'urlprefix-/shop weight=half',
  reason: 'weight: expected a number, got "half"',
}

/** A table as it may be found: hosts, paths, every health, options, tags, a redirect, a TCP port. */
export const sample: TableView = tableOf(
  [
    route(
      'api.example.com',
      '/v2/orders',
      target({
        service: 'orders',
        instance: 'node-1/orders-1',
        share: 0.5,
        tags: ['v2', 'canary'],
        weight: 0.5,
      }),
      target({
        service: 'orders',
        instance: 'node-2/orders-2',
        address: '10.0.0.2:8080',
        share: 0.5,
        tags: ['v2'],
      }),
      target({
        service: 'orders',
        instance: 'node-3/orders-3',
        address: '10.0.0.3:8080',
        share: 0,
        tags: ['v2'],
        routed: false,
        health: 'critical',
        reason:
          'check "orders http": HTTP GET http://10.0.0.3:8080/health: 503 Service Unavailable Output: no database',
      }),
    ),
    route(
      'api.example.com',
      '/',
      target({
        service: 'portal',
        instance: 'node-1/portal-1',
        address: '10.0.0.1:8443',
        url: 'https://10.0.0.1:8443/',
        options: 'proto=https tlsskipverify=true',
      }),
    ),
    route(
      'mysite.com',
      '/foo',
      target({
        service: 'hello',
        instance: 'afa2769cd049/afa2769cd049:loving_shannon:9090',
        address: '[fd00::12]:32768',
        share: 2 / 3,
        options: 'strip=/foo',
        tags: ['hello'],
        weight: 2,
      }),
      target({
        service: 'hello',
        instance: 'afa2769cd049/afa2769cd049:happy_turing:9090',
        address: '[fd00::13]:32769',
        share: 1 / 3,
        options: 'strip=/foo',
        tags: ['hello'],
        health: 'warning',
        reason: 'check "service:hello": TTL check is about to expire',
      }),
      target({
        service: 'hello',
        instance: 'afa2769cd049/afa2769cd049:old_hopper:9090',
        address: '[fd00::14]:32770',
        share: 0,
        options: 'strip=/foo',
        tags: ['hello'],
        routed: false,
        health: 'maintenance',
        reason: 'maintenance: moving to another rack',
      }),
    ),
    route(
      ':5432',
      '',
      target({
        service: 'postgres',
        instance: 'node-4/postgres',
        address: '10.0.0.4:5432',
        url: 'tcp://10.0.0.4:5432',
        options: 'proto=tcp',
        origin: 'fabio/config/team-a: line 1',
      }),
    ),
    route(
      '',
      '/old',
      target({
        service: 'hello',
        instance: 'node-1/hello-1',
        url: 'https://mysite.com/foo$path',
        options: 'redirect=301',
      }),
    ),
    route('', '/', target({ tags: ['hello', 'default'] })),
  ],
  {
    version: 57,
    problems: [
      badWeight,
      { ...badWeight, text: 'urlprefix-', reason: 'expected a host and a path, got nothing' },
    ],
  },
)

const rates = (changes: Partial<RateView> = {}): RateView => ({
  requests: 12,
  errors: 0,
  p50: 3,
  p99: 40,
  ...changes,
})

/** What passes through two of the sample's instances, one of which has another route, and what is known of a third. */
export const sampleFigures: FiguresView = {
  seconds: 6,
  total: { ...rates({ requests: 17, errors: 0.01 }), connectionsOpen: 8 },
  services: { orders: rates({ requests: 17, errors: 0.01 }) },
  instances: {
    orders: {
      '10.0.0.1:8080': {
        all: [15, 0, 3, 45, 3],
        rows: { 'api.example.com/v2/orders': [12, 0, 3, 40, 2], 'other.example.com/': [3, 0, 3, 50, 1] },
      },
      '10.0.0.2:8080': { rows: { 'api.example.com/v2/orders': [5, 0.034, 3, 900, 0] } },
    },
  },
  states: {
    '10.0.0.1:8080': { inFlight: 3, failures: 0, ejectedUntil: null, rise: 1, draining: false },
    '10.0.0.2:8080': {
      inFlight: 0,
      failures: 5,
      ejectedUntil: '2099-03-04T05:06:07.000Z',
      rise: 1,
      draining: false,
    },
    '10.0.0.1:8443': { inFlight: 0, failures: 0, ejectedUntil: null, rise: 0.25, draining: false },
  },
}

/** `routes` routes with two instances each. */
export function largeTable(routes: number, version = 1): TableView {
  return tableOf(
    Array.from({ length: routes }, (_, i) => {
      const service = `service-${i % 500}`
      const one = (n: number): TargetView =>
        target({
          service,
          instance: `node-${(i + n) % 40}/${service}-${i}-${n}`,
          address: `10.${i % 200}.${n}.${(i >> 3) % 250}:8080`,
          share: 0.5,
          tags: ['v1', `team-${i % 17}`],
        })
      return route(`host-${Math.floor((i * 100) / routes)}.example.com`, `/path/${i}`, one(0), one(1))
    }),
    { version },
  )
}

/** Of every row of the table: 0 to 19 requests a second. */
export function largeFigures({ routes }: TableView): FiguresView {
  const instances: Record<
    string,
    Record<string, { all?: RowRatesView; rows: Record<string, RowRatesView> }>
  > = {}
  let n = 0
  for (const { host, path, targets } of routes) {
    for (const { service, address } of targets) {
      instances[service] ??= {}
      instances[service][address] ??= { rows: {} }
      instances[service][address].rows[host + path] = [n++ % 20, 0, 3, 40, 1]
    }
  }
  return { ...sampleFigures, instances }
}
