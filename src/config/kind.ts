/** Addresses of this machine by interface, as `networkInterfaces()` of `node:os` gives them. */
export type Interfaces = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>

export interface InterfaceAddress {
  readonly address: string
  /** `IPv4` or `IPv6`. */
  readonly family: string
  /** `10.0.0.5/24`, or null where the mask is unknown. */
  readonly cidr: string | null
}

/** What a value may depend on beside its own text. */
export interface ParseContext {
  readonly interfaces: Interfaces
  readonly hostname: string
  /** Of a proxy listener that does not state its own, in ms. */
  readonly listenerTimeouts: ListenerTimeouts
  /** Tells of something that is harmless and probably not meant. */
  warn(sentence: string): void
}

export interface ListenerTimeouts {
  /** A whole request with its body, in ms; 0: no limit. */
  readonly readTimeout: number
  /** Until the end of the answer, in ms; 0: no limit. */
  readonly writeTimeout: number
  /** Between two requests on a connection, in ms; 0: no limit. */
  readonly idleTimeout: number
}

/** How the text of an option becomes a value. */
export interface Kind<out T> {
  /** What the reference calls it: `duration`, `one of rr, rnd`. */
  readonly type: string
  /** Throws `ValueError` for a text that does not fit. */
  parse(text: string, context: ParseContext): T
}

/** A text that does not fit its option. The message says what was expected and what was found. */
export class ValueError extends Error {
  override readonly name = 'ValueError'
}

/** The text as it is shown in an error: quoted, and cut where it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}

export function expected(what: string, text: string): ValueError {
  return new ValueError(`expected ${what}, got ${quoted(text)}`)
}

/** `a`, `a or b`, `a, b or c`. */
export function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}
