import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../bench/micro/match.ts'
import { type BalancerOptions, buildBalancer, busy } from '../../src/balance/balancer.ts'
import type { Member, MemberGroup } from '../../src/balance/member.ts'
import { sharesOf } from '../../src/balance/shares.ts'
import type { Strategy } from '../../src/balance/strategies.ts'
import { exchangeOf } from '../support/exchange.ts'

/** A member whose state a test sets. */
export interface FakeMember extends Member {
  isHeldBack: boolean
  part: number
  inFlight: number
}

export const fakeMember = (more: Partial<Member> = {}): FakeMember => ({
  isHeldBack: false,
  part: 1,
  inFlight: 0,
  ...more,
})

/** Neither spares anybody nor misses anybody. */
export const calmGroup: MemberGroup = { hasWhole: true, isSpared: () => false }

/** A balancer over members with these weights. */
export function balancerOf(
  weights: readonly number[],
  members: readonly Member[],
  more: Partial<BalancerOptions> = {},
) {
  const cursor = { next: 0 }
  return buildBalancer({
    members,
    group: calmGroup,
    shares: sharesOf(weights),
    limits: weights.map(() => 0),
    random: seededRandom(7),
    strategy: 'rr',
    cursorAt: () => cursor,
    affinity: null,
    ...more,
  })!.balancer
}

const request = exchangeOf()

/** Part of the picks that each member gets. */
function partsOf(count: number, picks: number, pick: () => number): number[] {
  const counts = new Array<number>(count).fill(0)
  for (let i = 0; i < picks; i++) counts[pick()]!++
  return counts.map((each) => each / picks)
}

/** What every strategy promises, however it chooses. */
export function strategyContract(strategy: Strategy): void {
  const some = fc.array(fc.double({ min: 0.02, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 })

  describe(`${strategy} as a strategy`, () => {
    test.each([
      ['equal', [0, 0, 0]],
      ['a canary', [0, 0.05]],
      ['weights', [0.2, 0.3, 0.5]],
      ['nearly all for one', [0.995, 0.005]],
    ])('gives idle members their shares over many picks: %s', (_what, weights) => {
      const members = weights.map(() => fakeMember())
      const balancer = balancerOf(weights, members, { strategy })
      const parts = partsOf(weights.length, 40_000, () => balancer.pick(request))
      for (const [i, share] of sharesOf(weights).entries())
        expect(Math.abs(parts[i]! - share)).toBeLessThan(0.01)
    })

    test('never gives one that is out, and the others keep their shares among themselves', () => {
      const weights = [0.4, 0.3, 0.2, 0.1]
      const members = weights.map(() => fakeMember())
      members[0] = fakeMember({ isHeldBack: true, part: 0 })
      const balancer = balancerOf(weights, members, { strategy })
      const parts = partsOf(4, 40_000, () => balancer.pick(request))
      expect(parts[0]).toBe(0)
      for (const [i, share] of [0, 0.5, 1 / 3, 1 / 6].entries())
        expect(Math.abs(parts[i]! - share)).toBeLessThan(0.015)
    })

    test('never gives one that is out, whatever the weights and whoever it is', () => {
      fc.assert(
        fc.property(some, fc.nat(), fc.nat(), (weights, seed, out) => {
          const members = weights.map(() => fakeMember())
          const excluded = out % weights.length
          members[excluded] = fakeMember({ isHeldBack: true, part: 0 })
          const balancer = balancerOf(weights, members, { strategy, random: seededRandom(seed) })
          for (let i = 0; i < 200; i++) {
            const index = balancer.pick(request)
            expect(index).toBeGreaterThanOrEqual(0)
            if (weights.length > 1) expect(index).not.toBe(excluded)
          }
        }),
        { numRuns: 50 },
      )
    })

    test('one that is out and has nearly every slot costs no walk round the ring, and gets nothing', () => {
      const members = [fakeMember({ isHeldBack: true, part: 0 }), fakeMember(), fakeMember()]
      const balancer = balancerOf([0.9997, 0.0002, 0.0001], members, { strategy })
      const parts = partsOf(3, 20_000, () => balancer.pick(request))
      expect(parts[0]).toBe(0)
      expect(Math.abs(parts[1]! - 2 / 3)).toBeLessThan(0.03)
    })

    test('gives everybody requests when all are out: better to ask than to refuse', () => {
      const members = [0, 0, 0].map(() => fakeMember({ isHeldBack: true, part: 0 }))
      const balancer = balancerOf([0, 0, 0], members, { strategy })
      const parts = partsOf(3, 30_000, () => balancer.pick(request))
      for (const part of parts) expect(Math.abs(part - 1 / 3)).toBeLessThan(0.02)
    })

    test('gives everybody his share when the group panics', () => {
      const members = [fakeMember(), fakeMember({ isHeldBack: true, part: 0 })]
      const group = { hasWhole: true, isSpared: () => true }
      const balancer = balancerOf([0, 0], members, { strategy, group })
      const parts = partsOf(2, 20_000, () => balancer.pick(request))
      for (const part of parts) expect(Math.abs(part - 0.5)).toBeLessThan(0.02)
    })

    test('gives one that starts slowly so much of its share, and nothing less where all do', () => {
      const members = [fakeMember(), fakeMember({ isHeldBack: true, part: 0.2 })]
      const slow = balancerOf([0, 0], members, { strategy })
      const [, part] = partsOf(2, 40_000, () => slow.pick(request))
      // A fifth of a half, of what is then given out: 0.1 of 0.6.
      expect(Math.abs(part! - 1 / 6)).toBeLessThan(0.02)
      const all = balancerOf([0, 0], members, { strategy, group: { hasWhole: false, isSpared: () => false } })
      expect(Math.abs(partsOf(2, 20_000, () => all.pick(request))[1]! - 0.5)).toBeLessThan(0.02)
    })

    test('does not give the one that has just failed as long as there is another', () => {
      const members = [0, 0].map(() => fakeMember())
      const balancer = balancerOf([0, 0], members, { strategy })
      for (let i = 0; i < 100; i++) expect(balancer.pickOther(request, members[0]!)).toBe(1)
      const alone = balancerOf([0], [members[0]!], { strategy })
      expect(alone.pickOther(request, members[0]!)).toBe(0)
      members[1] = fakeMember({ isHeldBack: true, part: 0 })
      expect(balancerOf([0, 0], members, { strategy }).pickOther(request, members[0]!)).toBe(0)
    })

    test('does not give one more requests than its limit; when all have theirs, it says so', () => {
      const members = [0, 0].map(() => fakeMember())
      const balancer = balancerOf([0, 0], members, { strategy, limits: [2, 3] })
      const picked: number[] = []
      for (let i = 0; i < 5; i++) {
        const index = balancer.pick(request)
        picked.push(index)
        members[index]!.inFlight++
      }
      expect(picked.toSorted()).toEqual([0, 0, 1, 1, 1])
      expect(balancer.pick(request)).toBe(busy)
      expect([balancer.hasRoom(0), balancer.hasRoom(1)]).toEqual([false, false])
      members[0]!.inFlight--
      expect([balancer.hasRoom(0), balancer.hasRoom(1)]).toEqual([true, false])
      expect(balancer.pick(request)).toBe(0)
    })

    // One that starts slowly was picked by lot: to draw again would give it the square of its part.
    test('whoever was picked can have the request still, unless it is full or out by now', () => {
      const members = [0.1, 0, 1].map((part) => fakeMember({ isHeldBack: part < 1, part }))
      const group = { hasWhole: true, isSpared: () => false }
      const balancer = balancerOf([0, 0, 0], members, { strategy, group })
      expect([0, 1, 2].map((index) => balancer.hasRoom(index))).toEqual([true, false, true])
    })

    test('waits for those who are full rather than to ask one that is out', () => {
      const members = [fakeMember({ inFlight: 1 }), fakeMember({ isHeldBack: true, part: 0 })]
      const balancer = balancerOf([0, 0], members, { strategy, limits: [1, 1] })
      expect(balancer.pick(request)).toBe(busy)
    })
  })
}
