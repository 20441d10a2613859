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
  connectionsAccepted: ['connections_accepted', 'client connections that were opened'],
} as const satisfies Readonly<Record<string, readonly [name: string, help: string]>>

/** What is open now. */
export const gauges = {
  connectionsOpen: ['connections_open', 'client connections that are open'],
  waiting: ['waiting', 'requests that wait for an instance with fewer than maxconn= of them'],
  tunnelsOpen: ['ws_conn', 'connections that were upgraded to another protocol, such as websockets'],
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
