import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BasicScheme } from '../../src/auth/basic.ts'
import type { Hasher } from '../../src/auth/hash-thread.ts'
import { Overloaded } from '../../src/auth/overloaded.ts'
import { readPasswordHash } from '../../src/auth/password-hash.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { waitFor } from '../support/wait.ts'

/** Hashes when a test says so, and counts. */
class HeldHasher implements Hasher {
  readonly asked: string[] = []
  isHeld = false
  #waiting: (() => void)[] = []

  matches(hash: string, password: Buffer): Promise<boolean> {
    this.asked.push(hash)
    return new Promise((resolve) => {
      const answer = (): void => resolve(readPasswordHash(hash).matches(password))
      if (this.isHeld) this.#waiting.push(answer)
      else answer()
    })
  }

  release(): void {
    this.isHeld = false
    for (const answer of this.#waiting.splice(0)) answer()
  }

  async close(): Promise<void> {}
}

let folder: string
let file: string
let clock: FakeClock
let log: CapturedLog
let hasher: HeldHasher
const schemes: BasicScheme[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-auth-'))
  file = join(folder, 'users')
  clock = new FakeClock()
  log = new CapturedLog()
  hasher = new HeldHasher()
})

afterEach(async () => {
  for (const scheme of schemes.splice(0)) scheme.close()
  await rm(folder, { recursive: true })
})

const secret = hashSync('secret', 4)
const other = hashSync('other', 4)
const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

async function schemeWith(users: string, { refresh = 0, realm = 'staff' } = {}): Promise<BasicScheme> {
  await writeFile(file, users)
  const scheme = new BasicScheme(
    { type: 'basic', name: 'staff', file, realm, refresh },
    { hasher, clock, log },
  )
  schemes.push(scheme)
  return scheme
}

/** Writes the file as somebody would who needs another second for it. */
let seconds = 1_000_000
async function rewrite(users: string): Promise<void> {
  await writeFile(file, users)
  await utimes(file, ++seconds, seconds)
}

describe('a basic scheme', () => {
  test('lets in who has the right password', async () => {
    const scheme = await schemeWith(`joe:${secret}\neva:plain\n`)
    expect(await scheme.check(basic('joe', 'secret'))).toBe(true)
    expect(await scheme.check(basic('joe', 'wrong'))).toBe(false)
    expect(scheme.check(basic('eva', 'plain'))).toBe(true)
    expect(scheme.check(basic('eva', 'secret'))).toBe(false)
    expect(await scheme.check(basic('nobody', 'secret'))).toBe(false)
    expect(scheme.check('')).toBe(false)
    expect(scheme.check('Bearer x')).toBe(false)
  })

  test('challenges with its realm, whatever is in it', async () => {
    const { challenge } = await schemeWith('', { realm: 'the "staff" \\o/' })
    expect(challenge).toBe('Basic realm="the \\"staff\\" \\\\o/", charset="UTF-8"')
  })

  test('hashes what was verified once, and what was refused once, and no promise is needed then', async () => {
    const scheme = await schemeWith(`joe:${secret}`)
    expect(await scheme.check(basic('joe', 'secret'))).toBe(true)
    expect(await scheme.check(basic('joe', 'wrong'))).toBe(false)
    expect(scheme.check(basic('joe', 'secret'))).toBe(true)
    expect(scheme.check(basic('joe', 'wrong'))).toBe(false)
    expect(hasher.asked).toHaveLength(2)
  })

  test('hashes once for all who ask at the same time', async () => {
    hasher.isHeld = true
    const scheme = await schemeWith(`joe:${secret}`)
    const answers = Array.from({ length: 100 }, () => scheme.check(basic('joe', 'secret')))
    hasher.release()
    expect(new Set(await Promise.all(answers))).toEqual(new Set([true]))
    expect(hasher.asked).toHaveLength(1)
  })

  test('hashes for a user who does not exist as well, so that the time tells nothing', async () => {
    const scheme = await schemeWith(`eva:plain\njoe:${secret}`)
    expect(await scheme.check(basic('nobody', 'secret'))).toBe(false)
    expect(hasher.asked).toEqual([secret])
  })

  test('lets nobody wait behind too many others', async () => {
    hasher.isHeld = true
    const scheme = await schemeWith(`joe:${secret}`)
    const waiting = Array.from({ length: 64 }, (_, i) => scheme.check(basic('joe', `wrong ${i}`)))
    expect(() => scheme.check(basic('joe', 'secret'))).toThrow(Overloaded)
    hasher.release()
    await Promise.all(waiting)
    expect(await scheme.check(basic('joe', 'secret'))).toBe(true)
  })

  test('tells the octets of users and passwords apart, in whatever encoding they are', async () => {
    await writeFile(file, Buffer.from([0xe9, 0x3a, 0xe8, 0x0a]))
    const scheme = new BasicScheme(
      { type: 'basic', name: 'staff', file, realm: 'staff', refresh: 0 },
      { hasher, clock, log },
    )
    const login = (...octets: number[]): boolean | Promise<boolean> =>
      scheme.check(`Basic ${Buffer.from(octets).toString('base64')}`)
    expect(login(0xe9, 0x3a, 0xe8)).toBe(true)
    expect(login(0xe8, 0x3a, 0xe8)).toBe(false)
    expect(login(0xe9, 0x3a, 0xe9)).toBe(false)
  })
})

describe('the file of a basic scheme', () => {
  test('is read again where it changed, older too, and what was verified before is forgotten', async () => {
    const scheme = await schemeWith(`joe:${secret}`, { refresh: 1_000 })
    expect(await scheme.check(basic('joe', 'secret'))).toBe(true)
    await writeFile(file, `joe:${other}\n`)
    await utimes(file, 1_000, 1_000)
    await clock.advance(1_000)
    await waitFor(() => log.of('file-read').length === 1, { what: 'the file to be read again' })
    expect(await scheme.check(basic('joe', 'secret'))).toBe(false)
    expect(await scheme.check(basic('joe', 'other'))).toBe(true)
    expect(log.of('file-read')).toEqual([`info auth file-read: staff: read ${file} again: 1 users`])
  })

  test('lets nobody in once it is gone, until it is back', async () => {
    const scheme = await schemeWith(`joe:${secret}`, { refresh: 1_000 })
    expect(await scheme.check(basic('joe', 'secret'))).toBe(true)
    await rm(file)
    await clock.advance(1_000)
    await waitFor(() => log.of('file-lost').length === 1, { what: 'the loss to be seen' })
    expect(scheme.check(basic('joe', 'secret'))).toBe(false)
    await waitFor(() => clock.pending === 1, { what: 'the next look' })
    await clock.advance(1_000)
    await rewrite(`joe:${secret}`)
    await waitFor(
      async () => {
        await clock.advance(1_000)
        return log.of('file-read').length === 1
      },
      { what: 'the file to be back' },
    )
    expect(log.of('file-lost')).toHaveLength(1)
    expect(await scheme.check(basic('joe', 'secret'))).toBe(true)
  })

  test('that is not there at all lets nobody in and is looked for', async () => {
    const scheme = new BasicScheme(
      { type: 'basic', name: 'staff', file, realm: 'staff', refresh: 1_000 },
      { hasher, clock, log },
    )
    schemes.push(scheme)
    expect(scheme.check(basic('joe', 'secret'))).toBe(false)
    await rewrite('joe:secret')
    await clock.advance(1_000)
    await waitFor(() => scheme.check(basic('joe', 'secret')) === true, { what: 'joe to be let in' })
  })

  test('is never read again without refresh', async () => {
    await schemeWith('joe:secret')
    expect(clock.pending).toBe(0)
  })

  // Who is thrown out while their password is being hashed must not be let in by it.
  test('that changes while a password is being hashed decides by what it says then', async () => {
    hasher.isHeld = true
    const scheme = await schemeWith(`joe:${secret}`, { refresh: 1_000 })
    const answer = scheme.check(basic('joe', 'secret'))
    await rewrite(`joe:${other}`)
    await clock.advance(1_000)
    await waitFor(() => log.of('file-read').length === 1, { what: 'the file to be read again' })
    hasher.release()
    expect(await answer).toBe(false)
    expect(hasher.asked).toEqual([secret, other])
  })

  test('with bad lines says which, and serves the others', async () => {
    const scheme = await schemeWith('joe\neva:plain')
    expect(scheme.check(basic('eva', 'plain'))).toBe(true)
    expect(log.of('line-rejected')).toEqual([
      `warn auth line-rejected: staff: ${file}: line 1: expected user:hash, got no ":"`,
    ])
  })
})
