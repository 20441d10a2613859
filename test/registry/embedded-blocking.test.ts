import { describe, expect, test } from 'vitest'
import { block, type Result, Topics } from '../../src/registry/embedded/blocking.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'

/** A blocked read of one number that a test may change. */
function startRead({ index, waitMs = 1_000 }: { index: number; waitMs?: number }) {
  const topics = new Topics()
  const clock = new FakeClock()
  const client = new AbortController()
  let current: Result<string> = { value: 'first', index: 5, topics: ['own'] }
  let runs = 0
  const run = (): Result<string> => {
    runs++
    return current
  }
  const outcome: { result: Result<string> | null } = { result: null }
  void block(run, { index, waitMs, topics, clock, signal: client.signal }).then((result) => {
    outcome.result = result
  })
  return {
    topics,
    clock,
    client,
    outcome,
    runs: () => runs,
    async change(next: Result<string>, topic = 'own') {
      current = next
      topics.touch(topic)
      await settle()
    },
  }
}

describe('a blocking query', () => {
  for (const index of [0, 4]) {
    test(`answers index ${index} at once when its own is 5`, async () => {
      const read = startRead({ index })
      await settle()
      expect([read.outcome.result?.value, read.clock.pending]).toEqual(['first', 0])
    })
  }

  for (const index of [5, 6, 2 ** 53]) {
    test(`blocks on index ${index} when its own is 5`, async () => {
      const read = startRead({ index })
      await read.clock.advance(999)
      expect(read.outcome.result).toBeNull()
      await read.clock.advance(1)
      expect(read.outcome.result?.index).toBe(5)
    })
  }

  test('answers once a write has moved its index', async () => {
    const read = startRead({ index: 5 })
    await read.change({ value: 'second', index: 6, topics: ['own'] })
    expect(read.outcome.result).toMatchObject({ value: 'second', index: 6 })
    expect([read.clock.pending, read.topics.waiting]).toEqual([0, 0])
  })

  test('goes on blocking after a write that did not', async () => {
    const read = startRead({ index: 9 })
    await read.change({ value: 'second', index: 6, topics: ['own'] })
    expect([read.outcome.result, read.topics.waiting]).toEqual([null, 1])
    await read.clock.advance(1_000)
    expect(read.outcome.result?.value).toBe('second')
  })

  test('waits for what its last read looked at', async () => {
    const read = startRead({ index: 6 })
    await read.change({ value: 'second', index: 6, topics: ['new'] })
    await read.change({ value: 'third', index: 7, topics: ['new'] }, 'own')
    expect(read.outcome.result).toBeNull()
    await read.change({ value: 'third', index: 7, topics: ['new'] }, 'new')
    expect(read.outcome.result?.value).toBe('third')
  })

  test('gives what it read last when the time is over, and does not read again', async () => {
    const read = startRead({ index: 5 })
    await read.change({ value: 'second', index: 6, topics: ['own'] }, 'elsewhere')
    await read.clock.advance(1_000)
    expect([read.outcome.result?.value, read.runs(), read.topics.waiting]).toEqual(['first', 1, 0])
  })

  test('ends when the client goes', async () => {
    const read = startRead({ index: 5 })
    read.client.abort()
    await settle()
    expect(read.outcome.result?.value).toBe('first')
    expect([read.clock.pending, read.topics.waiting]).toEqual([0, 0])
  })

  test('wakes all who wait for a topic, and nobody else', async () => {
    const topics = new Topics()
    const { signal } = new AbortController()
    const woken: string[] = []
    const wait = (name: string, of: string[]) => topics.wait(of, signal).then(() => woken.push(name))
    const all = [wait('a', ['x']), wait('b', ['y', 'x']), wait('c', ['y'])]
    topics.touch('x')
    await settle()
    expect(woken).toEqual(['a', 'b'])
    topics.touch('y')
    await Promise.all(all)
    expect([woken, topics.waiting]).toEqual([['a', 'b', 'c'], 0])
  })
})
