/** An answer other than 2xx, or none at all. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** 0: there was no answer. */
  readonly status: number
  /** What came as JSON, if that is what came. */
  readonly body: unknown

  constructor(message: string, status: number, body: unknown = null) {
    super(message)
    this.status = status
    this.body = body
  }
}

/** Asks the API of this gateway. Rejects with an ApiError in words that can be shown. */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const text = await send(path, init)
  try {
    return JSON.parse(text) as T
  } catch {
    throw new ApiError(`${path}: expected JSON, got ${JSON.stringify(text.slice(0, 80))}`, 200)
  }
}

/** As `ask`, of a call that answers no JSON. Sends a body as JSON. */
export async function send(path: string, init: RequestInit = {}): Promise<string> {
  let answer: Response
  let text: string
  try {
    // The API redirects nobody: who is sent elsewhere is to log in there.
    answer = await fetch(new URL(path, document.baseURI), { ...init, redirect: 'manual' })
    text = await answer.text()
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiError('the gateway does not answer', 0)
  }
  if (answer.type === 'opaqueredirect') throw new ApiError('you are not logged in any more', 401)
  if (answer.ok) return text
  let body: unknown = null
  try {
    body = JSON.parse(text)
  } catch {
    // Words.
  }
  const said = (body as { error?: unknown } | null)?.error ?? text.trim()
  throw new ApiError(String(said || `the gateway answered ${answer.status}`), answer.status, body)
}

/** The options of a request that sends `value`. */
export const jsonBody = (method: string, value: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

export const wordsOfError = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
