import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameBounds, goingAway, maskedGoingAway } from '../../src/http1/websocket-frames.ts'

/** A frame as RFC 6455 section 5.2 has it. */
function frame(length: number, isMasked: boolean): Buffer {
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + extended + (isMasked ? 4 : 0), 0xa5)
  head[0] = 0x82
  head[1] = (extended === 0 ? length : extended === 2 ? 126 : 127) | (isMasked ? 0x80 : 0)
  if (extended === 2) head.writeUInt16BE(length, 2)
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2)
  // Octets that look like a head wherever somebody loses count.
  return Buffer.concat([head, Buffer.alloc(length, 0x81)])
}

describe('the bounds of frames', () => {
  test.each([0, 1, 125, 126, 127, 65_535, 65_536])('are found behind a payload of %d octets', (length) => {
    for (const isMasked of [false, true]) {
      const octets = Buffer.concat([frame(length, isMasked), frame(3, false)])
      const bounds = new FrameBounds()
      const first = bounds.next(octets, 0, octets.length)
      expect(first).toBe(octets.length - 5)
      expect(bounds.next(octets, first, octets.length)).toBe(octets.length)
      expect(bounds.isBetween).toBe(true)
    }
  })

  test('are those of the whole stream, however it is cut', () => {
    const frames = fc.array(fc.tuple(fc.constantFrom(0, 1, 5, 125, 126, 300), fc.boolean()), { maxLength: 6 })
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 })), (list, cuts) => {
        const octets = Buffer.concat(list.map(([length, isMasked]) => frame(length, isMasked)))
        const ends: number[] = []
        let sum = 0
        for (const [length, isMasked] of list) {
          sum += frame(length, isMasked).length
          ends.push(sum)
        }
        const bounds = new FrameBounds()
        const found: number[] = []
        let at = 0
        for (let i = 0; at < octets.length; i++) {
          const end = Math.min(octets.length, at + (cuts[i % Math.max(1, cuts.length)] ?? 7))
          while (at < end) {
            const next = bounds.next(octets, at, end)
            if (next === -1) at = end
            else {
              at = next
              found.push(next)
            }
          }
          expect(bounds.isBetween).toBe(at === 0 || ends.includes(at))
        }
        expect(found).toEqual(ends)
      }),
    )
  })

  test('of any octets are found without an end', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
        const bounds = new FrameBounds()
        for (const chunk of chunks) bounds.skip(chunk)
      }),
    )
  })

  test('are there around our own frames', () => {
    for (const octets of [goingAway, maskedGoingAway]) {
      expect(new FrameBounds().next(octets, 0, octets.length)).toBe(octets.length)
    }
  })
})
