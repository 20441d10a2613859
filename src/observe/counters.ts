/**
 * Counts without labels: name without the prefix, and what is counted. A new one is a row here and one addition where
 * it happens. fabio's names where it has the same (reference 11.2).
 */
export const counters = {
  proxied: ['forwarded', 'requests that were forwarded to an instance, whatever became of them'],
  noRoute: ['notfound', 'requests that no route matched'],
  noTarget: ['notarget', 'requests whose route had no healthy instance'],
  retries: ['retries', 'attempts beyond the first'],
  ejections: ['ejections', 'instances that got no request for a while because too many had failed'],
  accessLines: ['access_log_lines', 'lines of the access log that were written'],
  accessDropped: [
    'access_log_dropped',
    'lines of the access log that are lost: there was no room for them, or they could not be written',
  ],
  spansExported: ['trace_spans_exported', 'spans of traces that the collector has'],
  spansDropped: [
    'trace_spans_dropped',
    'spans of traces that are lost: there was no room for them, or the collector did not take them',
  ],
  connectionsAccepted: ['connections_accepted', 'client connections that were opened'],
} as const satisfies Readonly<Record<string, readonly [name: string, help: string]>>

/** What is open now. */
export const gauges = {
  accessWaiting: ['access_log_waiting_bytes', 'octets of the access log that wait to be written'],
  connectionsOpen: ['connections_open', 'client connections that are open'],
  waiting: ['waiting', 'requests that wait for an instance with fewer than maxconn= of them'],
  tunnelsOpen: ['ws.conn', 'connections that were upgraded to another protocol, such as websockets'],
} as const satisfies Readonly<Record<string, readonly [name: string, help: string]>>

export type CounterName = keyof typeof counters
export type GaugeName = keyof typeof gauges

export const counterNames = Object.keys(counters) as readonly CounterName[]
export const gaugeNames = Object.keys(gauges) as readonly GaugeName[]

export const noCounts = (): Record<CounterName | GaugeName, number> =>
  Object.fromEntries([...counterNames, ...gaugeNames].map((name) => [name, 0])) as Record<
    CounterName | GaugeName,
    number
  >
