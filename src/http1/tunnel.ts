import { smallChunk } from './buffers.ts'
import type { TunnelEnd } from './messages.ts'
import type { Transport, TransportEvents } from './transport.ts'
import { FrameBounds, goingAway, maskedGoingAway } from './websocket-frames.ts'

/** One direction of a tunnel. */
interface Direction {
  readonly to: Transport
  /** Where frames end; null: nobody knows what is spoken. */
  readonly frames: FrameBounds | null
  readonly farewell: Buffer
  /** Its receiver has been told that it ends, and gets nothing more. */
  isOver: boolean
}

/**
 * Two connections joined into one pipe after a 101 (RFC 9110 section 7.8): octets as they come, the end of each
 * direction passed on by itself, each side held back by the other. What one side sent before it closed still reaches the
 * other.
 */
export class Tunnel implements TransportEvents {
  readonly #client: Transport
  readonly #upstream: Transport
  readonly #down: Direction
  readonly #up: Direction
  readonly #upstreamGone: () => void
  /** Octets of a side wait to be written to the other. */
  #isClientHeld = false
  #isUpstreamHeld = false
  /** One side is closed; the other gets what is on its way, and is closed then. */
  #isClientGone = false
  #isUpstreamGone = false
  /** Both sides are to be told at the next frame's end. */
  #isEnding = false

  /**
   * @param early what the client sent behind its request
   * @param upstreamGone the upstream has closed, and what it sent has not gone out yet
   */
  constructor(
    client: Transport,
    end: TunnelEnd,
    upgrade: string,
    early: Buffer | null,
    upstreamGone: () => void,
  ) {
    this.#client = client
    this.#upstream = end.transport
    this.#upstreamGone = upstreamGone
    const isWebSocket = upgrade.toLowerCase() === 'websocket'
    const direction = (to: Transport, farewell: Buffer): Direction => ({
      to,
      frames: isWebSocket ? new FrameBounds() : null,
      farewell,
      isOver: false,
    })
    this.#down = direction(client, goingAway)
    this.#up = direction(end.transport, maskedGoingAway)
    end.handOver(this)
    end.farewell = () => this.farewell()
    if (end.early.length > 0) this.#toClient(end.early)
    if (early !== null) this.#toUpstream(early)
  }

  fromClient(size: number, buffer: Buffer): void {
    this.#toUpstream(ownOctets(buffer, size))
  }

  #toUpstream(octets: Buffer): void {
    if (!this.#pass(octets, this.#up) && !this.#isClientHeld) {
      this.#isClientHeld = true
      this.#client.pause()
    }
  }

  #toClient(octets: Buffer): void {
    if (!this.#pass(octets, this.#down) && !this.#isUpstreamHeld) {
      this.#isUpstreamHeld = true
      this.#upstream.pause()
    }
  }

  /** False: the octets wait, and no more are to come. */
  #pass(octets: Buffer, direction: Direction): boolean {
    const { to, frames, isOver } = direction
    if (isOver) return true
    if (frames === null) return to.bytes(octets)
    if (!this.#isEnding) {
      frames.skip(octets)
      return to.bytes(octets)
    }
    const end = frames.next(octets, 0, octets.length)
    if (end === -1) return to.bytes(octets)
    const isFree = to.bytes(octets.subarray(0, end))
    this.#end(direction)
    return isFree
  }

  /**
   * Both sides are told that it ends: those who speak WebSocket with a Close frame, as soon as what is under way leaves
   * room for one; others by the end of the stream.
   */
  farewell(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    for (const direction of [this.#down, this.#up]) {
      if (direction.frames === null || direction.frames.isBetween) this.#end(direction)
    }
  }

  #end(direction: Direction): void {
    direction.isOver = true
    // Who has got a Close frame answers it and closes; an end of the stream behind it would cut off the answer.
    if (direction.frames === null) direction.to.end()
    else direction.to.bytes(direction.farewell)
  }

  clientEnded(): void {
    this.#upstream.end()
  }

  clientDrained(): void {
    if (this.#isUpstreamGone) this.#client.destroy()
    if (!this.#isUpstreamHeld) return
    this.#isUpstreamHeld = false
    this.#upstream.resume()
  }

  /** The client takes no more: nobody is there for what the upstream says. */
  clientWriteFailed(): void {
    this.#upstream.destroy()
    this.#client.destroy()
  }

  /** @param isClean it has sent its end, and taken that of the upstream */
  clientClosed(isClean: boolean): void {
    this.#isClientGone = true
    if (!isClean || this.#upstream.isFlushed) this.#upstream.destroy()
    else this.#upstream.end()
  }

  // The upstream's side.

  data(size: number, buffer: Buffer): void {
    this.#toClient(ownOctets(buffer, size))
  }

  ended(): void {
    this.#client.end()
  }

  drained(): void {
    if (this.#isClientGone) this.#upstream.destroy()
    if (!this.#isClientHeld) return
    this.#isClientHeld = false
    this.#client.resume()
  }

  /** The upstream takes no more. What it has sent may still be on its way, here or in the system: its close comes next. */
  writeFailed(): void {
    this.#up.isOver = true
    if (!this.#isClientHeld) return
    this.#isClientHeld = false
    this.#client.resume()
  }

  closed(): void {
    this.#isUpstreamGone = true
    if (this.#client.isFlushed) {
      this.#client.destroy()
      return
    }
    this.#client.end()
    this.#upstreamGone()
  }
}

/**
 * Octets that may wait to be written: the buffer that they were read into is that of other connections too. Of few of
 * them the transport makes text at once.
 */
const ownOctets = (buffer: Buffer, size: number): Buffer => {
  const octets = buffer.subarray(0, size)
  return size <= smallChunk ? octets : Buffer.from(octets)
}
