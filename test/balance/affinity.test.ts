import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BalancerOptions, busy } from '../../src/balance/balancer.ts'
import { CookieAffinity, cookieId, cookieValue } from '../../src/balance/cookie.ts'
import { hashOf } from '../../src/balance/hash.ts'
import { Members } from '../../src/balance/member.ts'
import { Rendezvous } from '../../src/balance/rendezvous.ts'
import { sharesOf } from '../../src/balance/shares.ts'
import { sectionOf } from '../../src/http1/field-section.ts'
import { balancerOf, calmGroup, type FakeMember, fakeMember } from '../contract/strategy.ts'
import { exchangeOf } from '../support/exchange.ts'

const names = ['a', 'b', 'c', 'd', 'e'].map((node) => `shop\n${node}/shop-1\nhttp://10.0.0.1:80/`)

const membersOf = (weights: readonly number[], members: readonly FakeMember[]): Members =>
  new Members({
    members,
    group: calmGroup,
    shares: sharesOf(weights),
    limits: weights.map(() => 0),
    random: () => 0,
  })

const from = (clientAddress: string) => ({ ...exchangeOf(), clientAddress })
const keys = Array.from({ length: 20_000 }, (_, i) => from(`10.${i >> 8}.${i & 255}.7`))

function rendezvous(
  weights: readonly number[],
  members: readonly FakeMember[] = weights.map(() => fakeMember()),
) {
  const affinity = new Rendezvous(
    membersOf(weights, members),
    names.slice(0, weights.length),
    ({ clientAddress }) => clientAddress,
  )
  return keys.map((key) => affinity.targetOf(key, null))
}

const partOf = (places: readonly number[], index: number): number =>
  places.filter((place) => place === index).length / places.length

describe('rendezvous hashing', () => {
  test.each([
    ['equal', [0, 0, 0]],
    ['a canary', [0, 0, 0.05]],
    ['weights', [0.1, 0.3, 0.6]],
  ])('shares keys by weight: %s', (_what, weights) => {
    const places = rendezvous(weights)
    for (const [i, share] of sharesOf(weights).entries())
      expect(Math.abs(partOf(places, i) - share)).toBeLessThan(0.015)
  })

  test('keeps every key where it was but those of a target that goes, and spreads those over all others', () => {
    const before = rendezvous([0, 0, 0, 0])
    const members = [0, 0, 0, 0].map(() => fakeMember())
    members[1] = fakeMember({ isHeldBack: true, part: 0 })
    const after = rendezvous([0, 0, 0, 0], members)
    const moved = after.filter((place, i) => place !== before[i])
    expect(moved).toHaveLength(before.filter((place) => place === 1).length)
    for (const index of [0, 2, 3]) expect(Math.abs(partOf(moved, index) - 1 / 3)).toBeLessThan(0.03)
  })

  test('a canary that gets more takes keys from the others, and none goes from one of them to another', () => {
    const small = rendezvous([0, 0, 0.05])
    const large = rendezvous([0, 0, 0.2])
    for (const [i, place] of large.entries()) expect([small[i], 2]).toContain(place)
  })

  test('a target that starts slowly gets its keys little by little, and keeps those that it has', () => {
    const places = [0.1, 0.5, 1].map((part) =>
      rendezvous([0, 0], [fakeMember(), fakeMember({ isHeldBack: part < 1, part })]),
    )
    const [few, more, all] = places.map((each) => each.flatMap((place, i) => (place === 1 ? [i] : [])))
    expect(few!.length).toBeLessThan(more!.length)
    expect(more!.length).toBeLessThan(all!.length)
    expect(all).toEqual(expect.arrayContaining(more!))
    expect(more).toEqual(expect.arrayContaining(few!))
  })

  test('comes to the same place whatever the order of the targets is: another gateway may know them in another', () => {
    const members = [0, 0, 0].map(() => fakeMember())
    const place = (order: number[]) => {
      const list = order.map((i) => names[i]!)
      const affinity = new Rendezvous(membersOf([0, 0, 0], members), list, (request) => request.clientAddress)
      return keys.slice(0, 500).map((key) => list[affinity.targetOf(key, null)])
    }
    expect(place([2, 0, 1])).toEqual(place([0, 1, 2]))
  })

  test('passes over the target where the request has just failed, and takes no request without a key', () => {
    const members = [0, 0].map(() => fakeMember())
    const affinity = new Rendezvous(
      membersOf([0, 0], members),
      names.slice(0, 2),
      (each) => each.clientAddress,
    )
    for (const key of keys.slice(0, 100)) expect(affinity.targetOf(key, members[0]!)).toBe(1)
    expect(affinity.targetOf(from(''), null)).toBe(-1)
  })

  test('has a hash in which texts that differ little differ much', () => {
    const hashes = new Set(Array.from({ length: 50_000 }, (_, i) => hashOf(`10.0.${i >> 8}.${i & 255}`)))
    expect(hashes.size).toBeGreaterThan(49_990)
  })
})

const asking = (...lines: string[]) =>
  exchangeOf({ fields: sectionOf(lines.flatMap((line) => ['Cookie', line])) })

describe('a cookie', () => {
  const members = [0, 0].map(() => fakeMember())
  const affinity = new CookieAffinity('place', membersOf([0, 0], members), names.slice(0, 2))
  const ids = names.map(cookieId)

  test('says where the request belongs, whatever stands around it', () => {
    expect(affinity.targetOf(asking(`place=${ids[1]}`), null)).toBe(1)
    expect(affinity.targetOf(asking('theme=dark', `a=1; place=${ids[0]}; b=2`), null)).toBe(0)
  })

  test.each([
    ['nothing', asking()],
    ['another cookie', asking(`myplace=${ids[0]}; place2=${ids[0]}`)],
    ['a target that nobody knows', asking('place=AAAAAAAAAAAAAAAA')],
    ['an empty value', asking('place=')],
  ])('with %s belongs nowhere', (_what, request) => {
    expect(affinity.targetOf(request, null)).toBe(-1)
  })

  test('does not lead to a target that is out, has no share any more, or has just failed', () => {
    const request = asking(`place=${ids[1]}`)
    const at = (weights: number[], list: FakeMember[], failed: FakeMember | null = null) =>
      new CookieAffinity('place', membersOf(weights, list), names.slice(0, 2)).targetOf(request, failed)
    const out = [fakeMember(), fakeMember({ isHeldBack: true, part: 0 })]
    expect([at([0, 0], members), at([0, 0], out), at([1, 0], members)]).toEqual([1, -1, -1])
    expect(at([0, 0], members, members[1])).toBe(-1)
  })

  test('is set with all that keeps it from scripts and other sites, and only where it is not there', () => {
    expect(affinity.line(asking(), 1, false)).toBe(
      `Set-Cookie: place=${ids[1]}; Path=/; HttpOnly; SameSite=Lax\r\n`,
    )
    expect(affinity.line(asking(), 1, true)).toContain('; SameSite=Lax; Secure\r\n')
    expect(affinity.line(asking(`place=${ids[1]}`), 1, true)).toBe('')
    expect(affinity.line(asking(`place=${ids[0]}`), 1, false)).toContain(ids[1])
  })

  test('says nothing that anybody could read an address from, and the same in every process', () => {
    expect(ids[0]).toMatch(/^[\w-]{16}$/)
    expect(new Set(ids).size).toBe(names.length)
    expect(cookieId('shop\nnode/shop-1\nhttp://10.0.0.1:80/')).toBe('Cpky78zTJNkzRWw1')
  })

  test('is found by name in any header that browsers write', () => {
    const token = fc.stringMatching(/^[a-z]{1,4}$/)
    const pairs = fc.array(fc.tuple(token, fc.stringMatching(/^[!-+\--:<-~]{0,6}$/)), { maxLength: 6 })
    fc.assert(
      fc.property(pairs, token, (list, name) => {
        const header = list.map(([key, value]) => `${key}=${value}`).join('; ')
        const expected = list.find(([key]) => key === name)?.[1] ?? ''
        expect(cookieValue([header], name)).toBe(expected)
      }),
    )
  })

  test('survives any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string({ minLength: 1 }), (lines, name) => {
        expect(typeof cookieValue(lines, name)).toBe('string')
      }),
    )
  })
})

describe('a sticky route', () => {
  const sticky = (members: FakeMember[], more: Partial<BalancerOptions> = {}) =>
    balancerOf([0, 0], members, {
      affinity: (all) => new CookieAffinity('place', all, names.slice(0, 2)),
      ...more,
    })

  test('sends a request where it belongs every time, and others in turn', () => {
    const balancer = sticky([fakeMember(), fakeMember()])
    const request = asking(`place=${cookieId(names[1]!)}`)
    for (let i = 0; i < 10; i++) expect(balancer.pick(request)).toBe(1)
    expect([1, 2, 3, 4].map(() => balancer.pick(asking()))).toEqual([0, 1, 0, 1])
  })

  test('sends it elsewhere once that one is out, and after a failure there', () => {
    const members = [fakeMember(), fakeMember()]
    const request = asking(`place=${cookieId(names[1]!)}`)
    const balancer = sticky(members)
    expect(balancer.pickOther(request, members[1]!)).toBe(0)
    Object.assign(members[1]!, { isHeldBack: true, part: 0 })
    expect(balancer.pick(request)).toBe(0)
  })

  test('waits for the one where it belongs when that is full, although another is free', () => {
    const members = [fakeMember(), fakeMember({ inFlight: 3 })]
    const balancer = sticky(members, { limits: [3, 3] })
    expect(balancer.pick(asking(`place=${cookieId(names[1]!)}`))).toBe(busy)
    expect(balancer.pick(asking())).toBe(0)
  })
})
