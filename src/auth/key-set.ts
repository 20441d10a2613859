import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { Backoff } from '../base/backoff.ts'
import { messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { World } from '../base/world.ts'
import { TextFetcher } from './fetch-text.ts'
import { WatchedFile } from './watched-file.ts'

/** Where the keys are that tokens are signed with: a JWK set (RFC 7517 section 5). Plain data. */
export interface KeySetOptions {
  /** Of the scheme that they belong to. */
  readonly name: string
  /** Empty: a file has them. */
  readonly url: string
  /** Empty: a URL has them. */
  readonly file: string
  /** Milliseconds after which they are read again; 0, for a file alone: never. */
  readonly refresh: number
  /** For an answer of the URL, milliseconds. */
  readonly timeout: number
}

/** Keys that are read again and again. */
export interface KeySet {
  /** Finds the key of a token; null: there are no keys, or they are too old to be believed. */
  readonly find: JWTVerifyGetKey | null
  /**
   * A token names a key that is not among them: its issuer may have a new one. Resolves once that was looked into, or at
   * once where it was a moment ago: nobody can make us ask all the time.
   */
  renew(): Promise<void>
  close(): Promise<void>
}

export interface KeySetParts {
  readonly world: World
  readonly log: Log
  /** There are other keys: what was signed with the ones before may be worth nothing now. */
  readonly changed: () => void
}

/** The keys of a JWK set. Throws where the text is none, or has none. */
export function parseKeySet(text: string): JWTVerifyGetKey {
  const set = JSON.parse(text) as JSONWebKeySet
  const find = createLocalJWKSet(set)
  if (set.keys.length === 0) throw new Error('expected a JWK set with a key in it, got one without')
  return find
}

export const startKeySet = (options: KeySetOptions, parts: KeySetParts): KeySet =>
  options.url === '' ? new FileKeys(options, parts) : new UrlKeys(options, parts)

class FileKeys implements KeySet {
  readonly #file: WatchedFile
  #find: JWTVerifyGetKey | null = null

  constructor({ name, file, refresh }: KeySetOptions, { world, log, changed }: KeySetParts) {
    this.#file = new WatchedFile(file, refresh, world.clock, (octets, error) => {
      if (octets === null) {
        log.error('auth', 'file-lost', `${name}: ${messageOf(error)}; no token is believed until it is there`)
        this.#find = null
      } else {
        try {
          this.#find = parseKeySet(octets.toString('utf8'))
          log.info('auth', 'file-read', `${name}: read the keys in ${file}`)
        } catch (mistake) {
          // Perhaps it is being written at this moment: the keys that were there still count.
          log.error('auth', 'keys-rejected', `${name}: ${file}: ${messageOf(mistake)}`)
          return
        }
      }
      changed()
    })
  }

  get find(): JWTVerifyGetKey | null {
    return this.#find
  }

  async renew(): Promise<void> {}

  async close(): Promise<void> {
    this.#file.close()
  }
}

const largestSet = 1024 * 1024
/** Between two questions that tokens cause. Milliseconds. */
const pause = 10_000
/** Keys that could not be confirmed for so long are believed no more: one of them may have been withdrawn. */
const longestUnconfirmed = 3_600_000

class UrlKeys implements KeySet {
  readonly #options: KeySetOptions
  readonly #parts: KeySetParts
  readonly #fetcher: TextFetcher
  readonly #backoff: Backoff
  #text = ''
  #find: JWTVerifyGetKey | null = null
  /** Monotonic milliseconds. */
  #askedAt = Number.NEGATIVE_INFINITY
  #confirmedAt = 0
  #isFailing = false
  #isClosed = false
  #asking: Promise<void> | null = null
  #cancel: () => void = () => {}

  constructor(options: KeySetOptions, parts: KeySetParts) {
    const { clock, random } = parts.world
    this.#options = options
    this.#parts = parts
    this.#fetcher = new TextFetcher(options.timeout, clock)
    this.#backoff = new Backoff({ firstMs: 1_000, maxMs: options.refresh, random })
    void this.#ask()
  }

  get find(): JWTVerifyGetKey | null {
    const age = this.#parts.world.clock.monotonic() - this.#confirmedAt
    return age > Math.max(longestUnconfirmed, 2 * this.#options.refresh) ? null : this.#find
  }

  renew(): Promise<void> {
    if (this.#asking !== null) return this.#asking
    return this.#parts.world.clock.monotonic() - this.#askedAt < pause ? Promise.resolve() : this.#ask()
  }

  #ask(): Promise<void> {
    this.#cancel()
    this.#askedAt = this.#parts.world.clock.monotonic()
    this.#asking = this.#load().then((next) => {
      this.#asking = null
      if (!this.#isClosed) this.#cancel = this.#parts.world.clock.after(next, () => void this.#ask())
    })
    return this.#asking
  }

  /** Resolves with the milliseconds to the next question. */
  async #load(): Promise<number> {
    const { name, url, refresh } = this.#options
    const { log, changed, world } = this.#parts
    try {
      const text = await this.#fetcher.get(url, largestSet)
      if (text !== this.#text) {
        this.#find = parseKeySet(text)
        this.#text = text
        log.info('auth', 'keys-read', `${name}: read the keys at ${url}`)
        changed()
      } else if (this.#isFailing) log.info('auth', 'keys-back', `${name}: ${url} answers again`)
      this.#confirmedAt = world.clock.monotonic()
      this.#isFailing = false
      this.#backoff.succeeded()
      return refresh
    } catch (error) {
      if (!this.#isFailing && !this.#isClosed) {
        log.error('auth', 'keys-lost', `${name}: the keys cannot be read: ${messageOf(error)}`)
      }
      this.#isFailing = true
      return this.#backoff.next()
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel()
    await this.#fetcher.close()
  }
}
