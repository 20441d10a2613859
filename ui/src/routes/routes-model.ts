import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { TableView } from '../../../src/admin/view.ts'
import type { Gateway } from '../gateway.ts'
import { place } from '../navigation.ts'
import { matching, readFilter } from './filter.ts'
import { type Layout, layoutOf } from './lines.ts'
import { changedKeys, figuresOf, type Row, type RowFigures, rowsOf } from './rows.ts'
import { orders, readSorting, type Sorting, sorted } from './sorting.ts'

/** The state of the routes page. Filter and sorting are in the URL. */
export interface RoutesModel {
  readonly filter: ReadonlySignal<string>
  readonly sorting: ReadonlySignal<Sorting>
  readonly rows: ReadonlySignal<readonly Row[]>
  /** The rows that the filter lets through, in order. */
  readonly shown: ReadonlySignal<readonly Row[]>
  readonly layout: ReadonlySignal<Layout>
  /** What passes through a row; null: nothing can be said yet. */
  readonly figures: ReadonlySignal<(row: Row) => RowFigures | null>
  /** Rows that changed a moment ago: key and the table version that changed them. */
  readonly marks: ReadonlySignal<ReadonlyMap<string, number>>
  /** The row whose details are open, as it was when they were opened. */
  readonly opened: Signal<Row | null>
  /** The page is left: nothing is followed any more. */
  end(): void
}

const markedForMs = 2_500
const unknown = (): null => null

export function createRoutesModel(gateway: Gateway): RoutesModel {
  const { table } = gateway
  const filter = computed(() => place.value.query.get('filter') ?? '')
  const order = computed(() => place.value.query.get('sort') ?? '')
  const sorting = computed(() => readSorting(order.value))
  const rows = computed(() => (table.value === null ? [] : rowsOf(table.value)))
  const read = computed(() => readFilter(filter.value))
  const figures = computed(() => {
    const now = gateway.figures.value
    return (row: Row) => figuresOf(row, now)
  })
  // What looks at no figures is not worked out anew with each of them.
  const filterFigures = computed(() => (read.value.isLive ? figures.value : unknown))
  const sortFigures = computed(() => (orders[sorting.value.by].isLive ? figures.value : unknown))
  const passed = computed(() => matching(rows.value, read.value, filterFigures.value))
  const shown = computed(() => sorted(passed.value, sorting.value, sortFigures.value))
  const layout = computed(() => layoutOf(shown.value, sorting.value.by === 'route'))
  const { marks, end } = marksOf(table, rows)
  return {
    filter,
    sorting,
    rows,
    shown,
    layout,
    figures,
    marks,
    opened: signal<Row | null>(null),
    end,
  }
}

function marksOf(
  table: ReadonlySignal<TableView | null>,
  rows: ReadonlySignal<readonly Row[]>,
): Pick<RoutesModel, 'marks' | 'end'> {
  const marks = signal<ReadonlyMap<string, number>>(new Map())
  let before: readonly Row[] | null = null
  const end = effect(() => {
    if (table.value === null) return
    const after = rows.value
    const version = table.value.version
    const changed = before === null ? [] : changedKeys(before, after)
    before = after
    if (changed.length === 0) return
    marks.value = new Map([...marks.peek(), ...changed.map((key) => [key, version] as const)])
    setTimeout(() => {
      marks.value = new Map([...marks.peek()].filter(([, by]) => by !== version))
    }, markedForMs)
  })
  return { marks, end }
}
