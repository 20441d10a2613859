import { inTableOrder, routeName } from './route-name.ts'
import type { RouteView, SequencedTable, TableChanges } from './view.ts'

// The page runs this: nothing else of the gateway may come with it.

/**
 * The table with the changes; routes that are what they were are the same objects. Null: they follow another table, and
 * the whole has to be asked for.
 */
export function withChanges(table: SequencedTable, changes: TableChanges): SequencedTable | null {
  const { after, sequence, version, changedAt, registry, problems = table.problems } = changes
  if (table.sequence !== after) return null
  const fresh = changes.routes.toSorted(inTableOrder)
  const left = new Set([...changes.gone, ...fresh.map(routeName)])
  const kept = left.size === 0 ? table.routes : table.routes.filter((route) => !left.has(routeName(route)))
  return { sequence, version, changedAt, registry, problems, routes: merged(kept, fresh) }
}

/** Both are in the order of the table. */
function merged(kept: readonly RouteView[], fresh: readonly RouteView[]): readonly RouteView[] {
  if (fresh.length === 0) return kept
  const all: RouteView[] = []
  let next = 0
  for (const route of kept) {
    while (next < fresh.length && inTableOrder(fresh[next]!, route) < 0) all.push(fresh[next++]!)
    all.push(route)
  }
  while (next < fresh.length) all.push(fresh[next++]!)
  return all
}
