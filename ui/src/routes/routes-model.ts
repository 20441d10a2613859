import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { TableView } from '../../../src/admin/view.ts'
import { filterIn, matching, withFilter, wordsOf } from './filter.ts'
import { changedKeys, type Row, rowsOf } from './rows.ts'

/** The state of the routes page. */
export interface RoutesModel {
  /** As it was typed. */
  readonly filter: Signal<string>
  readonly rows: ReadonlySignal<readonly Row[]>
  /** The rows that the filter lets through. */
  readonly shown: ReadonlySignal<readonly Row[]>
  /** Rows that changed a moment ago: key and the table version that changed them. */
  readonly marks: ReadonlySignal<ReadonlyMap<string, number>>
  /** The row whose details are open, as it was when they were opened. */
  readonly opened: Signal<Row | null>
}

const markedForMs = 2_500
// Browsers refuse or drop history changes at the speed of a held key.
const urlQuietForMs = 100

export function createRoutesModel(table: ReadonlySignal<TableView | null>): RoutesModel {
  const filter = signal(filterIn(location.search))
  const rows = computed(() => (table.value === null ? [] : rowsOf(table.value)))
  const shown = computed(() => matching(rows.value, wordsOf(filter.value)))
  const opened = signal<Row | null>(null)

  keepInUrl(filter)
  return { filter, rows, shown, marks: marksOf(table, rows), opened }
}

function keepInUrl(filter: Signal<string>): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  effect(() => {
    const text = filter.value
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (filterIn(location.search) !== text) {
        history.replaceState(history.state, '', withFilter(location.href, text))
      }
    }, urlQuietForMs)
  })
  addEventListener('popstate', () => {
    filter.value = filterIn(location.search)
  })
}

function marksOf(
  table: ReadonlySignal<TableView | null>,
  rows: ReadonlySignal<readonly Row[]>,
): ReadonlySignal<ReadonlyMap<string, number>> {
  const marks = signal<ReadonlyMap<string, number>>(new Map())
  let before: readonly Row[] | null = null
  effect(() => {
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
  return marks
}
