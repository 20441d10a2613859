import type { Signal } from '@preact/signals'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { columns } from './columns.ts'
import { HostRow } from './host-row.tsx'
import { isFirstOfRoute, type Layout } from './lines.ts'
import { roles } from './roles.ts'
import { RouteRow } from './route-row.tsx'
import { drawn } from './row-window.ts'
import type { Row, RowFigures } from './rows.ts'
import { orders, type Sorting, sortedBy } from './sorting.ts'
import { useRowWindow } from './use-row-window.ts'

interface RouteTableProps {
  /** At least one line. */
  readonly layout: Layout
  readonly sorting: Sorting
  readonly filter: string
  readonly figures: (row: Row) => RowFigures | null
  /** Whether there are figures at all. */
  readonly isCounted: boolean
  readonly marks: ReadonlyMap<string, number>
  readonly opened: Signal<Row | null>
  onSort(sorting: Sorting): void
}

/** The rows, of which only those near the screen are in the document. */
export function RouteTable(props: RouteTableProps) {
  const { layout, sorting, filter, figures, isCounted, marks, opened, onSort } = props
  const body = useRef<HTMLTableSectionElement>(null)
  const view = `${filter}\n${sorting.by}\n${sorting.isDescending}`
  const range = useRowWindow(body, layout, view, !orders[sorting.by].isLive)
  const [focused, setFocused] = useState<string | null>(null)
  useFocusKept(body)

  const { lines, hostsAbove } = layout
  const focusedAt = focused === null ? -1 : lines.findIndex((line) => line.key === focused)
  // The range may be of a longer list, until the next measuring.
  const indices = drawn(range, focusedAt).filter((i) => i < lines.length)
  const hosts = hostsAbove[lines.length]!
  return (
    <table
      {...roles.table}
      class={`routes ${sorting.by === 'route' ? 'grouped' : 'flat'} ${isCounted ? '' : 'uncounted'}`}
      aria-label="Routes"
      aria-rowcount={lines.length + 1}
    >
      <thead {...roles.group}>
        <tr {...roles.row} aria-rowindex={1}>
          {columns.map(({ name, head, title, isNumber }) => (
            <th
              {...roles.head}
              key={name}
              scope="col"
              class={isNumber ? `${name} number` : name}
              aria-sort={sorting.by !== name ? undefined : sorting.isDescending ? 'descending' : 'ascending'}
            >
              <button type="button" title={title} onClick={() => onSort(sortedBy(name, sorting))}>
                {head}
                {sorting.by === name && <span aria-hidden="true">{sorting.isDescending ? ' ↓' : ' ↑'}</span>}
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody
        {...roles.group}
        ref={body}
        style={{ '--hosts': hosts, '--rows': lines.length - hosts }}
        onFocusOut={() => setFocused(null)}
      >
        {indices.map((i) => {
          const line = lines[i]!
          const above = { hosts: hostsAbove[i]!, rows: i - hostsAbove[i]! }
          if (line.kind === 'host') {
            return <HostRow key={line.key} host={line.host} rows={line.rows} index={i} above={above} />
          }
          return (
            <RouteRow
              key={line.key}
              row={line}
              isFirst={isFirstOfRoute(layout, i)}
              index={i}
              above={above}
              figures={figures(line)}
              mark={marks.get(line.key) ?? null}
              onFocus={() => setFocused(line.key)}
              onOpen={() => {
                opened.value = line
              }}
            />
          )
        })}
      </tbody>
    </table>
  )
}

/** Gives the focus back to an element inside that lost it because its row was moved, in browsers without moveBefore. */
function useFocusKept(inside: { readonly current: HTMLElement | null }): void {
  const active = document.activeElement
  const had = active instanceof HTMLElement && inside.current?.contains(active) ? active : null
  useLayoutEffect(() => {
    if (had?.isConnected && document.activeElement !== had) had.focus({ preventScroll: true })
  })
}
