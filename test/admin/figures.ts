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

export const instance = (name: string, address: string, requests: number): InstanceFigures => ({
  service: name,
  address,
  ...counts(requests, 0),
})

export const reading = (figures: Partial<TrafficFigures> = {}): TrafficFigures => ({
  bounds: [10, 100],
  services: [],
  states: [],
  unplaced: 0,
  connectionsAccepted: 0,
  connectionsOpen: 0,
  ...figures,
})
