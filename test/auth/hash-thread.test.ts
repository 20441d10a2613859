import { hashSync } from 'bcryptjs'
import { expect, test } from 'vitest'
import { HashThread } from '../../src/auth/hash-thread.ts'

test('the thread answers each question with its own answer, and this one is not kept waiting', async () => {
  const thread = new HashThread()
  const hash = hashSync('secret', 8)
  let turns = 0
  const count = (): void => {
    turns++
    turning = setImmediate(count)
  }
  let turning = setImmediate(count)
  try {
    const passwords = ['secret', 'wrong', 'secret', '', 'sécret']
    const answers = await Promise.all(
      passwords.map((password) => thread.matches(hash, Buffer.from(password))),
    )
    expect(answers).toEqual([true, false, true, false, false])
    // Five hashes of 2^8 rounds are 50 ms and more of work.
    expect(turns).toBeGreaterThan(100)
  } finally {
    clearImmediate(turning)
    await thread.close()
  }
})

test('a thread that ended leaves nobody waiting, and the next question starts another', async () => {
  const thread = new HashThread()
  const hash = hashSync('secret', 4)
  const lost = thread.matches(hash, Buffer.from('secret'))
  await Promise.all([expect(lost).rejects.toThrow('the hashing thread ended'), thread.close()])
  expect(await thread.matches(hash, Buffer.from('secret'))).toBe(true)
  await thread.close()
})
