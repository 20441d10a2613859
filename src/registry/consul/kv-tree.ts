import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { World } from '../../base/world.ts'
import type { CommandDocument } from '../registry.ts'
import { documentsOf, entriesIn } from './kv.ts'

export interface KvTreeOptions {
  readonly path: string
  readonly tell: (documents: readonly CommandDocument[]) => void
  /** Asks the leader. */
  readonly readAgain: () => Promise<unknown>
  /** True while what Consul says may be that of a Consul that has just restarted. */
  readonly isDistrustful: () => boolean
  readonly world: World
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * What is known of a tree of keys. A tree that is there and then has no key at all may be that of a Consul that lost
 * its state, and with it would go every route that people wrote and every one that they took away: it is believed once
 * the leader says so too. A key that somebody emptied is still a key.
 */
export class KvTree {
  readonly #options: KvTreeOptions
  /** What was told last; null before the first time. */
  #told: readonly CommandDocument[] | null = null
  #cancelConfirming: (() => void) | null = null
  #lastError = ''

  constructor(options: KvTreeOptions) {
    this.#options = options
  }

  /** Takes an answer. Returns whether it brought anything new; throws where it is not what Consul documents. */
  answered(body: unknown): boolean {
    const entries = entriesIn(body, this.#options.path)
    const documents = documentsOf(entries)
    if (areSame(documents, this.#told)) {
      this.#trust()
      return false
    }
    if (entries.length === 0 && (this.#told?.length ?? 0) > 0) {
      this.#cancelConfirming ??= this.#confirmLater()
      return true
    }
    this.#trust()
    this.#told = documents
    this.#options.tell(documents)
    return true
  }

  #trust(): void {
    this.#cancelConfirming?.()
    this.#cancelConfirming = null
    this.#lastError = ''
  }

  #confirmLater(): () => void {
    let isOver = false
    const cancel = this.#options.world.clock.after(confirmMs, () => void this.#confirm(() => isOver))
    return () => {
      isOver = true
      cancel()
    }
  }

  async #confirm(isOver: () => boolean): Promise<void> {
    const { path, readAgain, isDistrustful, tell, log, signal } = this.#options
    if (!isDistrustful()) {
      try {
        const entries = entriesIn(await readAgain(), path)
        if (isOver() || signal.aborted) return
        this.#trust()
        this.#told = documentsOf(entries)
        tell(this.#told)
        return
      } catch (error) {
        const words = messageOf(error)
        if (words !== this.#lastError && !signal.aborted) {
          log.warn(
            'consul',
            'loss-unconfirmed',
            `no key is left at ${path}: ${words}; keeping what was there`,
          )
        }
        this.#lastError = words
      }
    }
    if (!isOver() && !signal.aborted) this.#cancelConfirming = this.#confirmLater()
  }
}

const areSame = (a: readonly CommandDocument[], b: readonly CommandDocument[] | null): boolean =>
  JSON.stringify(a) === JSON.stringify(b)

/** As for services that are gone. */
const confirmMs = 2_000
