import type { Log } from '../../base/log.ts'
import type { LineSink } from './line-writer.ts'

/** Writes octets to where the process writes to, in order. `done` comes when they are gone, with an error where they are lost. */
export type WriteOut = (octets: Buffer, done: (error: Error | null) => void) => void

/** The standard output of the process, or of the one that has started it. */
export class OutputSink implements LineSink {
  readonly #writeOut: WriteOut
  readonly #log: Log

  constructor(writeOut: WriteOut, log: Log) {
    this.#writeOut = writeOut
    this.#log = log
  }

  write(lines: string, count: number, done: (lost: number) => void): void {
    this.#writeOut(Buffer.from(lines, 'latin1'), (error) => {
      if (error !== null)
        this.#log.error('access-log', 'write-failed', `stdout: ${error.message}; its lines are lost`)
      done(error === null ? 0 : count)
    })
  }

  reopen(): void {}

  close(): void {}
}
