import { messageOf } from '../base/errors.ts'

/** The part of `fetch` that is needed here. */
export type Fetch = (url: string) => Promise<{
  readonly status: number
  readonly headers: { get(name: string): string | null }
  arrayBuffer(): Promise<ArrayBuffer>
}>

/**
 * Fetches a properties file (fabio reference 13.1): the status has to be 200; `text/plain`, or `iso-8859-1` or `latin1`
 * as charset, is Latin-1; no content type or `text/plain; charset=utf-8` is UTF-8. Throws for anything else.
 */
export async function fetchProperties(fetch: Fetch, url: string): Promise<string> {
  const answer = await fetch(url).catch((error: unknown) => {
    // `fetch failed` says nothing; what happened is in its cause.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new Error(messageOf(cause), { cause: error })
  })
  if (answer.status !== 200) throw new Error(`expected status 200, got ${answer.status}`)
  const contentType = answer.headers.get('content-type') ?? ''
  const decoder = decoderOf(contentType)
  if (decoder === null)
    throw new Error(`expected content type text/plain, got ${JSON.stringify(contentType)}`)
  return decoder(Buffer.from(await answer.arrayBuffer()))
}

function decoderOf(contentType: string): ((bytes: Buffer) => string) | null {
  const [type, charset] = contentType.toLowerCase().split(/\s*;\s*charset\s*=\s*/)
  if (contentType !== '' && type?.trim() !== 'text/plain') return null
  switch (charset?.replaceAll('"', '').trim() ?? (contentType === '' ? 'utf-8' : 'latin1')) {
    case 'utf-8':
      return (bytes) => bytes.toString('utf8')
    case 'iso-8859-1':
    case 'latin1':
      return (bytes) => bytes.toString('latin1')
    default:
      return null
  }
}
