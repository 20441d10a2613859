import { readFileSync, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Clock } from '../base/world.ts'

/** What hears of a file: its octets; null with the reason where it cannot be read. */
export type FileChanged = (octets: Buffer | null, error: unknown) => void

/**
 * A small file that is read at once, and again whenever a look finds that it is another one (fabio reference 6.11:
 * older counts too). What cannot be read is told once, until it can.
 */
export class WatchedFile {
  readonly #path: string
  readonly #refresh: number
  readonly #clock: Clock
  readonly #changed: FileChanged
  /** What tells one state of the file from another; empty: it could not be read. */
  #seen = ''
  #cancel: () => void = () => {}
  #isClosed = false

  /** @param refresh milliseconds between two looks; 0: there is no other */
  constructor(path: string, refresh: number, clock: Clock, changed: FileChanged) {
    this.#path = path
    this.#refresh = refresh
    this.#clock = clock
    this.#changed = changed
    try {
      // In this order: a change in between is found by the next look.
      this.#seen = stateOf(statSync(path))
      changed(readFileSync(path), null)
    } catch (error) {
      this.#seen = ''
      changed(null, error)
    }
    this.#schedule()
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
  }

  #schedule(): void {
    if (this.#refresh > 0 && !this.#isClosed) {
      this.#cancel = this.#clock.after(this.#refresh, () => void this.#look())
    }
  }

  async #look(): Promise<void> {
    const before = this.#seen
    try {
      const now = stateOf(await stat(this.#path))
      if (now !== before) {
        const octets = await readFile(this.#path)
        this.#seen = now
        if (!this.#isClosed) this.#changed(octets, null)
      }
    } catch (error) {
      this.#seen = ''
      if (before !== '' && !this.#isClosed) this.#changed(null, error)
    }
    this.#schedule()
  }
}

const stateOf = ({ mtimeMs, size, ino }: { mtimeMs: number; size: number; ino: number }): string =>
  `${mtimeMs} ${size} ${ino}`
