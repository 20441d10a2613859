import type { Clock } from '../../base/world.ts'

/** Where lines go. One call at a time: the next comes after `done`. Throws nothing. */
export interface LineSink {
  /**
   * @param lines whole lines of octets, each ending in a line feed
   * @param count how many
   * @param done how many of them are lost, in the end
   */
  write(lines: string, count: number, done: (lost: number) => void): void
  /** The file may have another name now: the next lines go to a new one. */
  reopen(): void
  /** Lets go of what it holds. Nothing is written any more. */
  close(): void
}

/** Octets at which lines are written without waiting for more. */
const enough = 64 * 1024
/** The longest that a line waits for others; milliseconds. */
const gatherMs = 200

/**
 * Gathers lines and gives them to a sink in large pieces. It never waits: while the sink is busy lines are kept up to a
 * limit, and what comes beyond it is dropped and counted.
 */
export class LineWriter {
  /** Lines that were written, and lines that are lost. */
  written = 0
  dropped = 0
  readonly #sink: LineSink
  readonly #limit: number
  readonly #clock: Clock
  #pending = ''
  #pendingCount = 0
  #isBusy = false
  #cancel: (() => void) | null = null
  #settled: (() => void) | null = null

  /** @param limit octets that are kept while the sink is busy */
  constructor(sink: LineSink, limit: number, clock: Clock) {
    this.#sink = sink
    this.#limit = limit
    this.#clock = clock
  }

  /** Octets that wait. */
  get waiting(): number {
    return this.#pending.length
  }

  /** HOT: once for each line. @param line octets, without a line feed */
  add(line: string): void {
    if (this.#pending.length + line.length >= this.#limit) {
      this.dropped++
      return
    }
    this.#pending += `${line}\n`
    this.#pendingCount++
    if (this.#isBusy) return
    if (this.#pending.length >= enough) this.#flush()
    else if (this.#cancel === null) {
      this.#cancel = this.#clock.after(gatherMs, () => {
        this.#cancel = null
        if (!this.#isBusy) this.#flush()
      })
    }
  }

  #flush(): void {
    this.#cancel?.()
    this.#cancel = null
    const lines = this.#pending
    const count = this.#pendingCount
    if (count === 0) return
    this.#pending = ''
    this.#pendingCount = 0
    this.#isBusy = true
    this.#sink.write(lines, count, (lost) => {
      this.#isBusy = false
      this.dropped += lost
      this.written += count - lost
      // What came meanwhile has waited long enough.
      if (this.#pendingCount > 0) this.#flush()
      else this.#settled?.()
    })
  }

  reopen(): void {
    this.#sink.reopen()
  }

  /** Writes what is left, for `ms` at most, and lets go of the sink. */
  async close(ms: number): Promise<void> {
    if (!this.#isBusy) this.#flush()
    if (this.#isBusy) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(ms, resolve)
        this.#settled = () => {
          cancel()
          resolve()
        }
      })
    }
    this.#sink.close()
  }
}
