import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../bench/micro/match.ts'
import { buildBalancer } from '../../src/balance/balancer.ts'
import { balancerOf, calmGroup, fakeMember } from '../contract/strategy.ts'
import { exchangeOf } from '../support/exchange.ts'

const request = exchangeOf()
const three = [0.25, 0.25, 0.5]
const members = three.map(() => fakeMember())

describe('round-robin', () => {
  test('walks the ring and starts over', () => {
    const balancer = balancerOf(three, members, { cursorAt: () => ({ next: 0 }) })
    expect([1, 2, 3, 4, 5].map(() => balancer.pick(request))).toEqual([2, 0, 1, 2, 2])
  })

  test('goes on where the route stood before its table was replaced', () => {
    const cursor = { next: 0 }
    const before = balancerOf(three, members, { cursorAt: () => cursor })
    before.pick(request)
    before.pick(request)
    expect(balancerOf(three, members, { cursorAt: () => cursor }).pick(request)).toBe(1)
  })

  test('a ring that became shorter than the cursor starts over', () => {
    expect(balancerOf([1], [fakeMember()], { cursorAt: () => ({ next: 9 }) }).pick(request)).toBe(0)
  })

  test('passes over one that is out without favouring the one behind it', () => {
    const list = [fakeMember({ isHeldBack: true, part: 0 }), fakeMember(), fakeMember()]
    const balancer = balancerOf([0, 0, 0], list)
    expect([1, 2, 3, 4].map(() => balancer.pick(request))).toEqual([1, 2, 1, 2])
  })
})

describe('random', () => {
  test.each([
    [0, 2],
    [0.25, 0],
    [0.99, 2],
  ])('takes the slot that %d falls on: target %d', (chance, target) => {
    expect(balancerOf(three, members, { strategy: 'rnd', random: () => chance }).pick(request)).toBe(target)
  })
})

describe('an instance that takes requests and never answers', () => {
  /** How many of 10,000 requests it gets beside others that have so many under way each all the time. */
  function lost(strategy: 'rr' | 'least', instances: number, underWay: number): number {
    const list = Array.from({ length: instances }, (_, i) => fakeMember({ inFlight: i === 0 ? 0 : underWay }))
    const weights = list.map(() => 0)
    const balancer = balancerOf(weights, list, { strategy, random: seededRandom(11) })
    for (let n = 0; n < 10_000; n++) if (balancer.pick(request) === 0) list[0]!.inFlight++
    return list[0]!.inFlight
  }

  // The second draw could be the same target as the first, and of two instances one that hung got a sixty-fourth of all
  // requests although the other one was idle. docs/ejection.md relies on this.
  test.each([
    [2, 0],
    [3, 0],
    [10, 0],
    [3, 20],
  ])(
    'beside %i, with %i under way at each other: gets its share by turns, and with least no more than they have',
    (instances, underWay) => {
      expect(Math.abs(lost('rr', instances, underWay) - 10_000 / instances)).toBeLessThan(2)
      expect(lost('least', instances, underWay)).toBe(underWay + 1)
    },
  )
})

describe('least', () => {
  /** Requests that last as long as each member needs; how many are under way at each, at most and on average. */
  function simulate(weights: readonly number[], durations: readonly number[], concurrency: number) {
    const list = weights.map(() => fakeMember())
    const balancer = balancerOf(weights, list, { strategy: 'least', random: seededRandom(3) })
    const running: { at: number; index: number }[] = []
    const counts = weights.map(() => 0)
    let now = 0
    for (let i = 0; i < 20_000; i++) {
      const index = balancer.pick(request)
      list[index]!.inFlight++
      counts[index]!++
      running.push({ at: now + durations[index]!, index })
      if (running.length < concurrency) continue
      running.sort((a, b) => a.at - b.at)
      const first = running.shift()!
      now = first.at
      list[first.index]!.inFlight--
    }
    return counts.map((count) => count / 20_000)
  }

  test('sends less to a member that is slow', () => {
    const parts = simulate([0, 0, 0], [10, 10, 100], 30)
    expect(parts[2]).toBeLessThan(0.1)
    expect(parts[0]).toBeGreaterThan(0.4)
  })

  test.each([2, 5, 20, 100])(
    'keeps near to the weights of members that are equally fast, %d at a time',
    (concurrency) => {
      const parts = simulate([0.9, 0.1], [10, 10], concurrency)
      expect(parts[1]).toBeGreaterThan(0.06)
      expect(parts[1]).toBeLessThan(0.19)
    },
  )
})

test('a route without a share for anybody has no balancer', () => {
  const parts = { members: [], group: calmGroup, shares: [], limits: [], random: Math.random }
  const options = { ...parts, strategy: 'rr' as const, cursorAt: () => ({ next: 0 }), affinity: null }
  expect(buildBalancer(options)).toBeNull()
})
