import { describe, expect, test } from 'vitest'
import { type Answer, ConsulError } from '../../src/registry/consul/client.ts'
import { ReadQueue } from '../../src/registry/consul/read-queue.ts'
import { FakeClock, fakeWorld, settle } from '../support/fake-clock.ts'

function start(width = 2, { isLost = false, take = (_key: string): void => {} } = {}) {
  const clock = new FakeClock()
  const reading: { key: string; resolve: () => Promise<void>; reject: (status: number) => Promise<void> }[] =
    []
  const answered: string[] = []
  const errors: string[] = []
  const lost: (() => void)[] = []
  const queue = new ReadQueue({
    width,
    read: (key) =>
      new Promise<Answer>((resolve, reject) => {
        reading.push({
          key,
          resolve: () => {
            resolve({ index: 1n, body: null, lastContactMs: 0, knownLeader: true })
            return settle()
          },
          reject: (status) => {
            reject(new ConsulError(status, `status ${status}`))
            return settle()
          },
        })
      }),
    onAnswer: (key) => {
      take(key)
      answered.push(key)
    },
    onError: (key, error) => errors.push(`${key}: ${error.message}`),
    waitForReturn: () => new Promise((resolve) => lost.push(resolve)),
    isLost: async () => isLost,
    world: fakeWorld(clock, 0.5),
    signal: new AbortController().signal,
  })
  return { clock, queue, reading, answered, errors, lost, keys: () => reading.map(({ key }) => key) }
}

describe('the read queue', () => {
  test('reads a few at a time, in the order of the wishes', async () => {
    const { queue, reading, keys, answered } = start(2)
    for (const key of ['a', 'b', 'c']) queue.add(key)
    expect(keys()).toEqual(['a', 'b'])
    await reading[0]!.resolve()
    expect(keys()).toEqual(['a', 'b', 'c'])
    expect(answered).toEqual(['a'])
  })

  test('reads a key once however often it is wished for', () => {
    const { queue, keys } = start(1)
    for (const key of ['a', 'b', 'b', 'b']) queue.add(key)
    expect(keys()).toEqual(['a'])
  })

  test('a wish that comes while the key is being read is granted by another read', async () => {
    const { queue, reading, keys } = start(2)
    queue.add('a')
    queue.add('a')
    expect(keys()).toEqual(['a'])
    await reading[0]!.resolve()
    expect(keys()).toEqual(['a', 'a'])
  })

  test('an error is told and the key read again after a pause, others meanwhile', async () => {
    const { queue, reading, keys, errors, clock } = start(2)
    queue.add('a')
    queue.add('b')
    await reading[0]!.reject(500)
    expect(errors).toEqual(['a: status 500'])
    queue.add('c')
    await reading[1]!.resolve()
    expect(keys()).toEqual(['a', 'b', 'c'])
    await clock.advance(250)
    expect(keys()).toEqual(['a', 'b', 'c', 'a'])
  })

  test('a 429 halves how many are read at once, and answers widen it again', async () => {
    const { queue, reading, keys, clock } = start(4)
    for (const key of 'abcdefgh') queue.add(key)
    expect(keys()).toHaveLength(4)
    await reading[0]!.reject(429)
    await clock.advance(1_000)
    expect(keys()).toHaveLength(4)
    await reading[1]!.resolve()
    await reading[2]!.resolve()
    await reading[3]!.resolve()
    expect(keys().length).toBeGreaterThan(5)
  })

  test('without an answer at all it waits to be told', async () => {
    const { queue, reading, keys, lost } = start(1)
    queue.add('a')
    await reading[0]!.reject(0)
    expect(keys()).toEqual(['a'])
    lost[0]!()
    await settle()
    expect(keys()).toEqual(['a', 'a'])
  })

  /*
   * One service whose answer had checks of a shape that Consul does not document was taken for a lost Consul: all
   * watches were started anew, and for half a minute no loss was believed.
   */
  test('an answer that cannot be taken is an error of that key alone', async () => {
    const isBad = { a: true }
    const { queue, reading, keys, errors, answered, lost, clock } = start(2, {
      isLost: true,
      take: (key) => {
        if (key === 'a' && isBad.a) throw new Error('expected a list')
      },
    })
    queue.add('a')
    await reading[0]!.resolve()
    expect([errors, lost]).toEqual([['a: expected a list'], []])
    isBad.a = false
    await clock.advance(250)
    expect(keys()).toEqual(['a', 'a'])
    await reading[1]!.resolve()
    expect(answered).toEqual(['a'])
  })

  // Sixteen services that Consul could not read held all places, and nobody else's change was seen for half a minute.
  test('keys that are refused again and again do not keep the others waiting', async () => {
    const { queue, reading, keys, answered } = start(4)
    for (const key of ['a', 'b', 'c']) queue.add(key)
    for (let i = 0; i < 3; i++) await reading[i]!.reject(403)
    for (const key of ['d', 'e', 'f', 'g']) queue.add(key)
    expect(keys().slice(3)).toEqual(['d', 'e', 'f', 'g'])
    for (let i = 3; i < 7; i++) await reading[i]!.resolve()
    expect(answered).toEqual(['d', 'e', 'f', 'g'])
  })

  test('where all are refused, no more are asked for than there are places', async () => {
    const { queue, reading, keys, clock } = start(4)
    for (let i = 0; i < 400; i++) queue.add(`k${i}`)
    let answered = 0
    for (let ms = 0; ms < 60_000; ms += 50) {
      while (answered < reading.length) await reading[answered++]!.reject(403)
      await clock.advance(50)
    }
    // Four places, each with a pause of an eighth of a second on average at first, and ever longer ones for a key.
    expect(keys().length).toBeLessThan(4 * 60 * 8 + 4)
    expect(new Set(keys()).size).toBe(400)
  })

  test('an error of the server is waited out where Consul has no leader', async () => {
    const { queue, reading, keys, lost, errors } = start(1, { isLost: true })
    queue.add('a')
    await reading[0]!.reject(500)
    expect([keys(), errors, lost.length]).toEqual([['a'], [], 1])
    lost[0]!()
    await settle()
    expect(keys()).toEqual(['a', 'a'])
  })

  test('a key that was taken out while it was read is not read again where that fails', async () => {
    const { queue, reading, keys, clock } = start(1)
    queue.add('a')
    queue.remove('a')
    await reading[0]!.reject(500)
    await clock.advance(60_000)
    expect(keys()).toEqual(['a'])
  })

  test('a key that was taken out is not read', async () => {
    const { queue, reading, keys } = start(1)
    queue.add('a')
    queue.add('b')
    queue.remove('b')
    await reading[0]!.resolve()
    expect(keys()).toEqual(['a'])
  })
})
