import { count } from '../format.ts'
import { columns } from './columns.ts'
import { roles } from './roles.ts'
import type { Row } from './rows.ts'

interface HostRowProps {
  /** Empty: any host. */
  readonly host: string
  /** What of it is shown below. */
  readonly rows: readonly Row[]
  readonly index: number
  /** How many lines of each kind are above it. */
  readonly above: { readonly hosts: number; readonly rows: number }
}

/** The name of a host, above its routes. */
export function HostRow({ host, rows, index, above }: HostRowProps) {
  const routes = new Set(rows.map(({ path }) => path)).size
  const out = rows.filter(({ target }) => !target.routed).length
  return (
    <tr
      {...roles.row}
      class="host"
      style={{ '--hosts-above': above.hosts, '--rows-above': above.rows }}
      aria-rowindex={index + 2}
    >
      <th {...roles.rowHead} scope="rowgroup" colSpan={columns.length}>
        <b>{hostName(host)}</b>
        <span class="facts">
          {count(routes, 'route')}
          {out > 0 && <span class="bad">, {out} not routed</span>}
        </span>
      </th>
    </tr>
  )
}

export function hostName(host: string) {
  if (host === '') return <i>any host</i>
  return host
}
