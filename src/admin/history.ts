import type { LineDiff } from './line-diff.ts'
import type { ChangeView, HistoryView, InstanceChangeView, InstanceView, OverrideChangeView } from './view.ts'

/** What came at once, with what it changed. */
export interface Change extends LineDiff {
  readonly instances: readonly InstanceChangeView[]
  readonly overrides: readonly OverrideChangeView[]
}

/** The newest changes of the table: so many, and of a large one its beginning, whatever the registry does. */
export class History {
  readonly #capacity: number
  readonly #mostOfEach: number
  /** The oldest first. */
  #changes: ChangeView[] = []

  constructor(capacity = 200, mostOfEach = 50) {
    this.#capacity = capacity
    this.#mostOfEach = mostOfEach
  }

  /** Nothing is recorded where nothing changed. */
  record({ instances, overrides, added, removed }: Change, version: number, at: number): void {
    if (instances.length + overrides.length + added.length + removed.length === 0) return
    const most = this.#mostOfEach
    this.#changes.push({
      version,
      at: new Date(at).toISOString(),
      instances: instances.slice(0, most),
      overrides: overrides.slice(0, most),
      added: added.slice(0, most),
      removed: removed.slice(0, most),
      total: { instances: instances.length, added: added.length, removed: removed.length },
    })
    if (this.#changes.length > this.#capacity) this.#changes.shift()
  }

  view(): HistoryView {
    return { capacity: this.#capacity, changes: this.#changes.toReversed() }
  }
}

/** Instances that came, went, or have another health or other tags. That a check prints something else is no change. */
export function instanceChanges(
  service: string,
  before: readonly InstanceView[],
  after: readonly InstanceView[],
): InstanceChangeView[] {
  const old = new Map(before.map((each) => [each.instance, each]))
  const changes: InstanceChangeView[] = []
  const add = (then: InstanceView | null, now: InstanceView | null): void => {
    const tagsAdded = now?.tags.filter((tag) => !then?.tags.includes(tag)) ?? []
    const tagsRemoved = then?.tags.filter((tag) => !now?.tags.includes(tag)) ?? []
    const isSame = then?.health === now?.health && then?.routed === now?.routed
    if (isSame && tagsAdded.length + tagsRemoved.length === 0) return
    const { instance, reason } = (now ?? then)!
    changes.push({
      service,
      instance,
      before: then?.health ?? null,
      after: now?.health ?? null,
      reason,
      tagsAdded,
      tagsRemoved,
    })
  }
  for (const now of after) {
    add(old.get(now.instance) ?? null, now)
    old.delete(now.instance)
  }
  for (const gone of old.values()) add(gone, null)
  return changes
}

/** Documents that are there and were not, say something else, or are gone. */
export function overrideChanges(
  before: readonly { name: string; text: string }[],
  after: readonly { name: string; text: string }[],
): OverrideChangeView[] {
  const old = new Map(before.map(({ name, text }) => [name, text]))
  const changes: OverrideChangeView[] = []
  for (const { name, text } of after) {
    const then = old.get(name)
    if (then !== text) changes.push({ name, change: then === undefined ? 'added' : 'changed' })
    old.delete(name)
  }
  for (const name of old.keys()) changes.push({ name, change: 'removed' })
  return changes
}
