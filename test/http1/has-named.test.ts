import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FieldNames, sectionOf } from '../../src/http1/field-section.ts'

const wanted = ['traceparent', 'tracestate', 'b3', 'x-b3-traceid', 'referer', 'user-agent']
const cased = fc.tuple(fc.constantFrom(...wanted), fc.boolean()).map(([name, isUpper]) => {
  return isUpper ? name.toUpperCase() : name
})
const odd = fc.constantFrom(
  'Host',
  'Accept',
  'X-B3-Other',
  '_b3',
  '4raceparent',
  'Tracestatf',
  '!!',
  'b3-',
  'Upgrade',
)
const name = fc.oneof(cased, odd)

test('a name is found whatever its case, and no other for it, wherever it stands', () => {
  fc.assert(
    fc.property(fc.array(name), fc.subarray(wanted), (there, asked) => {
      const section = sectionOf(there.flatMap((each) => [each, 'v']))
      const lower = there.map((each) => each.toLowerCase())
      expect(section.hasNamed(new FieldNames(asked))).toBe(asked.some((each) => lower.includes(each)))
      for (const each of asked) {
        const count = lower.filter((one) => one === each).length
        expect(section.all(each)).toEqual(Array(count).fill('v'))
        expect(section.first(each)).toBe(count > 0 ? 'v' : '')
      }
    }),
  )
})
