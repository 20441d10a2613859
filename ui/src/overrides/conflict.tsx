import { Shape } from '../shape.tsx'
import type { Edit, EditEvent } from './edit.ts'
import { TextDiff } from './text-diff.tsx'

interface ConflictProps {
  readonly edit: Edit
  tell(event: EditEvent): void
}

/** Somebody else was faster: both texts, and a choice that overwrites nothing unseen. */
export function Conflict({ edit: { base, theirs, text }, tell }: ConflictProps) {
  if (base === null || theirs === null) return null
  return (
    <section class="conflict" aria-labelledby="conflict">
      <h2 id="conflict" class="bad">
        <Shape name="bad" /> Somebody else has saved this document
      </h2>
      <p>
        Nothing was overwritten. What you wrote is still here, and can only be saved on top of what is there
        now.
      </p>
      <h3>What they changed</h3>
      <TextDiff before={base.value} after={theirs.value} />
      <h3>From theirs to yours</h3>
      <TextDiff before={theirs.value} after={text} />
      <div class="actions">
        <button type="button" class="primary" onClick={() => tell({ type: 'keep-mine' })}>
          Go on with mine, on top of theirs
        </button>
        <button type="button" onClick={() => tell({ type: 'take-theirs' })}>
          Take theirs and drop mine
        </button>
      </div>
    </section>
  )
}
