import type { LabelledRows } from '../observe/rows.ts'
import type { MetricsSnapshot, StatusLabels } from '../observe/snapshot.ts'
import type { MeterLabels } from '../route/meter.ts'

/** Rows whose labels are told the first time only: 20,000 of them are four times the work of their numbers. */
interface PackedRows<L> {
  /** Labels that were not told before, whose ids count up from `firstId`. */
  readonly fresh: readonly L[]
  readonly firstId: number
  /** Whose row is whose. */
  readonly ids: Uint32Array
  readonly values: Float64Array
}

/** A snapshot on its way from a worker to the main process. */
export interface PackedSnapshot extends Omit<MetricsSnapshot, 'targets' | 'statuses'> {
  readonly targets: PackedRows<MeterLabels>
  readonly statuses: PackedRows<StatusLabels>
}

/** The worker's side: snapshots in their order. */
export class SnapshotPacker {
  readonly #targets = new RowPacker<MeterLabels>()
  readonly #statuses = new RowPacker<StatusLabels>()

  pack(snapshot: MetricsSnapshot): PackedSnapshot {
    return {
      ...snapshot,
      targets: this.#targets.pack(snapshot.targets),
      statuses: this.#statuses.pack(snapshot.statuses),
    }
  }
}

/** The main process's side: what one worker packed, in the same order. */
export class SnapshotUnpacker {
  readonly #targets = new RowUnpacker<MeterLabels>()
  readonly #statuses = new RowUnpacker<StatusLabels>()

  unpack(packed: PackedSnapshot): MetricsSnapshot {
    return {
      ...packed,
      targets: this.#targets.unpack(packed.targets),
      statuses: this.#statuses.unpack(packed.statuses),
    }
  }
}

class RowPacker<L extends object> {
  readonly #ids = new WeakMap<L, number>()
  #next = 1

  pack({ labels, values }: LabelledRows<L>): PackedRows<L> {
    const firstId = this.#next
    const fresh: L[] = []
    const ids = new Uint32Array(labels.length)
    for (let index = 0; index < labels.length; index++) {
      const each = labels[index]!
      let id = this.#ids.get(each)
      if (id === undefined) {
        id = this.#next++
        this.#ids.set(each, id)
        fresh.push(each)
      }
      ids[index] = id
    }
    return { fresh, firstId, ids, values }
  }
}

class RowUnpacker<L> {
  #labels = new Map<number, L>()

  unpack({ fresh, firstId, ids, values }: PackedRows<L>): LabelledRows<L> {
    for (const [index, each] of fresh.entries()) this.#labels.set(firstId + index, each)
    const labels: L[] = []
    const known = new Map<number, L>()
    for (const id of ids) {
      const each = this.#labels.get(id)!
      labels.push(each)
      known.set(id, each)
    }
    // What has no row any more has ended.
    this.#labels = known
    return { labels, values }
  }
}
