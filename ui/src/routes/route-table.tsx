import type { Signal } from '@preact/signals'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { roles } from './roles.ts'
import { RouteRow } from './route-row.tsx'
import { drawn } from './row-window.ts'
import type { Row } from './rows.ts'
import { useRowWindow } from './use-row-window.ts'

const columns = ['Host', 'Path', 'Service', 'Instance', 'Weight', 'Tags', 'Options', 'Health'] as const

interface RouteTableProps {
  /** At least one. */
  readonly rows: readonly Row[]
  readonly filter: string
  readonly marks: ReadonlyMap<string, number>
  readonly opened: Signal<Row | null>
}

/** The rows, of which only those near the screen are in the document. */
export function RouteTable({ rows, filter, marks, opened }: RouteTableProps) {
  const body = useRef<HTMLTableSectionElement>(null)
  const range = useRowWindow(body, rows, filter)
  const [focused, setFocused] = useState<string | null>(null)
  useFocusKept(body)

  const focusedAt = focused === null ? -1 : rows.findIndex((row) => row.key === focused)
  // The range may be of a longer list, until the next measuring.
  const indices = drawn(range, focusedAt).filter((i) => i < rows.length)
  return (
    <table {...roles.table} aria-label="Routes" aria-rowcount={rows.length + 1}>
      <thead {...roles.group}>
        <tr {...roles.row} aria-rowindex={1}>
          {columns.map((name) => (
            <th {...roles.head} key={name} scope="col" class={name.toLowerCase()}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody
        {...roles.group}
        ref={body}
        style={{ '--rows': rows.length }}
        onFocusOut={() => setFocused(null)}
      >
        {indices.map((i) => {
          const row = rows[i]!
          return (
            <RouteRow
              key={row.key}
              row={row}
              above={rows[i - 1]}
              index={i}
              mark={marks.get(row.key) ?? null}
              onFocus={() => setFocused(row.key)}
              onOpen={() => {
                opened.value = row
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
