import type { TableView } from '../../../src/admin/view.ts'
import { count } from '../format.ts'
import { Time } from '../time.tsx'
import { RegistryLine } from './registry-line.tsx'
import { totalsOf } from './rows.ts'

/** Heading of the page and what can be said of the table in two lines. */
export function Summary({ table }: { table: TableView }) {
  const { routes, instances, notRouted } = totalsOf(table)
  return (
    <div class="summary">
      <h1>Routes</h1>
      <p class="facts">
        <span>{count(routes, 'route')}</span>
        <span>
          {count(instances, 'instance')}
          {notRouted > 0 && `, ${notRouted} not routed`}
        </span>
        <span>
          table {table.version}
          {table.changedAt !== null && (
            <>
              , changed <Time at={Date.parse(table.changedAt)} />
            </>
          )}
        </span>
      </p>
      <RegistryLine registry={table.registry} />
    </div>
  )
}
