/** A message as a reader understood it. Characters stand for octets. */
export interface ReadMessage {
  /** Method and target, or the status. */
  readonly start: string
  /** `1.1` */
  readonly version: string
  /** Of a status line. */
  readonly reason: string
  /** Name, value, name, value… */
  readonly fields: readonly string[]
  readonly body: string
  readonly trailers: readonly string[]
  /** The connection can carry another message. */
  readonly keepAlive: boolean
}

/**
 * Why a reader stopped: it waits for more octets, has refused what it saw, was told that nothing follows, or leaves the
 * rest to somebody else (an upgrade, a method that only one of the readers knows).
 */
export type Stop = 'waits' | 'refused' | 'closed' | 'left'

/** What a reader made of a connection's octets. */
export interface Reading {
  /** Those that are complete. */
  readonly messages: readonly ReadMessage[]
  readonly stop: Stop
  /** Why it refused; else empty. */
  readonly fault: string
  /** All octets in latin1, and where the last message that was complete ends. */
  readonly text: string
  readonly end: number
}
