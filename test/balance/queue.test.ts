import { describe, expect, test } from 'vitest'
import { advanceInOrder, Queue, type Waiter } from '../../src/balance/queue.ts'

/** A waiter that goes on as soon as there is room for it. */
function waiters(queue: Queue, room: { free: number }, went: number[]) {
  return (since: number): Waiter => {
    const waiter: Waiter = {
      since,
      tryAgain() {
        if (room.free === 0) return false
        room.free--
        queue.leave(waiter)
        went.push(since)
        return true
      },
    }
    return waiter
  }
}

function queueWith(size = 10) {
  const queue = new Queue({ size, timeout: 0 })
  const room = { free: 0 }
  const went: number[] = []
  return { queue, room, went, waiter: waiters(queue, room, went) }
}

describe('a queue', () => {
  test('lets those go on who have waited longest, as many as there is room for', () => {
    const { queue, room, went, waiter } = queueWith()
    for (const since of [1, 2, 3]) queue.enter(waiter(since))
    queue.advance()
    expect(went).toEqual([])
    room.free = 2
    queue.advance()
    expect([went, queue.size, queue.oldest]).toEqual([[1, 2], 1, 3])
  })

  test('takes so many and no more', () => {
    const { queue, waiter } = queueWith(2)
    expect([1, 2, 3].map((since) => queue.enter(waiter(since)))).toEqual([true, true, false])
    expect(queue.isFull).toBe(true)
    expect(queueWith(0).queue.enter(waiter(4))).toBe(false)
  })

  test('forgets who leaves', () => {
    const { queue, room, went, waiter } = queueWith()
    const first = waiter(1)
    queue.enter(first)
    queue.enter(waiter(2))
    queue.leave(first)
    room.free = 2
    queue.advance()
    expect([went, queue.size, queue.oldest]).toEqual([[2], 0, Number.POSITIVE_INFINITY])
  })

  test('one that waits for a target of its own does not keep those behind it from going on', () => {
    const { queue, room, went, waiter } = queueWith()
    queue.enter({ since: 0, tryAgain: () => false })
    queue.enter(waiter(1))
    room.free = 1
    queue.advance()
    expect(went).toEqual([])
    queue.isMixed = true
    queue.advance()
    expect(went).toEqual([1])
  })

  test('is advanced from within without end and without depth: a thousand that fail at once leave a thousand places', () => {
    const queue = new Queue({ size: 10_000, timeout: 0 })
    let depth = 0
    let deepest = 0
    for (let i = 0; i < 1_000; i++) {
      const waiter: Waiter = {
        since: i,
        tryAgain() {
          deepest = Math.max(deepest, ++depth)
          queue.leave(waiter)
          queue.advance()
          depth--
          return true
        },
      }
      queue.enter(waiter)
    }
    queue.advance()
    expect([queue.size, deepest]).toEqual([0, 1])
  })

  test('of several the one goes first whose first has waited longest', () => {
    const room = { free: 1 }
    const went: number[] = []
    const [one, two] = [new Queue({ size: 9, timeout: 0 }), new Queue({ size: 9, timeout: 0 })]
    one.enter(waiters(one, room, went)(5))
    two.enter(waiters(two, room, went)(3))
    advanceInOrder([one, two])
    expect(went).toEqual([3])
  })
})
