import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { whole } from './format.ts'

interface CappedProps<T> {
  readonly items: readonly T[]
  /** So many are shown until somebody asks for all. */
  readonly most: number
  readonly render: (item: T) => ComponentChildren
}

/** The first items of a list that may be long, each an `li`, and a button for the others. */
export function Capped<T>({ items, most, render }: CappedProps<T>) {
  const [all, setAll] = useState(false)
  return (
    <>
      <ul class="plain">{(all ? items : items.slice(0, most)).map(render)}</ul>
      {items.length > most && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show the first ${whole(most)}` : `Show all ${whole(items.length)}`}
        </button>
      )}
    </>
  )
}
