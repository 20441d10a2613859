import type { DryRunView } from '../../../src/admin/view.ts'

/** A document as it was read. */
export interface Saved {
  readonly value: string
  /** `0`: it is not there. */
  readonly version: string
}

/** The state of the editor of one document. */
export interface Edit {
  /** What the text began as: saving replaces this and nothing else. Null: it is being read. */
  readonly base: Saved | null
  readonly text: string
  /** What the gateway says of a text; of an older one while the reader types. */
  readonly check: { readonly text: string; readonly result: DryRunView } | null
  /** What somebody else has put in its place, while the text here is another one. */
  readonly theirs: Saved | null
  readonly isSaving: boolean
  /** What to tell: how the last attempt ended. */
  readonly note: { readonly look: 'good' | 'bad' | 'caution'; readonly words: string } | null
}

export type EditEvent =
  | { readonly type: 'read'; readonly saved: Saved }
  | { readonly type: 'typed'; readonly text: string }
  | { readonly type: 'checked'; readonly text: string; readonly result: DryRunView }
  | { readonly type: 'saving' }
  | { readonly type: 'saved'; readonly saved: Saved }
  | { readonly type: 'conflict'; readonly theirs: Saved }
  | { readonly type: 'failed'; readonly words: string }
  | { readonly type: 'take-theirs' }
  | { readonly type: 'keep-mine' }

export const unread: Edit = {
  base: null,
  text: '',
  check: null,
  theirs: null,
  isSaving: false,
  note: null,
}

/** Whether something would be lost by leaving. */
export const isChanged = ({ base, text }: Edit): boolean => base !== null && text !== base.value

/** Whether what is known of the text is of this text. */
export const isChecked = ({ check, text }: Edit): boolean => check !== null && check.text === text

/** Lines that make no command at all: they are only saved when somebody insists. */
export const refusedLines = ({ check }: Edit): number =>
  check?.result.mistakes.filter(({ refused }) => refused).length ?? 0

export function nextEdit(edit: Edit, event: EditEvent): Edit {
  switch (event.type) {
    case 'read':
      return afterReading(edit, event.saved)
    case 'typed':
      return { ...edit, text: event.text, note: null }
    case 'checked':
      return event.text === edit.text ? { ...edit, check: { text: event.text, result: event.result } } : edit
    case 'saving':
      return { ...edit, isSaving: true, note: null }
    case 'saved': {
      const note = { look: 'good', words: 'Saved' } as const
      const next = { ...edit, isSaving: false, base: event.saved, theirs: null, note }
      // Typed on meanwhile: then that is the next change.
      return next
    }
    case 'conflict':
      return {
        ...edit,
        isSaving: false,
        theirs: event.theirs,
        note: {
          look: 'bad',
          words: 'Somebody else has saved this document meanwhile: nothing was overwritten',
        },
      }
    case 'failed':
      return { ...edit, isSaving: false, note: { look: 'bad', words: event.words } }
    case 'take-theirs':
      return edit.theirs === null
        ? edit
        : { ...edit, base: edit.theirs, text: edit.theirs.value, theirs: null, note: null }
    case 'keep-mine':
      return edit.theirs === null ? edit : { ...edit, base: edit.theirs, theirs: null, note: null }
  }
}

/** Read anew now and then: somebody else may write to it. An unchanged text follows, a changed one is never touched. */
function afterReading(edit: Edit, saved: Saved): Edit {
  if (edit.base === null) return { ...edit, base: saved, text: saved.value }
  if (edit.isSaving || saved.version === edit.base.version) return edit
  if (saved.value === edit.text) return { ...edit, base: saved, theirs: null, note: null }
  if (!isChanged(edit)) {
    const note = {
      look: 'caution',
      words: 'Somebody else has saved this document: this is the new text',
    } as const
    // What somebody had put there before that is there no more.
    return { ...edit, base: saved, text: saved.value, theirs: null, note }
  }
  return { ...edit, theirs: saved }
}
