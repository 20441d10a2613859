import type { OrderName } from './sorting.ts'

interface Column {
  readonly name: OrderName
  readonly head: string
  /** What it means, where the head does not say it all. */
  readonly title?: string
  readonly isNumber?: true
}

const live = 'of this route at this instance, in the last seconds'

/** The columns of the table, in order. Each sorts by the order of its name. */
export const columns: readonly Column[] = [
  { name: 'route', head: 'Route' },
  { name: 'service', head: 'Service' },
  { name: 'instance', head: 'Instance' },
  { name: 'share', head: 'Share', title: "part of the route's requests", isNumber: true },
  { name: 'rate', head: 'Req/s', title: `requests a second ${live}`, isNumber: true },
  {
    name: 'errors',
    head: 'Errors',
    title: `part of the requests with a status of 500 or above, ${live}`,
    isNumber: true,
  },
  { name: 'p50', head: 'p50', title: `half of the requests took at most this, ${live}`, isNumber: true },
  { name: 'p99', head: 'p99', title: `99 of 100 requests took at most this, ${live}`, isNumber: true },
  {
    name: 'inflight',
    head: 'In flight',
    title: 'requests of this route that are with the instance now',
    isNumber: true,
  },
  { name: 'options', head: 'Tags, options' },
  { name: 'health', head: 'Health' },
]
