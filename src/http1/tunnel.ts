import type { TunnelEnd } from './messages.ts'
import type { Transport, TransportEvents } from './transport.ts'

/**
 * Two connections joined into one pipe after a 101 (RFC 9110 section 7.8): octets as they come, ends and closes passed
 * on, each side held back by the other.
 */
export class Tunnel implements TransportEvents {
  readonly #client: Transport
  readonly #upstream: Transport
  readonly #shared: Buffer
  /** Memory of the client's buffer waits to be written. */
  #isClientHeld = false
  #isUpstreamHeld = false

  /** @param early what the client sent behind its request */
  constructor(client: Transport, end: TunnelEnd, early: Buffer | null, shared: Buffer) {
    this.#client = client
    this.#upstream = end.transport
    this.#shared = shared
    end.handOver(this)
    if (end.early.length > 0) this.#toClient(end.early)
    if (early !== null) this.#toUpstream(early)
  }

  fromClient(size: number, buffer: Buffer): void {
    const octets = buffer.subarray(0, size)
    this.#toUpstream(buffer === this.#shared ? Buffer.from(octets) : octets)
  }

  #toUpstream(octets: Buffer): void {
    if (!this.#upstream.bytes(octets) && !this.#isClientHeld) {
      this.#isClientHeld = true
      this.#client.pause()
    }
  }

  #toClient(octets: Buffer): void {
    if (!this.#client.bytes(octets) && !this.#isUpstreamHeld) {
      this.#isUpstreamHeld = true
      this.#upstream.pause()
    }
  }

  clientEnded(): void {
    this.#upstream.end()
  }

  clientDrained(): void {
    if (!this.#isUpstreamHeld) return
    this.#isUpstreamHeld = false
    this.#upstream.resume()
  }

  clientClosed(): void {
    this.#upstream.destroy()
  }

  // The upstream's side.

  data(size: number, buffer: Buffer): void {
    this.#toClient(buffer.subarray(0, size))
  }

  ended(): void {
    this.#client.end()
  }

  drained(): void {
    if (!this.#isClientHeld) return
    this.#isClientHeld = false
    this.#client.resume()
  }

  /** Nobody is left on one side: the other need not go on. */
  writeFailed(): void {
    this.#upstream.destroy()
    this.#client.destroy()
  }

  closed(): void {
    this.#client.destroy()
  }
}
