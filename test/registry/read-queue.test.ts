import { describe, expect, test } from 'vitest'
import { type Answer, ConsulError } from '../../src/registry/consul/client.ts'
import { ReadQueue } from '../../src/registry/consul/read-queue.ts'
import { FakeClock, fakeWorld, settle } from '../support/fake-clock.ts'

function start(width = 2) {
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
    onAnswer: (key) => answered.push(key),
    onError: (key, error) => errors.push(`${key}: ${error.message}`),
    waitForReturn: () => new Promise((resolve) => lost.push(resolve)),
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

  test('a key that was taken out is not read', async () => {
    const { queue, reading, keys } = start(1)
    queue.add('a')
    queue.add('b')
    queue.remove('b')
    await reading[0]!.resolve()
    expect(keys()).toEqual(['a'])
  })
})
