import { count, whole } from '../format.ts'
import type { Liveness } from '../liveness.ts'
import { LivenessNote } from '../liveness-note.tsx'
import { FilterField } from './filter-field.tsx'
import { type OrderName, orders, type Sorting, sortedBy } from './sorting.ts'

interface ToolbarProps {
  readonly filter: string
  readonly sorting: Sorting
  readonly shown: number
  readonly all: number
  readonly liveness: Liveness
  onSort(sorting: Sorting): void
}

/** Stays in sight while the table scrolls: the filter, what it leaves, and whether all this is still true. */
export function Toolbar({ filter, sorting, shown, all, liveness, onSort }: ToolbarProps) {
  return (
    <div class="toolbar">
      <FilterField filter={filter} />
      <output class="shown">
        {shown === all ? count(all, 'row') : `${whole(shown)} of ${count(all, 'row')}`}
      </output>
      <label class="sort">
        <span class="unseen">Sort by</span>
        <select
          value={sorting.by}
          onChange={(event) =>
            onSort(sortedBy(event.currentTarget.value as OrderName, { by: 'route', isDescending: true }))
          }
        >
          {(Object.keys(orders) as OrderName[]).map((name) => (
            <option key={name} value={name}>
              by {orders[name].label}
            </option>
          ))}
        </select>
      </label>
      <LivenessNote liveness={liveness} />
    </div>
  )
}
