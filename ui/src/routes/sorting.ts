import type { Row, RowFigures } from './rows.ts'

/** `null`: nothing is known, and comes last whichever way one sorts. */
type Key = (row: Row, figures: RowFigures | null) => string | number | null

interface Order {
  /** In a list of choices. */
  readonly label: string
  /** What is of interest first: the largest number. */
  readonly isDescending: boolean
  /** Looks at figures. */
  readonly isLive: boolean
  readonly key: Key
}

const text = (label: string, key: Key): Order => ({ label, isDescending: false, isLive: false, key })
const number = (label: string, key: Key): Order => ({ label, isDescending: true, isLive: false, key })
const live = (label: string, key: Key): Order => ({ label, isDescending: true, isLive: true, key })

/** The worst first. */
const healths = ['critical', 'maintenance', 'warning', 'passing']

/** What the rows may be sorted by. `route` is the table's own order, by host, and alone has groups. */
export const orders = {
  route: text('route', () => 0),
  service: text('service', ({ target }) => target.service),
  instance: text('instance', ({ target }) => target.instance),
  share: number('share', ({ target }) => target.share),
  rate: live('requests', (_, figures) => figures?.requests ?? null),
  errors: live('errors', (_, figures) => figures?.errors ?? null),
  p50: live('p50', (_, figures) => figures?.p50 ?? null),
  p99: live('p99', (_, figures) => figures?.p99 ?? null),
  inflight: live('in flight', (_, figures) => figures?.inFlight ?? null),
  options: text(
    'tags and options',
    ({ target }) => `${target.tags.join(' ')} ${target.options}`.trim() || null,
  ),
  health: text('health', ({ target }) => healths.indexOf(target.health)),
} satisfies Record<string, Order>

export type OrderName = keyof typeof orders

export interface Sorting {
  readonly by: OrderName
  readonly isDescending: boolean
}

/** `rate`, or `-rate` for the other way round than the order begins with. */
export function readSorting(text: string): Sorting {
  const name = text.replace(/^-/, '')
  const by: OrderName = Object.hasOwn(orders, name) ? (name as OrderName) : 'route'
  return { by, isDescending: orders[by].isDescending !== text.startsWith('-') }
}

/** What `readSorting` reads; empty for the order that the table has by itself. */
export function printSorting({ by, isDescending }: Sorting): string {
  const text = isDescending === orders[by].isDescending ? by : `-${by}`
  return text === 'route' ? '' : text
}

/** What a click on the head of a column does: sorts by it, or turns the order round. */
export const sortedBy = (by: OrderName, now: Sorting): Sorting =>
  now.by === by ? { by, isDescending: !now.isDescending } : { by, isDescending: orders[by].isDescending }

/** The rows in this order; those alike stay as they were. */
export function sorted(
  rows: readonly Row[],
  { by, isDescending }: Sorting,
  figures: (row: Row) => RowFigures | null,
): readonly Row[] {
  if (by === 'route') return isDescending ? rows.toReversed() : rows
  const { key, isLive } = orders[by]
  const keyed = rows.map((row) => ({ row, key: key(row, isLive ? figures(row) : null) }))
  const way = isDescending ? -1 : 1
  keyed.sort((a, b) => {
    if (a.key === b.key) return 0
    if (a.key === null) return 1
    if (b.key === null) return -1
    return a.key < b.key ? -way : way
  })
  return keyed.map(({ row }) => row)
}
