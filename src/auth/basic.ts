import { LRUCache } from 'lru-cache'
import { messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Clock } from '../base/world.ts'
import { parseBasic } from './credentials.ts'
import type { Hasher } from './hash-thread.ts'
import { parseHtpasswd } from './htpasswd.ts'
import { keyedHash } from './keyed-hash.ts'
import { Overloaded } from './overloaded.ts'
import type { PasswordHash } from './password-hash.ts'
import { WatchedFile } from './watched-file.ts'

/** User name and password against an htpasswd file (fabio reference 6.11). Plain data. */
export interface BasicOptions {
  readonly type: 'basic'
  readonly name: string
  readonly file: string
  readonly realm: string
  /** Milliseconds between two looks at the file; 0: it is never read again. */
  readonly refresh: number
}

export interface BasicParts {
  readonly hasher: Hasher
  readonly clock: Clock
  readonly log: Log
}

const mostVerified = 10_000
/** Few, so that guessers do not fill the memory; enough for clients that send an old password again and again. */
const mostRefused = 1_000
/** Passwords that are being hashed or wait for it: seconds of work, even for bcrypt. */
const mostPending = 64

/** Who may log in. */
export class BasicScheme {
  /** The value of WWW-Authenticate (RFC 7617 section 2). */
  readonly challenge: string
  readonly #hasher: Hasher
  readonly #file: WatchedFile
  readonly #keyOf = keyedHash()
  readonly #verified = new LRUCache<string, true>({ max: mostVerified })
  readonly #refused = new LRUCache<string, true>({ max: mostRefused })
  readonly #pending = new Map<string, Promise<boolean>>()
  #users: ReadonlyMap<string, PasswordHash> = new Map()
  /** Hashed in place of that of a user who does not exist: the time must not tell. */
  #decoy: PasswordHash | null = null
  /** Counts the states of the file. */
  #generation = 0

  constructor(options: BasicOptions, { hasher, clock, log }: BasicParts) {
    const { name, file, realm, refresh } = options
    this.challenge = `Basic realm="${realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`
    this.#hasher = hasher
    let isFirst = true
    this.#file = new WatchedFile(file, refresh, clock, (octets, error) => {
      if (octets === null) {
        isFirst = false
        log.error('auth', 'file-lost', `${name}: ${messageOf(error)}; nobody can log in until it is there`)
        this.#replace(new Map())
        return
      }
      const { users, mistakes } = parseHtpasswd(octets.toString('latin1'))
      for (const mistake of mistakes) log.warn('auth', 'line-rejected', `${name}: ${file}: ${mistake}`)
      if (!isFirst) log.info('auth', 'file-read', `${name}: read ${file} again: ${users.size} users`)
      isFirst = false
      this.#replace(users)
    })
  }

  #replace(users: ReadonlyMap<string, PasswordHash>): void {
    this.#users = users
    const hashes = [...users.values()]
    this.#decoy = hashes.find(({ isSlow }) => isSlow) ?? hashes[0] ?? null
    this.#generation++
    this.#verified.clear()
    this.#refused.clear()
    this.#pending.clear()
  }

  /**
   * Whether the credentials are right. A promise only where a password has to be hashed first. Throws, or rejects with,
   * what kept it from finding out: `Overloaded`, or whatever ended the hashing.
   *
   * @param authorization the value of the request's Authorization; empty: none
   */
  check(authorization: string): boolean | Promise<boolean> {
    if (authorization === '' || this.#decoy === null) return false
    const key = this.#decoy.isSlow ? this.#keyOf(authorization) : ''
    if (key !== '') {
      if (this.#verified.get(key) === true) return true
      if (this.#refused.get(key) === true) return false
    }
    const credentials = parseBasic(authorization)
    if (credentials === null) return false
    const known = this.#users.get(credentials.user)
    const hash = known ?? this.#decoy
    if (!hash.isSlow) return hash.matches(credentials.password) && known !== undefined
    return this.#hash(key, authorization, hash, credentials.password, known !== undefined)
  }

  /** Asks the thread, once for the same credentials. */
  #hash(
    key: string,
    authorization: string,
    { text }: PasswordHash,
    password: Buffer,
    isKnown: boolean,
  ): Promise<boolean> {
    const running = this.#pending.get(key)
    if (running !== undefined) return running
    if (this.#pending.size >= mostPending) throw new Overloaded('too many passwords are being checked')
    const generation = this.#generation
    const verdict = this.#hasher.matches(text, password).then(
      (matches) => {
        // The file has changed meanwhile: what it said before is worth nothing.
        if (generation !== this.#generation) return this.check(authorization)
        this.#pending.delete(key)
        const isRight = matches && isKnown
        ;(isRight ? this.#verified : this.#refused).set(key, true)
        return isRight
      },
      (error: unknown) => {
        if (generation === this.#generation) this.#pending.delete(key)
        throw error
      },
    )
    this.#pending.set(key, verdict)
    return verdict
  }

  close(): void {
    this.#file.close()
  }
}
