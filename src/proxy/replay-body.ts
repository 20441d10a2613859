import type { GatewayError } from '../base/errors.ts'
import type { BodySink, BodySource } from '../http1/messages.ts'

/**
 * A request's body that can be sent again as long as it is small: what has gone by is kept, up to a number of octets.
 * With more it is as any other body: sent once.
 */
export class ReplayBody implements BodySource {
  readonly length: number | null
  readonly #source: BodySource
  readonly #most: number
  #kept: Buffer[] | null = []
  #size = 0
  #sink: BodySink | null = null
  #hasStarted = false
  #hasEnded = false
  /** The sink, having said false, takes no more for the moment. */
  #isHeld = false
  #failure: GatewayError | null = null

  constructor(source: BodySource, most: number) {
    this.#source = source
    this.#most = most
    this.length = source.length
  }

  /** It cannot be sent again. */
  get wasStarted(): boolean {
    return this.#hasStarted && this.#kept === null
  }

  limit(octets: number): void {
    this.#source.limit(octets)
  }

  start(sink: BodySink): void {
    this.#sink = sink
    this.#isHeld = false
    if (this.#hasStarted) this.#replay(sink)
    else {
      this.#hasStarted = true
      this.#source.start({
        data: (chunk) => this.#data(chunk),
        end: () => {
          this.#hasEnded = true
          // What is held has not been taken yet: the end comes behind it.
          this.#sink?.end()
        },
        failed: (error) => {
          this.#failure = error
          this.#sink?.failed(error)
        },
      })
    }
  }

  #data(chunk: Buffer): boolean {
    const sink = this.#sink
    this.#size += chunk.length
    // Between two attempts everything is kept, and no more comes.
    if (this.#size > this.#most && sink !== null) this.#kept = null
    else this.#kept?.push(Buffer.from(chunk))
    if (sink === null) return false
    this.#isHeld = !sink.data(chunk)
    return !this.#isHeld
  }

  /** Small enough to be given at once: whoever cannot take it all keeps it, for it is memory of its own. */
  #replay(sink: BodySink): void {
    for (const chunk of this.#kept ?? []) if (!sink.data(chunk)) this.#isHeld = true
    if (this.#failure !== null) sink.failed(this.#failure)
    else if (this.#hasEnded) sink.end()
    else if (!this.#isHeld) this.#source.resume()
  }

  resume(): void {
    this.#isHeld = false
    this.#source.resume()
  }

  /** The attempt that took it has failed: until the next one starts nobody takes anything. */
  detach(): void {
    this.#sink = null
  }
}
