import { expect, test } from 'vitest'
import type { Clock } from '../../src/base/world.ts'
import { delayBounds, EventLoopDelay } from '../../src/observe/event-loop.ts'

/** A clock whose callbacks come when the test says, however late. */
function lateClock() {
  let now = 0
  let waiting: (() => void) | null = null
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after: (_ms, run) => {
      waiting = run
      return () => {
        waiting = null
      }
    },
  }
  return {
    clock,
    isWaiting: () => waiting !== null,
    comesAfter(ms: number): void {
      now += ms
      const run = waiting!
      waiting = null
      run()
    },
  }
}

test('how late a callback comes is counted, in the bucket of its delay', () => {
  const { clock, comesAfter } = lateClock()
  const delay = new EventLoopDelay(clock)
  comesAfter(100)
  comesAfter(103)
  comesAfter(5_100)
  // Timers of Node may come a little early.
  comesAfter(99.5)
  const { sum, buckets } = delay.copy()
  expect(sum).toBe(5_003)
  expect(buckets[delayBounds.indexOf(1)]).toBe(2)
  expect(buckets[delayBounds.indexOf(5)]).toBe(1)
  expect(buckets.at(-1)).toBe(1)
})

test('nothing waits once it is closed, and a copy stays as it is', () => {
  const { clock, comesAfter, isWaiting } = lateClock()
  const delay = new EventLoopDelay(clock)
  const before = delay.copy()
  comesAfter(200)
  expect(before.sum).toBe(0)
  delay.close()
  expect(isWaiting()).toBe(false)
})
