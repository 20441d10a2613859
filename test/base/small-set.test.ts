import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SmallSet } from '../../src/base/small-set.ts'

const members = Array.from({ length: 4 }, (_, name) => ({ name }))
const step = fc.record({ isAdded: fc.boolean(), index: fc.integer({ min: 0, max: members.length - 1 }) })

test('a small set has at every time the members that a Set has, in the same order', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const small = new SmallSet<object>()
      const set = new Set<object>()
      for (const { isAdded, index } of steps) {
        const member = members[index]!
        if (isAdded) {
          small.add(member)
          set.add(member)
        } else expect(small.delete(member)).toBe(set.delete(member))
        expect([...small]).toEqual([...set])
        expect(small.size).toBe(set.size)
        for (const each of members) expect(small.has(each)).toBe(set.has(each))
      }
    }),
  )
})

test('members of a small set may be taken out while it is gone through', () => {
  for (const count of [1, 3]) {
    const small = new SmallSet<object>()
    for (const member of members.slice(0, count)) small.add(member)
    for (const member of small) small.delete(member)
    expect(small.size).toBe(0)
  }
})
