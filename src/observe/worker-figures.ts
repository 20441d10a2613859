import type { ProcessUsage } from '../base/process-usage.ts'
import { type DelayFigures, delayBounds } from './event-loop.ts'
import { numberText } from './octet-writer.ts'
import type { Figure } from './prometheus.ts'
import type { MetricsSnapshot } from './snapshot.ts'

/** Of one process of the traffic plane. */
export interface WorkerFigures extends ProcessUsage {
  /** 1 for the first. */
  readonly number: number
  readonly pid: number
  readonly delay: DelayFigures
  /** Requests that it forwarded. */
  readonly requests: number
  readonly connectionsOpen: number
}

/** The connections to instances as metrics. */
export function upstreamFigures({
  upstreams: { addresses, busy, idle, waiting },
  live,
}: MetricsSnapshot): Figure[] {
  const connections = (state: string, value: number): Figure => ({
    name: 'upstream.connections',
    kind: 'gauge',
    help: 'connections to instances: busy ones carry a request or are about to, idle ones are kept',
    labels: { state },
    value,
  })
  return [
    { name: 'upstreams', kind: 'gauge', help: 'addresses that the route table names', value: addresses },
    {
      name: 'upstreams.ejected',
      kind: 'gauge',
      help: 'addresses that get no request because too many have failed, in the judgement of one worker at least',
      value: live.filter(({ ejectedIn }) => ejectedIn > 0).length,
    },
    {
      name: 'upstreams.waiting',
      kind: 'gauge',
      help: 'requests that wait for a connection, because an instance has as many as it may',
      value: waiting,
    },
    connections('busy', busy),
    connections('idle', idle),
  ]
}

/** The workers as metrics. */
export function workerFigures({ workers }: MetricsSnapshot): Figure[] {
  const all: Figure[] = []
  for (const worker of workers) {
    const labels = { worker: String(worker.number) }
    const add = (kind: Figure['kind'], name: string, help: string, value: number): void =>
      void all.push({ name: `worker.${name}`, kind, help, labels, value })
    add('gauge', 'pid', 'process id of a process that serves requests', worker.pid)
    add('counter', 'requests', 'requests that it forwarded', worker.requests)
    add('gauge', 'connections.open', 'client connections that it has open', worker.connectionsOpen)
    add('counter', 'cpu.seconds', 'user and system time that it has used', worker.cpuSeconds)
    add('counter', 'busy.seconds', 'time in which its event loop was not idle', worker.busySeconds)
    add('gauge', 'resident.bytes', 'memory that it holds', worker.residentBytes)
    add('gauge', 'heap.bytes', 'of this, JavaScript objects', worker.heapBytes)
    all.push(...delayFigures(labels, worker.delay))
  }
  return all
}

function delayFigures(labels: Readonly<Record<string, string>>, { sum, buckets }: DelayFigures): Figure[] {
  const name = 'worker.delay'
  const help = 'seconds that a callback came late by, taken ten times a second'
  let count = 0
  const lines = buckets.map((each, index): Figure => {
    count += each
    const bound = numberText((delayBounds[index] ?? Number.POSITIVE_INFINITY) / 1000)
    return { name, help, kind: 'histogram', part: 'bucket', labels: { ...labels, le: bound }, value: count }
  })
  return [
    ...lines,
    { name, help, kind: 'histogram', part: 'sum', labels, value: sum / 1000 },
    { name, help, kind: 'histogram', part: 'count', labels, value: count },
  ]
}
