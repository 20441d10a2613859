import { useEffect, useRef, useState } from 'preact/hooks'
import { count } from '../format.ts'
import { type Edit, isChecked, refusedLines } from './edit.ts'
import { Effect } from './effect.tsx'
import { nameOf } from './keys.ts'
import { TextDiff } from './text-diff.tsx'

interface ReviewProps {
  readonly documentKey: string
  readonly edit: Edit
  onSave(isForced: boolean): void
  onClose(): void
}

/** Shows what would change before anything does. */
export function Review({ documentKey, edit, onSave, onClose }: ReviewProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
    // Not the first button: what it would do is read before it is reached.
    heading.current?.focus()
  }, [])
  const [insists, setInsists] = useState(false)
  const { base, text, check } = edit
  const refused = refusedLines(edit)
  const isKnown = isChecked(edit)
  return (
    <dialog ref={dialog} class="review" aria-labelledby="review" onClose={onClose}>
      <h2 ref={heading} id="review" tabIndex={-1}>
        Save {nameOf(documentKey)}?
      </h2>
      <h3>What it changes in the routes</h3>
      {isKnown && check !== null ? <Effect result={check.result} /> : <p class="says">Asking the gateway</p>}
      <h3>What it changes in the document</h3>
      <TextDiff before={base?.value ?? ''} after={text} />
      {refused > 0 && (
        <label class="insist">
          <input
            type="checkbox"
            checked={insists}
            onChange={(event) => setInsists(event.currentTarget.checked)}
          />
          Save it with {count(refused, 'line that is no command', 'lines that are no commands')}: each of them
          is skipped and shown as a problem
        </label>
      )}
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled={!isKnown || (refused > 0 && !insists)}
          onClick={() => {
            onSave(refused > 0)
            dialog.current?.close()
          }}
        >
          Save
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          Go on editing
        </button>
      </div>
    </dialog>
  )
}
