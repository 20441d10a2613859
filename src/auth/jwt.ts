import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Log } from '../base/log.ts'
import type { World } from '../base/world.ts'
import { type ClaimField, claimLines } from './claims.ts'
import { type KeySet, type KeySetOptions, startKeySet } from './key-set.ts'
import { keyedHash } from './keyed-hash.ts'
import { Overloaded } from './overloaded.ts'

/** Signed tokens (RFC 7519) against the keys of their issuer. Plain data. */
export interface JwtOptions extends KeySetOptions {
  readonly type: 'jwt'
  /** What `iss` has to be; empty: anything. */
  readonly issuer: string
  /** One of these has to be in `aud`; none: anything. */
  readonly audience: readonly string[]
  /** Signature algorithms that count (RFC 7518 section 3.1). */
  readonly algorithms: readonly string[]
  /** By how much the clocks may differ, milliseconds. */
  readonly leeway: number
  /** Field of the request that has the token, `Bearer` before it in Authorization. */
  readonly header: string
  /** Cookie that has it where the field is not there; empty: none. */
  readonly cookie: string
  /** Claims that go upstream as fields. */
  readonly claims: readonly ClaimField[]
}

/** `lines`: field lines of the claims, each ending in CRLF. `reason`: why the token is refused, for the client. */
export type JwtVerdict =
  | { readonly granted: true; readonly lines: string }
  | { readonly granted: false; readonly reason: string }

/** Whether tokens can be believed is not known: there are no keys to check them with. */
export class KeysUnknown extends Error {
  override readonly name = 'KeysUnknown'
}

export interface JwtParts {
  readonly world: World
  readonly log: Log
}

interface Verified {
  readonly verdict: JwtVerdict
  /** Milliseconds since the epoch. */
  readonly until: number
}

const mostVerified = 10_000
/** Tokens that are being verified. */
const mostPending = 1_000

export class JwtScheme {
  readonly #options: JwtOptions
  readonly #parts: JwtParts
  readonly #keys: KeySet
  readonly #keyOf = keyedHash()
  readonly #verified = new LRUCache<string, Verified>({ max: mostVerified })
  #pending = 0
  /** Counts the key sets. */
  #generation = 0

  constructor(options: JwtOptions, parts: JwtParts) {
    this.#options = options
    this.#parts = parts
    this.#keys = startKeySet(options, {
      ...parts,
      changed: () => {
        this.#generation++
        this.#verified.clear()
      },
    })
  }

  /** A promise only where the token was not verified before. Throws or rejects with `Overloaded` and `KeysUnknown`. */
  check(token: string): JwtVerdict | Promise<JwtVerdict> {
    const key = this.#keyOf(token)
    const known = this.#verified.get(key)
    if (known !== undefined) {
      // Who verified it may be a key that nobody can vouch for any more.
      if (this.#parts.world.clock.now() < known.until && this.#keys.find !== null) return known.verdict
      this.#verified.delete(key)
    }
    if (this.#pending >= mostPending) throw new Overloaded('too many tokens are being verified')
    this.#pending++
    return this.#verify(key, token).finally(() => this.#pending--)
  }

  async #verify(key: string, token: string): Promise<JwtVerdict> {
    const generation = this.#generation
    let payload: JWTPayload
    try {
      payload = await this.#payloadOf(token)
    } catch (error) {
      if (error instanceof errors.JOSEError) return { granted: false, reason: reasonOf(error) }
      throw error
    }
    const verdict = { granted: true, lines: claimLines(payload, this.#options.claims) } as const
    // `exp` is a number of seconds: jose has looked.
    const until = payload.exp! * 1_000 + this.#options.leeway
    if (generation === this.#generation) this.#verified.set(key, { verdict, until })
    return verdict
  }

  async #payloadOf(token: string): Promise<JWTPayload> {
    try {
      return await this.#payloadBy(this.#keys.find, token)
    } catch (error) {
      if (!(error instanceof KeysUnknown) && !(error instanceof errors.JWKSNoMatchingKey)) throw error
      await this.#keys.renew()
      return this.#payloadBy(this.#keys.find, token)
    }
  }

  async #payloadBy(find: JWTVerifyGetKey | null, token: string): Promise<JWTPayload> {
    const { name, issuer, audience, algorithms, leeway } = this.#options
    if (find === null) throw new KeysUnknown(`${name}: no keys to verify tokens with`)
    const options: JWTVerifyOptions = {
      algorithms: [...algorithms],
      clockTolerance: leeway / 1_000,
      currentDate: new Date(this.#parts.world.clock.now()),
      // One without an end would be good for ever, whoever has got hold of it.
      requiredClaims: ['exp'],
      ...(issuer === '' ? {} : { issuer }),
      ...(audience.length === 0 ? {} : { audience: [...audience] }),
    }
    try {
      return (await jwtVerify(token, find, options)).payload
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      // A token that does not name its key may be signed with any that fits.
      for await (const key of error) {
        try {
          return (await jwtVerify(token, key, options)).payload
        } catch (mismatch) {
          if (!(mismatch instanceof errors.JWSSignatureVerificationFailed)) throw mismatch
        }
      }
      throw new errors.JWSSignatureVerificationFailed()
    }
  }

  close(): Promise<void> {
    return this.#keys.close()
  }
}

/** In words that can stand in a quoted string of WWW-Authenticate, and repeat nothing of the token. */
function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired'
  if (error instanceof errors.JWTClaimValidationFailed)
    return `the claim ${quotable(error.claim)} is not as expected`
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature is not right'
  if (error instanceof errors.JWKSNoMatchingKey) return 'no key is known that could have signed the token'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the signature algorithm is not one that counts'
  return 'it is no token that can be read'
}

const quotable = (text: string): string => text.replace(/[^\w.-]/g, '')
