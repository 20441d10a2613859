import type { CommandDocument, OverrideStore, StoredOverride } from '../registry.ts'
import type { ConsulClient } from './client.ts'

/** What is read of an entry of `GET /v1/kv/:prefix?recurse`. */
export interface KvEntry {
  readonly Key: string
  /** Base64; null for an empty value. */
  readonly Value: string | null
  /** Changes with every write. */
  readonly ModifyIndex?: number
}

/** Consul's keys have no leading slash; fabio's options do. */
export const kvKey = (path: string): string => path.replace(/^\/+|\/+$/g, '')

/** Where a tree of keys is read. Consul compares by prefix, so this also brings `fabio/config-old`. */
export const kvTreePath = (path: string): string => `${keyPath(kvKey(path))}?recurse`

const keyPath = (key: string): string => `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`

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
    .map((entry) => ({ name: entry.Key, text: textOf(entry) }))
    .filter((document) => document.text !== '')
}

const textOf = ({ Value }: KvEntry): string =>
  Buffer.from(Value ?? '', 'base64')
    .toString('utf8')
    .trim()

/** Manual overrides in Consul's KV store (fabio reference 9.2, 9.3), written with check-and-set. */
export class KvOverrides implements OverrideStore {
  readonly #client: Pick<ConsulClient, 'read' | 'put'>
  readonly #base: string
  readonly #signal: AbortSignal

  /** @param path `registry.consul.kvpath` */
  constructor(client: Pick<ConsulClient, 'read' | 'put'>, path: string, signal: AbortSignal) {
    this.#client = client
    this.#base = kvKey(path)
    this.#signal = signal
  }

  nameOf(key: string): string {
    return this.#base + key
  }

  async keys(): Promise<readonly string[]> {
    const { body } = await this.#client.read(`${keyPath(this.#base)}?keys`, this.#signal, 'default')
    if (body === null) return []
    if (!Array.isArray(body)) throw new Error(`expected a list of keys, got ${typeof body}`)
    return (body as readonly string[])
      .filter((key) => key === this.#base || key.startsWith(`${this.#base}/`))
      .map((key) => key.slice(this.#base.length))
  }

  async read(key: string): Promise<StoredOverride> {
    const { body } = await this.#client.read(keyPath(this.nameOf(key)), this.#signal, 'default')
    const entry = (body as readonly KvEntry[] | null)?.[0]
    return entry === undefined
      ? { value: '', version: 0n }
      : { value: textOf(entry), version: BigInt(entry.ModifyIndex ?? 0) }
  }

  async write(key: string, value: string, version: bigint): Promise<boolean> {
    return (
      (await this.#client.put(`${keyPath(this.nameOf(key))}?cas=${version}`, value, this.#signal)) === true
    )
  }
}
