import type {
  Counts,
  InstanceFigures,
  ServiceFigures,
  TrafficFigures,
} from '../../src/admin/traffic-figures.ts'

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

export const instance = (
  name: string,
  address: string,
  requests: number,
  more: Partial<InstanceFigures> = {},
): InstanceFigures => ({
  service: name,
  address,
  inFlight: 0,
  ejectedUntil: null,
  draining: false,
  ...counts(requests, 0),
  ...more,
})

export const reading = (figures: Partial<TrafficFigures> = {}): TrafficFigures => ({
  bounds: [10, 100],
  services: [],
  unplaced: 0,
  connectionsAccepted: 0,
  connectionsOpen: 0,
  ...figures,
})
