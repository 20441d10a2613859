import { useEffect, useRef } from 'preact/hooks'
import { setQuery } from '../navigation.ts'
import { FilterHelp } from './filter-help.tsx'

/** The filter: narrows as one types, `/` comes here from anywhere on the page, Escape clears. */
export function FilterField({ filter }: { filter: string }) {
  const field = useRef<HTMLInputElement>(null)

  useEffect(() => {
    const focusOnSlash = (event: KeyboardEvent): void => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || takesText(event.target))
        return
      if (document.querySelector('dialog[open]') !== null) return
      event.preventDefault()
      field.current?.focus()
      field.current?.select()
    }
    addEventListener('keydown', focusOnSlash)
    return () => removeEventListener('keydown', focusOnSlash)
  }, [])

  return (
    <search class="filter">
      <label for="filter" class="unseen">
        Filter the routes
      </label>
      <input
        ref={field}
        id="filter"
        type="search"
        placeholder="Filter: words, service:shop, errors>1"
        autocomplete="off"
        spellcheck={false}
        value={filter}
        onInput={(event) => setQuery({ filter: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === 'Escape') setQuery({ filter: '' })
        }}
        aria-keyshortcuts="/"
      />
      <span class="key" aria-hidden="true">
        /
      </span>
      <FilterHelp />
    </search>
  )
}

function takesText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
  )
}
