import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BucketSize,
  clientKey,
  RateBuckets,
  type TokensTaken,
} from '../../src/middleware/rate-buckets.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** 60 in a minute, 10 at once. */
const size: BucketSize = { burst: 10, refillMs: 1_000 }

const alone = (most = 100) => {
  const clock = new FakeClock()
  const buckets = new RateBuckets({ most, workers: 1 }, clock, null)
  return { clock, buckets, take: (key = 'a') => buckets.take(key, size).wasTaken }
}

/** Processes that hear of each other at once, once they tell. */
function together(workers: number) {
  const clock = new FakeClock()
  const told: TokensTaken[][] = []
  const all: RateBuckets[] = Array.from(
    { length: workers },
    (_, i) =>
      new RateBuckets({ most: 100, workers }, clock, (usage) => {
        told.push([...usage])
        for (const [j, other] of all.entries()) if (j !== i) other.hear(usage)
      }),
  )
  return { clock, told, take: (at: number, of = size) => all[at]!.take('a', of).wasTaken }
}

describe('a bucket', () => {
  test('gives what it holds at once, and then as much as comes back', async () => {
    const { clock, take } = alone()
    expect(Array.from({ length: 12 }, () => take())).toEqual([...Array<boolean>(10).fill(true), false, false])
    await clock.advance(999)
    expect(take()).toBe(false)
    await clock.advance(1)
    expect([take(), take()]).toEqual([true, false])
    await clock.advance(3_600_000)
    expect(Array.from({ length: 11 }, () => take()).filter(Boolean)).toHaveLength(10)
  })

  test('is each key’s own', () => {
    const { take } = alone()
    for (let i = 0; i < 10; i++) take('a')
    expect([take('a'), take('b')]).toEqual([false, true])
  })

  test('lets no more pass than it holds and what came back, whenever requests come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 60 }), async (pauses) => {
        const { clock, take } = alone()
        let passed = 0
        for (const pause of pauses) {
          await clock.advance(pause)
          if (take()) passed++
          expect(passed).toBeLessThanOrEqual(size.burst + clock.monotonic() / size.refillMs)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('that was used longest ago is forgotten: memory is bounded', () => {
    const { buckets, take } = alone(100)
    for (let i = 0; i < 10; i++) take('first')
    for (let i = 0; i < 99; i++) take(`client ${i}`)
    expect([buckets.size, take('first')]).toEqual([100, false])
    for (let i = 0; i < 10_000; i++) take(`other ${i}`)
    expect([buckets.size, take('first')]).toEqual([100, true])
  })
})

describe('buckets of several processes', () => {
  test('are whole ones: a client with one connection gets all of its limit', () => {
    const { take } = together(8)
    expect(Array.from({ length: 12 }, () => take(3)).filter(Boolean)).toHaveLength(10)
  })

  test('count for each other: a client at all of them gets its limit, and what it had too much is paid for', async () => {
    const { clock, take } = together(4)
    // In the first moment nobody has heard of the others.
    let passed = 0
    for (let i = 0; i < 40; i++) if (take(i % 4)) passed++
    expect(passed).toBe(40)
    // Each owes a whole bucket, so for ten seconds nothing passes anywhere.
    for (let i = 0; i < 90; i++) {
      await clock.advance(100)
      for (let at = 0; at < 4; at++) if (take(at)) passed++
    }
    expect(passed).toBe(40)
    await clock.advance(60_000)
    passed = 0
    for (let i = 0; i < 600; i++) {
      await clock.advance(100)
      for (let at = 0; at < 4; at++) if (take(at)) passed++
    }
    // A minute more: 60 have come back, and 10 were there.
    expect(passed).toBeGreaterThanOrEqual(60)
    expect(passed).toBeLessThanOrEqual(70 + 4)
  })

  test('say nothing of clients that keep within their part', async () => {
    const { clock, told, take } = together(2)
    for (let i = 0; i < 200; i++) {
      expect(take(i % 2)).toBe(true)
      await clock.advance(1_100)
    }
    expect(told).toEqual([])
  })

  test('hold any client to the limit over a long time, however its requests are spread', async () => {
    const step = fc.record({ at: fc.integer({ min: 0, max: 2 }), pause: fc.integer({ min: 0, max: 400 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 300, maxLength: 400 }), async (steps) => {
        const { clock, take } = together(3)
        let passed = 0
        for (const { at, pause } of steps) {
          await clock.advance(pause)
          if (take(at)) passed++
        }
        // Two buckets at most: one that is used in the first moment at each, and what quiet processes do not tell.
        expect(passed).toBeLessThanOrEqual(2 * size.burst + (clock.monotonic() * 1.5) / size.refillMs)
      }),
      { numRuns: 20 },
    )
  }, 60_000)

  test('a steady client that uses all of them gets hardly more than its limit', async () => {
    const { clock, take } = together(3)
    let passed = 0
    // Twelve in a second, where one comes back.
    for (let i = 0; i < 3_600; i++) {
      await clock.advance(83)
      if (take(i % 3)) passed++
    }
    const allowed = size.burst + clock.monotonic() / size.refillMs
    expect(passed).toBeLessThan(allowed * 1.1)
    expect(passed).toBeGreaterThan(allowed * 0.9)
  }, 60_000)
})

describe('one client', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2::1', '20010db8:10002/64'],
    ['2001:db8:1:2:ffff::9', '20010db8:10002/64'],
    ['2001:db8:1:3::1', '20010db8:10003/64'],
    ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
    ['unknown', 'unknown'],
  ])('%s is known as %s', (address, expected) => {
    expect(
      clientKey(address).replace(
        /^(\w+):/,
        (_all, first: string) => `${/^2001/.test(first) ? first.padStart(8, '0') : first}:`,
      ),
    ).toBe(expected)
  })
})
