import { useEffect, useState } from 'preact/hooks'
import type { Gateway } from '../gateway.ts'
import { setQuery } from '../navigation.ts'
import { NoTable } from '../no-table.tsx'
import { countOf } from '../problems/problem-groups.ts'
import { Details } from './details.tsx'
import { NoMatch, NoRoutes } from './empty.tsx'
import { RouteTable } from './route-table.tsx'
import './routes.css'
import { createRoutesModel } from './routes-model.ts'
import { printSorting, type Sorting } from './sorting.ts'
import { Summary } from './summary.tsx'
import { Toolbar } from './toolbar.tsx'

/** The live route table. */
export function RoutesPage({ gateway }: { gateway: Gateway }) {
  const [model] = useState(() => createRoutesModel(gateway))
  useEffect(() => () => model.end(), [])
  const { filter, sorting, rows, shown, layout, figures, marks, opened } = model
  const table = gateway.table.value
  const liveness = gateway.liveness.value
  const sortBy = (next: Sorting): void => setQuery({ sort: printSorting(next) })

  if (table === null) return <NoTable title="Routes" liveness={liveness} />
  return (
    <>
      <Summary table={table} problems={countOf(gateway.problems.value, table)} />
      <Toolbar
        filter={filter.value}
        sorting={sorting.value}
        shown={shown.value.length}
        all={rows.value.length}
        liveness={liveness}
        onSort={sortBy}
      />
      {rows.value.length === 0 && <NoRoutes registry={table.registry} />}
      {rows.value.length > 0 && shown.value.length === 0 && <NoMatch filter={filter.value} />}
      {shown.value.length > 0 && (
        <RouteTable
          layout={layout.value}
          sorting={sorting.value}
          filter={filter.value}
          figures={figures.value}
          isCounted={gateway.figures.value !== null}
          marks={marks.value}
          opened={opened}
          onSort={sortBy}
        />
      )}
      {opened.value !== null && <Details opened={opened} rows={rows.value} figures={gateway.figures.value} />}
    </>
  )
}
