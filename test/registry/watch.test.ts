import { describe, expect, test } from 'vitest'
import { type Answer, ConsulError } from '../../src/registry/consul/client.ts'
import { watch } from '../../src/registry/consul/watch.ts'
import { FakeClock, fakeWorld, settle } from '../support/fake-clock.ts'

interface Asked {
  readonly index: bigint
  readonly at: number
  answer(index: number, body?: unknown): Promise<void>
  fail(status: number): Promise<void>
}

/** A Consul that answers when the test says so. */
interface Options {
  random?: number
  isNews?: (body: unknown) => boolean
  isLost?: () => boolean
  wasLost?: () => boolean
}

function startWatch(options: Options = {}) {
  const clock = new FakeClock()
  const asked: Asked[] = []
  const heard: unknown[] = []
  const errors: string[] = []
  const lost: (() => void)[] = []
  const stop = new AbortController()
  const ended = watch({
    ask: (index) =>
      new Promise<Answer>((resolve, reject) => {
        asked.push({
          index,
          at: clock.now(),
          answer: (next, body = null) => {
            resolve({ index: BigInt(next), body, lastContactMs: 0, knownLeader: true })
            return settle()
          },
          fail: (status) => {
            reject(new ConsulError(status, `status ${status}`))
            return settle()
          },
        })
      }),
    onAnswer: ({ body }) => {
      heard.push(body)
      return options.isNews?.(body) ?? true
    },
    onError: (error) => errors.push(error.message),
    waitForReturn: () => new Promise((resolve) => lost.push(resolve)),
    whenThere: async () => options.wasLost?.() ?? false,
    isLost: async () => options.isLost?.() ?? false,
    world: fakeWorld(clock, options.random ?? 0.5),
    signal: stop.signal,
  })
  return { clock, asked, heard, errors, lost, stop, ended }
}

describe('a watch', () => {
  test('asks from 0 first, then from the index that it got', async () => {
    const { asked, heard } = startWatch()
    await settle()
    await asked[0]!.answer(7, 'a')
    expect(asked.map(({ index }) => index)).toEqual([0n, 7n])
    expect(heard).toEqual(['a'])
  })

  test('an answer with the same index is no news', async () => {
    const { asked, heard } = startWatch()
    await settle()
    await asked[0]!.answer(7, 'a')
    await asked[1]!.answer(7, 'b')
    expect(heard).toEqual(['a'])
    expect(asked[2]!.index).toBe(7n)
  })

  test('an index that went back delivers its data and asks from 0', async () => {
    const { asked, heard } = startWatch()
    await settle()
    await asked[0]!.answer(100, 'a')
    await asked[1]!.answer(3, 'b')
    expect(heard).toEqual(['a', 'b'])
    expect(asked[2]!.index).toBe(0n)
  })

  test.each([500, 429, 403, 400])(
    'status %d keeps the loop alive and asks from 0 after a pause',
    async (status) => {
      const { asked, errors, clock, heard } = startWatch()
      await settle()
      await asked[0]!.answer(100, 'a')
      await asked[1]!.fail(status)
      expect(errors).toEqual([`status ${status}`])
      expect(asked).toHaveLength(2)
      await clock.advance(250)
      expect(asked[2]!.index).toBe(0n)
      await asked[2]!.answer(100, 'b')
      expect(heard).toEqual(['a', 'b'])
    },
  )

  test('errors that go on are asked ever more rarely, up to half a minute', async () => {
    const { asked, clock } = startWatch({ random: 0.999 })
    await settle()
    for (let i = 0; i < 12; i++) {
      await asked.at(-1)!.fail(500)
      await clock.advance(31_000)
    }
    const pauses = asked.slice(1).map(({ at }, i) => Math.round(at - asked[i]!.at))
    expect(asked).toHaveLength(13)
    expect(pauses[0]).toBeLessThanOrEqual(31_000)
    await asked.at(-1)!.fail(500)
    const before = asked.length
    await clock.advance(29_000)
    expect(asked).toHaveLength(before)
    await clock.advance(1_000)
    expect(asked).toHaveLength(before + 1)
  })

  test('without an answer it waits to be told, and asks from 0: a Consul that restarted has a lower index', async () => {
    const { asked, lost } = startWatch()
    await settle()
    await asked[0]!.answer(100)
    await asked[1]!.fail(0)
    expect(asked).toHaveLength(2)
    lost[0]!()
    await settle()
    expect(asked[2]!.index).toBe(0n)
  })

  /*
   * A balancer in front of Consul answered 200 with an error page in JSON. Its index was taken all the same, so the
   * watch slept on the next index, and the change that the page stood in place of was seen minutes later.
   */
  test('an answer that cannot be taken is asked for again from 0, and soon', async () => {
    const { asked, errors, clock, heard } = startWatch({
      isNews: (body) => {
        if (body === 'bad') throw new Error('expected a list, got text')
        return true
      },
    })
    await settle()
    await asked[0]!.answer(100, 'a')
    await asked[1]!.answer(101, 'bad')
    expect(errors).toEqual(['expected a list, got text'])
    await clock.advance(250)
    expect(asked[2]!.index).toBe(0n)
    await asked[2]!.answer(101, 'b')
    expect(heard).toEqual(['a', 'bad', 'b'])
  })

  test.each([500, 503])(
    'status %d of a Consul without a leader is waited out with all others',
    async (status) => {
      const { asked, errors, lost, clock } = startWatch({ isLost: () => true })
      await settle()
      await asked[0]!.fail(status)
      await clock.advance(60_000)
      expect([asked.length, errors]).toEqual([1, []])
      lost[0]!()
      await settle()
      expect(asked).toHaveLength(2)
    },
  )

  test.each([400, 403, 429])('status %d says nothing of the leader', async (status) => {
    const { asked, errors } = startWatch({ isLost: () => true })
    await settle()
    await asked[0]!.fail(status)
    expect(errors).toEqual([`status ${status}`])
  })

  test('a storm of changes is read at most four times a second once the burst is used', async () => {
    const { asked, clock } = startWatch()
    await settle()
    let answered = 0
    for (let ms = 0; ms < 10_000; ms += 10) {
      if (asked.length > answered) await asked[answered]!.answer(++answered)
      await clock.advance(10)
    }
    expect(answered).toBeGreaterThan(30)
    expect(answered).toBeLessThanOrEqual(4 + 4 * 10 + 1)
  })

  test('the last change of a storm is read within half a second', async () => {
    const { asked, clock } = startWatch()
    await settle()
    for (let i = 1; i <= 20; i++) {
      if (asked.length >= i) await asked[i - 1]!.answer(i)
      await clock.advance(250)
    }
    const before = asked.length
    await asked.at(-1)!.answer(1_000)
    await clock.advance(500)
    expect(asked.length).toBeGreaterThan(before)
  })

  test('answers that bring nothing slow the loop down, and a change makes it quick again', async () => {
    let isNews = false
    const { asked, clock } = startWatch({ isNews: () => isNews })
    await settle()
    let answered = 0
    const answersIn = async (ms: number): Promise<number> => {
      const before = answered
      for (let t = 0; t < ms; t += 10) {
        if (asked.length > answered) await asked[answered]!.answer(++answered)
        await clock.advance(10)
      }
      return answered - before
    }
    await answersIn(30_000)
    expect(await answersIn(20_000)).toBeLessThanOrEqual(21)
    isNews = true
    await answersIn(10_000)
    expect(await answersIn(10_000)).toBeGreaterThan(30)
  })

  test('ends with its signal', async () => {
    const { asked, stop, ended } = startWatch()
    await settle()
    stop.abort()
    await asked[0]!.fail(0)
    await ended
    expect(asked).toHaveLength(1)
  })
})
