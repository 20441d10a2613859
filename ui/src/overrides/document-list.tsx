import { useState } from 'preact/hooks'
import { go } from '../navigation.ts'
import { linkTo } from '../place.ts'
import { keyMistake, nameOf } from './keys.ts'

interface DocumentListProps {
  readonly keys: readonly string[]
  /** The one that is open. */
  readonly open: string
}

/** The documents, and a way to a new one. */
export function DocumentList({ keys, open }: DocumentListProps) {
  const [name, setName] = useState('')
  const [mistake, setMistake] = useState('')
  const all = [...new Set(['', ...keys, open])].toSorted()
  return (
    <nav class="documents" aria-label="Documents">
      <ul class="plain">
        {all.map((key) => (
          <li key={key}>
            <a href={linkTo('manual', {}, key)} aria-current={key === open ? 'page' : undefined}>
              {nameOf(key)}
            </a>
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const trimmed = name.trim().replace(/^\//, '')
          const found = keyMistake(trimmed)
          setMistake(found)
          if (found !== '') return
          setName('')
          go(linkTo('manual', {}, `/${trimmed}`))
        }}
      >
        <label>
          <span class="unseen">Name of a new document</span>
          <input
            value={name}
            placeholder="new document"
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Open</button>
        {mistake !== '' && <output class="bad">{mistake}</output>}
      </form>
    </nav>
  )
}
