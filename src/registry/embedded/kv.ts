import type { RaftIndex, Result, Topics } from './blocking.ts'

export interface KvEntry {
  readonly Key: string
  readonly Flags: number
  readonly Value: Buffer
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

/** Keys and values. A key and a prefix each have an index of their own, and a deletion moves those that it concerns. */
export class KeyValues {
  readonly #raft: RaftIndex
  readonly #topics: Topics
  readonly #entries = new Map<string, KvEntry>()
  /** Deleted key → when: without it the index of a prefix would go back when its newest key goes. */
  readonly #deletedAt = new Map<string, number>()
  #lastChange = 0

  constructor(raft: RaftIndex, topics: Topics) {
    this.#raft = raft
    this.#topics = topics
  }

  get(key: string): Result<KvEntry | null> {
    const entry = this.#entries.get(key) ?? null
    return { value: entry, index: entry?.ModifyIndex ?? this.#lastChange, topics: [keyTopic(key)] }
  }

  /** Everything that starts with the prefix, by key. The empty prefix is everything. */
  list(prefix: string): Result<KvEntry[]> {
    const value = [...this.#entries.values()]
      .filter((entry) => entry.Key.startsWith(prefix))
      .sort((a, b) => (a.Key < b.Key ? -1 : 1))
    let index = 0
    for (const entry of value) index = Math.max(index, entry.ModifyIndex)
    for (const [key, at] of this.#deletedAt) if (key.startsWith(prefix)) index = Math.max(index, at)
    return { value, index: index === 0 ? this.#lastChange : index, topics: [prefixTopic(prefix)] }
  }

  /**
   * False when `ifIndex` says that somebody else wrote meanwhile: it is the ModifyIndex that the entry must have, 0
   * if there must be none, null if it does not matter.
   */
  put(key: string, value: Buffer, flags: number, ifIndex: number | null): boolean {
    const index = this.#raft.next()
    const old = this.#entries.get(key)
    if (ifIndex !== null && ifIndex !== (old?.ModifyIndex ?? 0)) return false
    if (old !== undefined && old.Flags === flags && old.Value.equals(value)) return true
    const CreateIndex = old?.CreateIndex ?? index
    this.#entries.set(key, { Key: key, Flags: flags, Value: value, CreateIndex, ModifyIndex: index })
    this.#deletedAt.delete(key)
    this.#changed(key, index)
    return true
  }

  /** False when the entry's ModifyIndex is not `ifIndex`; null: it does not matter. A missing key is no failure. */
  delete(key: string, ifIndex: number | null): boolean {
    const index = this.#raft.next()
    const old = this.#entries.get(key)
    if (old === undefined) return true
    if (ifIndex !== null && ifIndex !== old.ModifyIndex) return false
    this.#remove(key, index)
    return true
  }

  deleteTree(prefix: string): void {
    const index = this.#raft.next()
    for (const key of [...this.#entries.keys()]) if (key.startsWith(prefix)) this.#remove(key, index)
  }

  #remove(key: string, index: number): void {
    this.#entries.delete(key)
    this.#deletedAt.set(key, index)
    this.#changed(key, index)
  }

  #changed(key: string, index: number): void {
    this.#lastChange = index
    this.#topics.touch(keyTopic(key))
    for (let end = 0; end <= key.length; end++) this.#topics.touch(prefixTopic(key.slice(0, end)))
  }
}

const keyTopic = (key: string): string => `key:${key}`
const prefixTopic = (prefix: string): string => `prefix:${prefix}`
