import { useState } from 'preact/hooks'
import type { Gateway } from '../gateway.ts'
import { Details } from './details.tsx'
import { NoMatch, NoRoutes, NoTable } from './empty.tsx'
import { Problems } from './problems.tsx'
import { RouteTable } from './route-table.tsx'
import './routes.css'
import { createRoutesModel } from './routes-model.ts'
import { Summary } from './summary.tsx'
import { Toolbar } from './toolbar.tsx'

/** The live route table. */
export function RoutesPage({ gateway }: { gateway: Gateway }) {
  const [model] = useState(() => createRoutesModel(gateway.table))
  const { filter, rows, shown, marks, opened } = model
  const table = gateway.table.value
  const liveness = gateway.liveness.value

  if (table === null) return <NoTable liveness={liveness} />
  return (
    <>
      <Summary table={table} />
      <Problems problems={table.problems} />
      <Toolbar filter={filter} shown={shown.value.length} all={rows.value.length} liveness={liveness} />
      {rows.value.length === 0 && <NoRoutes registry={table.registry} />}
      {rows.value.length > 0 && shown.value.length === 0 && <NoMatch filter={filter} />}
      {shown.value.length > 0 && (
        <RouteTable rows={shown.value} filter={filter.value} marks={marks.value} opened={opened} />
      )}
      {opened.value !== null && <Details opened={opened} rows={rows.value} />}
    </>
  )
}
