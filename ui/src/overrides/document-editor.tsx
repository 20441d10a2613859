import { useState } from 'preact/hooks'
import type { Gateway } from '../gateway.ts'
import { Shape } from '../shape.tsx'
import { CodeEditor } from './code-editor.tsx'
import { CommandHelp } from './command-help.tsx'
import { Conflict } from './conflict.tsx'
import { isChanged, isChecked } from './edit.ts'
import { Effect } from './effect.tsx'
import { nameOf } from './keys.ts'
import { Mistakes } from './mistakes.tsx'
import { Review } from './review.tsx'
import { useEdit } from './use-edit.ts'

interface DocumentEditorProps {
  readonly documentKey: string
  readonly gateway: Gateway
  onSaved(): void
}

/** One document: its text, what is wrong with it, and what it would do. */
export function DocumentEditor({ documentKey, gateway, onSaved }: DocumentEditorProps) {
  const { edit, tell, save } = useEdit(documentKey, gateway)
  const [isReviewing, setIsReviewing] = useState(false)
  const { base, text, check, theirs, isSaving, note } = edit
  const isDirty = isChanged(edit)
  const canSave = isDirty && theirs === null && !isSaving
  const review = (): void => setIsReviewing(canSave)
  const mistakes = check?.result.mistakes ?? []
  return (
    <div class="document">
      <div class="document-bar">
        <h2>{nameOf(documentKey)}</h2>
        <p class="says">
          {base === null ? 'Reading' : base.version === '0' ? 'not there yet' : `version ${base.version}`}
          {isDirty && ', changed and not saved'}
        </p>
        <output class={note === null ? '' : `note ${note.look}`}>
          {note !== null && (
            <>
              <Shape name={note.look} /> {note.words}
            </>
          )}
        </output>
        <div class="actions">
          <button
            type="button"
            disabled={!isDirty || isSaving}
            onClick={() => tell({ type: 'typed', text: base!.value })}
          >
            Undo all
          </button>
          <button type="button" class="primary" disabled={!canSave} onClick={review}>
            {isSaving ? 'Saving' : 'Review and save'}
          </button>
        </div>
      </div>
      <Conflict edit={edit} tell={tell} />
      {base !== null && (
        <>
          <CodeEditor
            label={`Route commands of ${nameOf(documentKey)}`}
            text={text}
            mistakes={mistakes}
            describedBy="mistakes"
            onInput={(next) => tell({ type: 'typed', text: next })}
            onSave={review}
          />
          <CommandHelp />
          <Mistakes id="mistakes" text={text} mistakes={mistakes} />
          {isDirty && (
            <section aria-labelledby="effect" class={isChecked(edit) ? '' : 'older'}>
              <h2 id="effect">What saving would change in the routes</h2>
              {check === null ? <p class="says">Asking the gateway</p> : <Effect result={check.result} />}
            </section>
          )}
        </>
      )}
      {isReviewing && (
        <Review
          documentKey={documentKey}
          edit={edit}
          onSave={(isForced) => void save(isForced).then(onSaved)}
          onClose={() => setIsReviewing(false)}
        />
      )}
    </div>
  )
}
