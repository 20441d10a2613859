import type { Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/** The filter: narrows as one types, `/` comes here from anywhere on the page, Escape clears. */
export function FilterField({ filter }: { filter: Signal<string> }) {
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
        placeholder="Filter by host, path, service, tag, health"
        autocomplete="off"
        spellcheck={false}
        value={filter.value}
        onInput={(event) => {
          filter.value = event.currentTarget.value
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') filter.value = ''
        }}
        aria-keyshortcuts="/"
      />
      <span class="key" aria-hidden="true">
        /
      </span>
    </search>
  )
}

function takesText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
  )
}
