import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Coding, chooseCoding, codings } from '../../src/middleware/accept-encoding.ts'

const all: Coding[] = ['zstd', 'br', 'gzip']

describe('the coding of an answer', () => {
  // RFC 9110 section 12.5.3.
  test.each<[accepted: string, expected: Coding | null]>([
    ['', null],
    ['gzip', 'gzip'],
    ['GZip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['deflate', null],
    ['compress, gzip', 'gzip'],
    ['gzip;q=1.0, br;q=0.5', 'gzip'],
    ['gzip;q=0.5,br;q=0.501', 'br'],
    ['gzip ; q=0.2 , br; q = 0.1', 'gzip'],
    ['*', 'zstd'],
    ['*;q=0', null],
    ['*;q=0, gzip', 'gzip'],
    ['gzip;q=0', null],
    ['gzip;q=0.000', null],
    ['gzip;q=0, *', 'zstd'],
    ['zstd;q=0, br;q=0, *', 'gzip'],
    ['identity', null],
    ['identity, gzip', 'gzip'],
    ['identity;q=1, gzip;q=0.5', null],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['identity;q=0.5, gzip;q=0.6', 'gzip'],
    ['gzip;q=0.001', 'gzip'],
    // What cannot be read says nothing.
    ['gzip;q=2', null],
    ['gzip;q=-1', null],
    ['gzip;q=0.1234', null],
    ['gzip;q=', null],
    ['gzip;level=9', null],
    ['gzip;q=1;q=0', null],
    ['gzip;', null],
    [',,gzip,,', 'gzip'],
    ['gzip;q=0, gzip', null],
    ['mygzip', null],
    ['toString, __proto__', null],
  ])('for %j is %s', (accepted, expected) => {
    expect(chooseCoding(accepted, all)).toBe(expected)
  })

  test('of equal ones is the first that is offered, and none that is not', () => {
    expect(chooseCoding('gzip, br', ['gzip', 'br'])).toBe('gzip')
    expect(chooseCoding('gzip, br', ['br', 'gzip'])).toBe('br')
    expect(chooseCoding('gzip, br', ['zstd'])).toBeNull()
    expect(chooseCoding('*', [])).toBeNull()
  })

  const weight = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000)
  const item = fc.record({ name: fc.constantFrom('gzip', 'br', 'zstd', 'identity', '*', 'deflate'), weight })
  const items = fc.uniqueArray(item, { selector: ({ name }) => name })

  test('is never one that the client forbids, and never worse than another', () => {
    fc.assert(
      fc.property(items, fc.shuffledSubarray([...codings]), (accepted, offered) => {
        const text = accepted.map(({ name, weight: q }) => `${name};q=${q}`).join(', ')
        const weightOf = (coding: string): number =>
          (accepted.find(({ name }) => name === coding) ?? accepted.find(({ name }) => name === '*'))
            ?.weight ?? 0
        const chosen = chooseCoding(text, offered)
        const identity = accepted.find(({ name }) => name === 'identity')?.weight ?? 0
        const best = Math.max(0, ...offered.map(weightOf))
        if (chosen === null) expect(best === 0 || identity > best).toBe(true)
        else {
          expect(weightOf(chosen)).toBe(best)
          expect(offered.find((coding) => weightOf(coding) === best)).toBe(chosen)
          expect(best).toBeGreaterThanOrEqual(identity)
        }
      }),
    )
  })

  test('is found, or none is, whatever the field holds', () => {
    const part = fc.constantFrom('gzip', 'br', ';', 'q', '=', '0.5', ',', ' ', '*', '\t', '"')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join('')),
        ),
        (accepted) => {
          const chosen = chooseCoding(accepted, all)
          if (chosen !== null) expect(accepted).toMatch(/gzip|br|zstd|\*/i)
        },
      ),
    )
  })
})

// A field of 60 KiB took 60 ms for each answer that could be compressed: twenty such requests a second were a whole core.
test('a field that is longer than any that somebody means is not looked at', () => {
  expect(chooseCoding('gzip,'.repeat(200), all)).toBe('gzip')
  expect(chooseCoding('gzip,'.repeat(210), all)).toBeNull()
})
