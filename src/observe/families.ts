import { counters, gauges } from './counters.ts'

/** What one metric is, for Prometheus and for people. */
export interface Family {
  /** Without the prefix. */
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

const family =
  (kind: Family['kind']) =>
  (name: string, labels: readonly string[], help: string): Family => ({ name, kind, labels, help })

const counter = family('counter')
const gauge = family('gauge')
const histogram = family('histogram')

const ofRoute = ['service', 'host', 'path', 'target']

/**
 * Every metric with labels that traffic brings about, in the order of the text. fabio's names where it has the same
 * (reference 11.2), without `_total` as there.
 */
export const families = {
  requests: histogram(
    'requests',
    ['service'],
    'seconds from the head of a proxied request to the end of its answer',
  ),
  status: histogram('http.status', ['code', 'service'], 'the same by status of the answer'),
  inFlight: gauge('inflight', ['service'], 'requests that are with the instances of a service now'),
  route: histogram('route', ofRoute, 'the same by route and instance'),
  routeErrors: counter(
    'route.errors',
    ofRoute,
    'requests that an instance failed: answers of 500 and above, and answers that broke off',
  ),
  routeFirstByte: counter(
    'route.firstbyte.seconds',
    ofRoute,
    'seconds from the moment at which requests went out to an instance until it began to answer',
  ),
  routeBytes: counter('route.bytes', ofRoute, 'octets of the bodies of answers'),
  phase: histogram('phase', ['phase'], 'seconds of a proxied request in each phase of its life'),
  redirects: counter('http.redirect.count', ['code'], 'redirects by status'),
  failures: counter('failures', ['error'], 'requests that failed or were refused, by error code'),
  refused: counter(
    'refused',
    ['code'],
    'requests refused before a route was looked for: what came was no valid request, or too large, or too slow',
  ),
} as const satisfies Readonly<Record<string, Family>>

/** Those without labels, by what counts them. */
export const plainFamilies = {
  counters: Object.entries(counters).map(([key, [name, help]]) => ({ key, ...counter(name, [], help) })),
  gauges: Object.entries(gauges).map(([key, [name, help]]) => ({ key, ...gauge(name, [], help) })),
}
