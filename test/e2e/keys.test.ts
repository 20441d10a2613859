import { afterEach, beforeEach, expect, test } from 'vitest'
import { type JwtOptions, JwtScheme, KeysUnknown } from '../../src/auth/jwt.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { FakeClock, fakeWorld } from '../support/fake-clock.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { createIssuer, type Issuer, keySetText } from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'

// Keys at a URL: real sockets, and a clock that the test holds in its hands.

let issuer: Issuer
let origin: Origin
let answer: { status: number; text: string }
let clock: FakeClock
let log: CapturedLog
const schemes: JwtScheme[] = []

beforeEach(async () => {
  issuer = await createIssuer('key-1')
  answer = { status: 200, text: keySetText(issuer) }
  origin = await startOrigin((_message, response) => response.writeHead(answer.status).end(answer.text))
  clock = new FakeClock()
  log = new CapturedLog()
})
afterEach(async () => {
  for (const scheme of schemes.splice(0)) await scheme.close()
  await origin.close()
})

function start(more: Partial<JwtOptions> = {}): JwtScheme {
  const options: JwtOptions = {
    ...{ type: 'jwt', name: 'api', url: origin.url, file: '', refresh: 300_000, timeout: 2_000 },
    ...{ issuer: '', audience: [], algorithms: ['ES256'], leeway: 0 },
    ...{ header: 'Authorization', cookie: '', claims: [] },
    ...more,
  }
  const scheme = new JwtScheme(options, { world: fakeWorld(clock, 0.999), log })
  schemes.push(scheme)
  return scheme
}

/** Good for a day from now on the test's clock. */
const sign = (by: Issuer): Promise<string> => by.sign({}, { now: clock.now() / 1_000, expiresIn: 86_400 })
const isGranted = async (scheme: JwtScheme, token: string): Promise<boolean> =>
  (await scheme.check(token)).granted

test('a token with an unknown key has them asked for again, once in ten seconds', async () => {
  const scheme = start()
  expect(await isGranted(scheme, await sign(issuer))).toBe(true)
  const next = await createIssuer('key-2')
  answer.text = keySetText(issuer, next)
  await clock.advance(9_000)
  expect(await isGranted(scheme, await sign(next))).toBe(false)
  await clock.advance(1_000)
  const tokens = await Promise.all(Array.from({ length: 20 }, () => sign(next)))
  expect(new Set(await Promise.all(tokens.map((token) => isGranted(scheme, token))))).toEqual(new Set([true]))
  expect(origin.received).toHaveLength(2)
})

test('they are read again by the refresh, and what a withdrawn one signed is worth nothing', async () => {
  const scheme = start({ refresh: 60_000 })
  const token = await sign(issuer)
  expect(await isGranted(scheme, token)).toBe(true)
  answer.text = keySetText(await createIssuer('key-2'))
  await clock.advance(60_000)
  await waitFor(() => log.of('keys-read').length === 2, { what: 'the keys to be read again' })
  expect(await isGranted(scheme, token)).toBe(false)
})

test('while they cannot be read the last ones count, for an hour', async () => {
  const scheme = start()
  const token = await sign(issuer)
  expect(await isGranted(scheme, token)).toBe(true)
  answer.status = 500
  await clock.advance(300_000)
  await waitFor(() => log.of('keys-lost').length === 1, { what: 'the loss to be seen' })
  await clock.advance(3_300_000)
  expect(await isGranted(scheme, await sign(issuer))).toBe(true)
  expect(await isGranted(scheme, token)).toBe(true)
  await clock.advance(1_000)
  await expect(scheme.check(token)).rejects.toThrow(KeysUnknown)
  expect(log.of('keys-lost')).toEqual([
    `error auth keys-lost: api: the keys cannot be read: ${origin.url}: expected status 200, got 500`,
  ])
})

test('a server that is not there at the start is asked until it is', async () => {
  answer.status = 503
  const scheme = start()
  await expect(scheme.check(await sign(issuer))).rejects.toThrow(KeysUnknown)
  answer.status = 200
  await waitFor(
    async () => {
      await clock.advance(1_000)
      return log.of('keys-read').length === 1
    },
    { what: 'the keys' },
  )
  expect(await isGranted(scheme, await sign(issuer))).toBe(true)
})

test('an answer that does not come ends by the timeout', async () => {
  await origin.close()
  origin = await startOrigin(() => {})
  const scheme = start({ timeout: 2_000 })
  const verdict = expect(scheme.check(await sign(issuer))).rejects.toThrow(KeysUnknown)
  await waitFor(() => origin.received.length === 1, { what: 'the question' })
  await clock.advance(2_000)
  await verdict
  expect(log.of('keys-lost')).toEqual([expect.stringContaining('within 2000 ms')])
})
