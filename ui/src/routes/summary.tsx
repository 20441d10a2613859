import type { TableView } from '../../../src/admin/view.ts'
import { count } from '../format.ts'
import { PageHead } from '../page-head.tsx'
import { RegistryLine } from '../registry-line.tsx'
import { Shape } from '../shape.tsx'
import { Time } from '../time.tsx'
import { totalsOf } from './rows.ts'

interface SummaryProps {
  readonly table: TableView
  /** Null: not known yet. */
  readonly problems: number | null
}

/** Heading of the page and what can be said of the table in two lines. */
export function Summary({ table, problems }: SummaryProps) {
  const { routes, instances, notRouted } = totalsOf(table)
  return (
    <PageHead title="Routes">
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
        {problems !== null && problems > 0 && (
          <a class="caution" href="problems">
            <Shape name="caution" /> {count(problems, 'problem')}
          </a>
        )}
      </p>
      <RegistryLine registry={table.registry} />
    </PageHead>
  )
}
