import { Socket } from 'node:net'
import { catalogue } from '../base/errors.ts'
import { type TimerWheel, WheelTimer } from '../base/timer-wheel.ts'

/** How many client connections this process serves at a time, on all its ports together. */
export class ConnectionLimit {
  readonly #most: number
  #open = 0

  /** @param most `proxy.maxconns`; 0: no limit */
  constructor(most: number) {
    this.#most = most
  }

  get isReached(): boolean {
    return this.#most > 0 && this.#open >= this.#most
  }

  opened(): void {
    this.#open++
  }

  closed(): void {
    this.#open--
  }
}

const code = 'GW_TOO_MANY_CONNECTIONS'
const { says } = catalogue[code]
const answer =
  'HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\n' +
  `X-Gatehouse-Error: ${code}\r\nContent-Length: ${says.length + 1}\r\nConnection: close\r\n\r\n${says}\n`

/** What a client may take to read its answer. */
const lingerMs = 500
/** Connections that are being answered. More than these are closed at once: each has a file descriptor. */
const mostAtOnce = 64

/** The system's side of a connection. */
interface ClosableHandle {
  close(): void
}

/**
 * Answers connections that there is no room for. HAProxy leaves such connections in the system's queue; Node cannot, it
 * takes what comes, and an answer at once is better than none.
 */
export class TurnedAway {
  readonly #wheel: TimerWheel
  #open = 0

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel
  }

  /** @param secure whether the client would speak TLS: there is nothing to say to it before that */
  take(handle: ClosableHandle, secure: boolean): void {
    if (secure || this.#open >= mostAtOnce) {
      handle.close()
      return
    }
    this.#open++
    const socket = new Socket({ handle } as object)
    const timer = new WheelTimer(() => socket.destroy())
    this.#wheel.arm(timer, lingerMs)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#open--
      this.#wheel.cancel(timer)
    })
    // To close with octets unread would reset the connection, and take the answer from the client.
    socket.resume()
    socket.end(answer)
  }
}
