import { createHmac } from 'node:crypto'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type JwtOptions, JwtScheme, type JwtVerdict, KeysUnknown } from '../../src/auth/jwt.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { FakeClock, fakeWorld } from '../support/fake-clock.ts'
import { createIssuer, type Issuer, keySetText } from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'

let folder: string
let issuer: Issuer
let stranger: Issuer
const schemes: JwtScheme[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-jwt-'))
  issuer = await createIssuer()
  stranger = await createIssuer()
})
afterEach(async () => {
  for (const scheme of schemes.splice(0)) await scheme.close()
})
afterAll(() => rm(folder, { recursive: true }))

async function start(keys: string, more: Partial<JwtOptions> = {}) {
  const file = join(folder, 'keys')
  await writeFile(file, keys)
  const clock = new FakeClock()
  const log = new CapturedLog()
  const options: JwtOptions = {
    type: 'jwt',
    name: 'api',
    url: '',
    file,
    refresh: 0,
    timeout: 5_000,
    issuer: '',
    audience: [],
    algorithms: ['ES256', 'RS256', 'EdDSA'],
    leeway: 0,
    header: 'Authorization',
    cookie: '',
    claims: [{ claim: 'sub', header: 'X-User' }],
    ...more,
  }
  const scheme = new JwtScheme(options, { world: fakeWorld(clock), log })
  schemes.push(scheme)
  /** Times are those of the fake clock, which stands at the epoch. */
  const sign = (
    payload: Parameters<Issuer['sign']>[0] = {},
    { by = issuer, ...rest }: { by?: Issuer; header?: object; expiresIn?: number | null } = {},
  ): Promise<string> => by.sign(payload, { now: clock.now() / 1_000, ...rest })
  return { scheme, clock, log, file, sign }
}

const refused = (reason: string): JwtVerdict => ({ granted: false, reason })

describe('a signed token', () => {
  test('is good while its time lasts, and what it claims goes upstream', async () => {
    const { scheme, clock, sign } = await start(keySetText(issuer))
    const token = await sign({ sub: 'joe' }, { expiresIn: 60 })
    expect(await scheme.check(token)).toEqual({ granted: true, lines: 'X-User: joe\r\n' })
    await clock.advance(59_000)
    // Known by now: nothing has to be waited for.
    expect(scheme.check(token)).toEqual({ granted: true, lines: 'X-User: joe\r\n' })
    await clock.advance(1_000)
    expect(await scheme.check(token)).toEqual(refused('the token has expired'))
  })

  test('may be late by the leeway, and no longer', async () => {
    const { scheme, clock, sign } = await start(keySetText(issuer), { leeway: 5_000 })
    const token = await sign({}, { expiresIn: 60 })
    await scheme.check(token)
    await clock.advance(64_000)
    expect(scheme.check(token)).toMatchObject({ granted: true })
    await clock.advance(1_000)
    expect(await scheme.check(token)).toEqual(refused('the token has expired'))
  })

  test('of somebody else with the same key name is refused', async () => {
    const { scheme, sign } = await start(keySetText(issuer))
    expect(await scheme.check(await sign({}, { by: stranger }))).toEqual(
      refused('the signature is not right'),
    )
  })

  test('without an end is refused', async () => {
    const { scheme, sign } = await start(keySetText(issuer))
    expect(await scheme.check(await sign({}, { expiresIn: null }))).toEqual(
      refused('the claim exp is not as expected'),
    )
  })

  test('that is not good yet is refused', async () => {
    const { scheme, sign } = await start(keySetText(issuer))
    expect(await scheme.check(await sign({ nbf: 10 }))).toEqual(refused('the claim nbf is not as expected'))
  })

  test.each([
    [{ iss: 'https://id.test', aud: 'shop' }, true],
    [{ iss: 'https://id.test', aud: ['other', 'office'] }, true],
    [{ iss: 'https://evil.test', aud: 'shop' }, false],
    [{ aud: 'shop' }, false],
    [{ iss: 'https://id.test', aud: 'other' }, false],
    [{ iss: 'https://id.test' }, false],
  ])('with %j is for us: %s', async (payload, isOurs) => {
    const { scheme, sign } = await start(keySetText(issuer), {
      issuer: 'https://id.test',
      audience: ['shop', 'office'],
    })
    expect((await scheme.check(await sign(payload))).granted).toBe(isOurs)
  })

  test.each(['', 'x', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.', `${'x'.repeat(10_000)}.y.z`])(
    '%j is none',
    async (text) => {
      const { scheme } = await start(keySetText(issuer))
      expect((await scheme.check(text)).granted).toBe(false)
    },
  )

  // RFC 8725 section 2.1: the public key of the issuer as the secret of an HMAC.
  test('signed with a public key as if it were a shared secret is refused', async () => {
    const { scheme } = await start(keySetText(issuer), { algorithms: ['ES256', 'HS256'] })
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${part({ alg: 'HS256', kid: 'key-1' })}.${part({ exp: 60 })}`
    const secret = JSON.stringify(issuer.jwk)
    const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    expect((await scheme.check(token)).granted).toBe(false)
  })

  test('with an algorithm that does not count is refused', async () => {
    const { scheme, sign } = await start(keySetText(issuer), { algorithms: ['RS256'] })
    expect(await scheme.check(await sign())).toEqual(
      refused('the signature algorithm is not one that counts'),
    )
  })

  test('that names no key is tried with each that fits', async () => {
    const [one, two] = [await createIssuer(''), await createIssuer('')]
    const { scheme, sign } = await start(keySetText(one, two))
    expect((await scheme.check(await sign({}, { by: two }))).granted).toBe(true)
    expect((await scheme.check(await sign({}, { by: one }))).granted).toBe(true)
    const third = await createIssuer('')
    expect(await scheme.check(await sign({}, { by: third }))).toEqual(refused('the signature is not right'))
  })
})

describe('the file of the keys', () => {
  const rewrite = async (file: string, text: string, second: number): Promise<void> => {
    await writeFile(file, text)
    await utimes(file, second, second)
  }

  test('is read again, and what a key signed that is gone is worth nothing', async () => {
    const { scheme, clock, log, file, sign } = await start(keySetText(issuer), { refresh: 1_000 })
    const token = await sign()
    expect((await scheme.check(token)).granted).toBe(true)
    await rewrite(file, keySetText(await createIssuer('key-2')), 1_000)
    await clock.advance(1_000)
    await waitFor(() => log.of('file-read').length === 2, { what: 'the keys to be read again' })
    expect(await scheme.check(token)).toEqual(refused('no key is known that could have signed the token'))
  })

  test('half written leaves the keys as they were', async () => {
    const { scheme, clock, log, file, sign } = await start(keySetText(issuer), { refresh: 1_000 })
    await rewrite(file, '{"keys": [', 1_000)
    await clock.advance(1_000)
    await waitFor(() => log.of('keys-rejected').length === 1, { what: 'the file to be refused' })
    expect((await scheme.check(await sign())).granted).toBe(true)
  })

  test('gone leaves nobody to believe: whether a token is good is not known', async () => {
    const { scheme, clock, log, file, sign } = await start(keySetText(issuer), { refresh: 1_000 })
    const token = await sign()
    await scheme.check(token)
    await rm(file)
    await clock.advance(1_000)
    await waitFor(() => log.of('file-lost').length === 1, { what: 'the loss to be seen' })
    await expect(scheme.check(token)).rejects.toThrow(KeysUnknown)
  })
})
