import type { Signal } from '@preact/signals'
import { count } from '../format.ts'
import type { Liveness } from '../liveness.ts'
import { FilterField } from './filter-field.tsx'
import { LivenessNote } from './liveness-note.tsx'

interface ToolbarProps {
  readonly filter: Signal<string>
  readonly shown: number
  readonly all: number
  readonly liveness: Liveness
}

/** Stays in sight while the table scrolls: the filter, what it leaves, and whether all this is still true. */
export function Toolbar({ filter, shown, all, liveness }: ToolbarProps) {
  return (
    <div class="toolbar">
      <FilterField filter={filter} />
      <output class="shown">
        {shown === all ? count(all, 'row') : `${shown.toLocaleString('en')} of ${count(all, 'row')}`}
      </output>
      <LivenessNote liveness={liveness} />
    </div>
  )
}
