import { useSignalEffect } from '@preact/signals'
import { useEffect, useMemo, useReducer, useRef } from 'preact/hooks'
import { ApiError, wordsOfError } from '../api.ts'
import { type Gateway, paced } from '../gateway.ts'
import { keeper } from '../navigation.ts'
import { checkDocument, readDocument, saveDocument } from './documents.ts'
import { type Edit, type EditEvent, isChanged, nextEdit, unread } from './edit.ts'

/** From the last key to the question what the text would do. */
const checkAfterMs = 200
/** Tables may come often; what is saved is looked at less often. */
const rereadEveryMs = 2_000

export interface Editor {
  readonly edit: Edit
  tell(event: EditEvent): void
  save(isForced: boolean): Promise<void>
}

/** The editor of one document: reads it, has what is typed checked, notices when somebody else saves it. */
export function useEdit(key: string, gateway: Gateway): Editor {
  const [edit, tell] = useReducer(nextEdit, unread)
  const newest = useRef(edit)
  newest.current = edit

  const reread = useMemo(
    () =>
      paced(rereadEveryMs, async () => {
        try {
          tell({ type: 'read', saved: await readDocument(key) })
        } catch (error) {
          // Of a document that is being written nothing is lost by not seeing it anew.
          if (newest.current.base === null) tell({ type: 'failed', words: wordsOfError(error) })
        }
      }),
    [key],
  )
  // What somebody saves changes the table, and an agent that came back may know a newer text.
  useSignalEffect(() => {
    void gateway.table.value
    reread()
  })

  const { text, base } = edit
  const version = gateway.table.value?.version
  useEffect(() => {
    if (base === null) return
    const stop = new AbortController()
    const timer = setTimeout(() => {
      checkDocument(key, text, stop.signal).then(
        (result) => tell({ type: 'checked', text, result }),
        (error: unknown) => {
          if (!stop.signal.aborted) tell({ type: 'failed', words: `Not checked: ${wordsOfError(error)}` })
        },
      )
    }, checkAfterMs)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [key, text, base === null, version])

  const isDirty = isChanged(edit)
  useEffect(() => {
    if (!isDirty) return
    keeper.asks = () => confirm('What you wrote is not saved. Leave all the same?')
    return () => {
      keeper.asks = null
    }
  }, [isDirty])

  /** Its version is known once it is read again; the next look does that where this one fails. */
  const readSaved = async (): Promise<void> => {
    try {
      tell({ type: 'saved', saved: await readDocument(key) })
    } catch (error) {
      tell({ type: 'failed', words: `Saved, but not read again: ${wordsOfError(error)}` })
    }
  }
  const save = async (isForced: boolean): Promise<void> => {
    if (base === null) return
    tell({ type: 'saving' })
    try {
      const outcome = await saveDocument(key, text, base.version, isForced)
      if (outcome.type === 'refused') tell({ type: 'failed', words: `Not saved: ${outcome.words}` })
      else if (outcome.type === 'conflict') tell({ type: 'conflict', theirs: await readDocument(key) })
      else await readSaved()
    } catch (error) {
      const words =
        error instanceof ApiError && error.status === 401 ? 'this needs another login' : wordsOfError(error)
      tell({ type: 'failed', words: `Not saved: ${words}` })
    }
  }
  return { edit, tell, save }
}
