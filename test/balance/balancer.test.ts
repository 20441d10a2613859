import { describe, expect, test } from 'vitest'
import { strategies } from '../../src/balance/balancer.ts'

const ring = Uint32Array.from([2, 0, 1, 2])

describe('round-robin', () => {
  test('walks the ring and starts over', () => {
    const balancer = strategies.rr(ring, { next: 0 }, Math.random)
    expect([1, 2, 3, 4, 5].map(() => balancer.pick())).toEqual([2, 0, 1, 2, 2])
  })

  test('goes on where the route stood before its table was replaced', () => {
    const cursor = { next: 0 }
    const before = strategies.rr(ring, cursor, Math.random)
    before.pick()
    before.pick()
    expect(strategies.rr(ring, cursor, Math.random).pick()).toBe(1)
  })

  test('a ring that became shorter than the cursor starts over', () => {
    expect(strategies.rr(Uint32Array.from([7]), { next: 9 }, Math.random).pick()).toBe(7)
  })
})

describe('random', () => {
  test.each([
    [0, 2],
    [0.25, 0],
    [0.99, 2],
  ])('takes the slot that %d falls on: target %d', (chance, target) => {
    expect(strategies.rnd(ring, { next: 0 }, () => chance).pick()).toBe(target)
  })
})
