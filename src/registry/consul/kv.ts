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
 * The keys of a tree: the key itself and what is below it, in their order. Keys that merely begin with the same letters
 * are not part of it (fabio takes them in, QUIRK-14).
 *
 * @param body the answer of Consul. Throws where it is not what Consul documents.
 */
export function entriesIn(body: unknown, path: string): KvEntry[] {
  if (!Array.isArray(body)) throw new Error(`expected a list of keys below ${path}, got ${typeof body}`)
  const key = kvKey(path)
  return (body as readonly unknown[]).map(checkEntry).filter((entry) => {
    return entry.Key === key || entry.Key.startsWith(`${key}/`)
  })
}

function checkEntry(entry: unknown): KvEntry {
  const { Key, Value } = (entry ?? {}) as Partial<KvEntry>
  if (typeof Key !== 'string') throw new Error(`expected a Key of text, got ${typeof Key}`)
  if (typeof Value !== 'string' && Value !== null) {
    throw new Error(`${Key}: expected a Value of text or null, got ${typeof Value}`)
  }
  return entry as KvEntry
}

/** Those that say something. */
export const documentsOf = (entries: readonly KvEntry[]): CommandDocument[] =>
  entries
    .map((entry) => ({ name: entry.Key, text: textOf(entry) }))
    .filter((document) => document.text !== '')

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
    if (!Array.isArray(body)) throw new Error(`expected a list of keys, got ${typeof body}`)
    return (body as readonly unknown[])
      .filter((key) => typeof key === 'string')
      .filter((key) => key === this.#base || key.startsWith(`${this.#base}/`))
      .map((key) => key.slice(this.#base.length))
  }

  async read(key: string): Promise<StoredOverride> {
    const { body } = await this.#client.read(keyPath(this.nameOf(key)), this.#signal, 'default')
    const [entry] = entriesIn(body, this.nameOf(key))
    if (entry === undefined) return { value: '', version: 0n }
    const { ModifyIndex: version = 0 } = entry
    if (!Number.isSafeInteger(version))
      throw new Error(`${entry.Key}: expected a ModifyIndex, got ${version}`)
    return { value: textOf(entry), version: BigInt(version) }
  }

  async write(key: string, value: string, version: bigint): Promise<boolean> {
    return (
      (await this.#client.put(`${keyPath(this.nameOf(key))}?cas=${version}`, value, this.#signal)) === true
    )
  }
}
