import type { Counts, ServiceFigures, TrafficFigures } from '../../src/admin/traffic-figures.ts'
import { column, firstBucket, type LabelledRows, widthOf } from '../../src/observe/rows.ts'
import type { MeterLabels } from '../../src/route/meter.ts'

/** All requests took up to 10 ms. */
export const counts = (requests: number, errors: number): Counts => ({
  requests,
  errors,
  buckets: [requests, 0, 0],
})

export const service = (name: string, requests: number, errors: number): ServiceFigures => ({
  service: name,
  ...counts(requests, errors),
})

const bounds = [10, 100]

/** What a route's target has had: requests of up to 10 ms each. */
export interface CountedTarget extends MeterLabels {
  readonly requests: number
  readonly errors?: number
  readonly inFlight?: number
}

export function targets(...all: readonly CountedTarget[]): LabelledRows<MeterLabels> {
  const width = widthOf(bounds)
  const values = new Float64Array(all.length * width)
  for (const [i, { requests, errors = 0, inFlight = 0 }] of all.entries()) {
    values[i * width + column.requests] = requests
    values[i * width + column.errors] = errors
    values[i * width + column.inFlight] = inFlight
    values[i * width + firstBucket] = requests
  }
  return { labels: all.map(({ service, host, path, url }) => ({ service, host, path, url })), values }
}

export const reading = (figures: Partial<TrafficFigures> = {}): TrafficFigures => ({
  bounds,
  services: [],
  targets: targets(),
  states: [],
  unplaced: 0,
  connectionsAccepted: 0,
  connectionsOpen: 0,
  ...figures,
})
