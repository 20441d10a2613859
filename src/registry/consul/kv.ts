import type { CommandDocument } from '../registry.ts'

/** What is read of an entry of `GET /v1/kv/:prefix?recurse`. */
export interface KvEntry {
  readonly Key: string
  /** Base64; null for an empty value. */
  readonly Value: string | null
}

/** Consul's keys have no leading slash; fabio's options do. */
export const kvKey = (path: string): string => path.replace(/^\/+|\/+$/g, '')

/** Where a tree of keys is read. Consul compares by prefix, so this also brings `fabio/config-old`. */
export const kvTreePath = (path: string): string =>
  `/v1/kv/${kvKey(path).split('/').map(encodeURIComponent).join('/')}?recurse`

/**
 * The documents of a tree: the key itself and what is below it, in the order of the keys. Keys that merely begin with
 * the same letters are not part of it (fabio takes them in, QUIRK-14).
 *
 * @param body null or the answer of Consul. Throws where it is not what Consul documents.
 */
export function documentsIn(body: unknown, path: string): CommandDocument[] {
  if (body === null) return []
  if (!Array.isArray(body)) throw new Error(`expected a list of keys below ${path}, got ${typeof body}`)
  const key = kvKey(path)
  return (body as readonly KvEntry[])
    .filter((entry) => entry.Key === key || entry.Key.startsWith(`${key}/`))
    .map((entry) => ({
      name: entry.Key,
      text: Buffer.from(entry.Value ?? '', 'base64')
        .toString('utf8')
        .trim(),
    }))
    .filter((document) => document.text !== '')
}
