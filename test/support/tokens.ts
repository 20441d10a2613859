import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

/** Somebody who signs tokens. */
export interface Issuer {
  /** The public key, as a set has it. */
  readonly jwk: JWK
  readonly privateKey: CryptoKey
  /** @param expiresIn seconds from now; null: never */
  sign(
    payload?: JWTPayload,
    more?: { header?: object; expiresIn?: number | null; now?: number },
  ): Promise<string>
}

/** @param kid empty: the key has none */
export async function createIssuer(kid = 'key-1', alg = 'ES256'): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const named = kid === '' ? {} : { kid }
  return {
    jwk: { ...(await exportJWK(publicKey)), alg, ...named },
    privateKey,
    sign(payload = {}, { header = {}, expiresIn = 60, now = Date.now() / 1_000 } = {}) {
      const times = expiresIn === null ? {} : { exp: Math.floor(now + expiresIn) }
      return new SignJWT({ ...times, ...payload })
        .setProtectedHeader({ alg, ...named, ...header })
        .sign(privateKey)
    },
  }
}

export const keySetText = (...issuers: readonly Issuer[]): string =>
  JSON.stringify({ keys: issuers.map(({ jwk }) => jwk) })
