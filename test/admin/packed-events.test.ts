import { constants, gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gzipHead, packed, takesGzip } from '../../src/admin/packed-events.ts'

test('pieces that were packed apart are one stream, in any order and as often as one likes', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
      const stream = Buffer.concat([gzipHead, ...texts.map(packed)])
      const whole = gunzipSync(stream, { finishFlush: constants.Z_SYNC_FLUSH })
      expect(whole.toString()).toBe(texts.join(''))
    }),
  )
})

test.each([
  ['gzip, deflate, br, zstd', true],
  ['br;q=1, GZIP;q=0.5', true],
  ['x-gzip', true],
  ['', false],
  ['br', false],
  ['gzip;q=0', false],
  ['gzip; q=0.000', false],
  ['notgzip', false],
])('%j: gzip %s', (field, takes) => {
  expect(takesGzip(field)).toBe(takes)
})
