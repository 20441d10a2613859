import type { DryRunView, MistakeView } from '../../../src/admin/view.ts'
import { ApiError, ask, jsonBody, send } from '../api.ts'
import type { Saved } from './edit.ts'

/** Keys are empty or begin with `/`. */
const pathOf = (key: string): string => `api/manual${key.split('/').map(encodeURIComponent).join('/')}`

export const readKeys = async (): Promise<readonly string[]> =>
  (await ask<string[] | null>('api/paths')) ?? []

export const readDocument = (key: string): Promise<Saved> => ask<Saved>(pathOf(key))

export const checkDocument = (key: string, value: string, signal: AbortSignal): Promise<DryRunView> =>
  ask<DryRunView>('api/manual/check', { ...jsonBody('POST', { path: key, value }), signal })

/** How an attempt to save ended. */
export type Outcome =
  | { readonly type: 'saved' }
  | { readonly type: 'conflict' }
  | { readonly type: 'refused'; readonly words: string; readonly mistakes: readonly MistakeView[] }

/**
 * Saves in place of that version and no other. Rejects with an ApiError where it is not known how it ended.
 *
 * @param isForced also what has lines that are no commands
 */
export async function saveDocument(
  key: string,
  value: string,
  version: string,
  isForced: boolean,
): Promise<Outcome> {
  try {
    await send(`${pathOf(key)}${isForced ? '?force' : ''}`, jsonBody('PUT', { value, version }))
    return { type: 'saved' }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.status === 409) return { type: 'conflict' }
    if (error.status !== 400) throw error
    const { mistakes = [] } = (error.body ?? {}) as { mistakes?: readonly MistakeView[] }
    return { type: 'refused', words: error.message, mistakes }
  }
}
