import { GatewayError, messageOf } from '../base/errors.ts'
import type { BodyFilter, FilterOut } from '../proxy/plan.ts'
import type { Compressor } from './compressors.ts'

/** Octets that wait for the compressor before the upstream is held back. */
const mostWaiting = 64 * 1024

/**
 * Compresses a body on its way. One piece is compressed at a time, in a thread of the pool; what comes meanwhile waits,
 * and is then one piece. When nothing waits, everything that was taken so far is flushed out: a stream that goes on
 * slowly is never held back by the compressor, and one that comes fast is not flushed at all.
 *
 * Memory is bounded in both directions: the upstream is held back while `mostWaiting` octets wait, the compressor while
 * the client does not take what came out.
 */
export class CompressingFilter implements BodyFilter {
  readonly #compressor: Compressor
  readonly #flushKind: number
  readonly #out: FilterOut
  readonly #released: () => void
  #waiting: Buffer[] = []
  #waitingSize = 0
  /** A piece, a flush or the end is on its way through the compressor. */
  #isBusy = false
  /** Nothing was written since the last flush. */
  #isFlushed = true
  /** The upstream was told to hold back. */
  #isHolding = false
  #trailers: string | null = null
  #isOver = false

  /** @param released called once, when it needs its memory no more */
  constructor(compressor: Compressor, flushKind: number, out: FilterOut, released: () => void) {
    this.#compressor = compressor
    this.#flushKind = flushKind
    this.#out = out
    this.#released = released
    compressor.on('data', (chunk: Buffer) => {
      if (!this.#isOver && !this.#out.write(chunk)) this.#compressor.pause()
    })
    compressor.on('end', () => {
      if (this.#isOver) return
      this.#leave()
      this.#out.end(this.#trailers ?? '')
    })
    compressor.on('error', (error) => {
      if (this.#isOver) return
      this.#leave()
      this.#out.fail(
        new GatewayError('GW_INTERNAL', `the answer could not be compressed: ${messageOf(error)}`, {
          cause: error,
        }),
      )
    })
  }

  write(chunk: Buffer): boolean {
    if (this.#isOver) return true
    // Its memory is written over as soon as this returns.
    this.#waiting.push(Buffer.from(chunk))
    this.#waitingSize += chunk.length
    this.#begin()
    if (this.#waitingSize < mostWaiting) return true
    this.#isHolding = true
    return false
  }

  end(trailers: string): void {
    if (this.#isOver) return
    this.#trailers = trailers
    this.#begin()
  }

  drained(): void {
    if (!this.#isOver) this.#compressor.resume()
  }

  destroy(): void {
    if (this.#isOver) return
    this.#leave()
    this.#compressor.destroy()
  }

  #leave(): void {
    this.#isOver = true
    this.#waiting = []
    this.#released()
  }

  /** At the end of what runs now: of a small body the end comes in the same event, and all of it is one piece. */
  #begin(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    queueMicrotask(this.#done)
  }

  /** What the compressor is given next. */
  #goOn(): void {
    if (this.#waitingSize > 0) {
      const piece = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting)
      this.#waiting = []
      this.#waitingSize = 0
      this.#isFlushed = false
      if (this.#trailers === null) this.#compressor.write(piece, this.#done)
      else this.#compressor.end(piece)
    } else if (this.#trailers !== null) this.#compressor.end()
    else if (!this.#isFlushed) {
      this.#isFlushed = true
      this.#compressor.flush(this.#flushKind, this.#done)
    } else this.#isBusy = false
  }

  readonly #done = (): void => {
    // Called for a failure as well, which is told as such.
    if (this.#isOver) return
    if (this.#isHolding) {
      this.#isHolding = false
      // What comes before this returns waits: the compressor is still busy.
      this.#out.resume()
    }
    if (!this.#isOver) this.#goOn()
  }
}
