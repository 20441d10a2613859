import { close, open, write } from 'node:fs'
import { open as openHandle, stat } from 'node:fs/promises'
import type { Log } from '../../base/log.ts'
import type { LineSink } from './line-writer.ts'

/** Read and written by the owner, read by the group: lines name clients. */
const mode = 0o640

const lineFeed = Buffer.from('\n')

/** A disk that was full, or a process that was killed, may have left one: what follows must not stand behind it. */
async function endsInHalfALine(path: string): Promise<boolean> {
  try {
    const { size } = await stat(path).then((found) => (found.isFile() ? found : { size: 0 }))
    if (size === 0) return false
    const handle = await openHandle(path, 'r')
    const { buffer, bytesRead } = await handle
      .read(Buffer.alloc(1), 0, 1, size - 1)
      .finally(() => handle.close())
    return bytesRead === 1 && buffer[0] !== 0x0a
  } catch {
    // It may be written and not read, or is gone already.
    return false
  }
}

/**
 * Appends to a file. Every piece is one write at the end of the file as it is then, so that lines of several processes
 * stay whole. After a failure it is opened again for the next piece: a disk that was full has room at some time.
 */
export class FileSink implements LineSink {
  readonly #path: string
  readonly #log: Log
  #descriptor: number | null = null
  #isOld = false
  #isBusy = false
  #isClosed = false

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  write(lines: string, count: number, done: (lost: number) => void): void {
    this.#isBusy = true
    const ended = (lost: number): void => {
      this.#isBusy = false
      if (this.#isClosed) this.#letGo()
      done(lost)
    }
    const octets = Buffer.from(lines, 'latin1')
    if (this.#isOld) this.#letGo()
    if (this.#descriptor !== null) {
      this.#append(this.#descriptor, octets, 0, count, ended)
      return
    }
    open(this.#path, 'a', mode, (error, descriptor) => {
      if (error !== null) {
        this.#failed(error)
        ended(count)
        return
      }
      this.#descriptor = descriptor
      void endsInHalfALine(this.#path).then((isTorn) => {
        const whole = isTorn ? Buffer.concat([lineFeed, octets]) : octets
        this.#append(descriptor, whole, 0, count, ended)
      })
    })
  }

  #append(
    descriptor: number,
    octets: Buffer,
    from: number,
    count: number,
    ended: (lost: number) => void,
  ): void {
    write(descriptor, octets, from, octets.length - from, null, (error, size) => {
      if (error !== null) {
        this.#failed(error)
        this.#letGo()
        // Lines that were written before it failed are not lost.
        const left = octets.subarray(from).filter((octet) => octet === 0x0a).length
        ended(Math.min(left, count))
      } else if (from + size < octets.length) this.#append(descriptor, octets, from + size, count, ended)
      else ended(0)
    })
  }

  #failed(error: Error): void {
    this.#log.error('access-log', 'write-failed', `${this.#path}: ${error.message}; its lines are lost`)
  }

  reopen(): void {
    this.#isOld = true
  }

  close(): void {
    this.#isClosed = true
    if (!this.#isBusy) this.#letGo()
  }

  #letGo(): void {
    this.#isOld = false
    if (this.#descriptor === null) return
    close(this.#descriptor, () => {})
    this.#descriptor = null
  }
}
