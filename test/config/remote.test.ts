import { expect, test } from 'vitest'
import { type Fetch, fetchProperties } from '../../src/config/remote.ts'

const bytes = (...all: number[]): ArrayBuffer => Uint8Array.from(all).buffer

const answering =
  (status: number, contentType: string | null, body: ArrayBuffer): Fetch =>
  async () => ({
    status,
    headers: { get: (name) => (name === 'content-type' ? contentType : null) },
    arrayBuffer: async () => body,
  })

const latin1 = bytes(0x61, 0x3d, 0xe9)
const utf8 = bytes(0x61, 0x3d, 0xc3, 0xa9)

test.each<[contentType: string | null, body: ArrayBuffer]>([
  [null, utf8],
  ['text/plain; charset=utf-8', utf8],
  ['text/plain;charset="UTF-8"', utf8],
  ['text/plain', latin1],
  ['text/plain; charset=iso-8859-1', latin1],
  ['Text/Plain; charset=Latin1', latin1],
])('content type %j is decoded', async (contentType, body) => {
  expect(await fetchProperties(answering(200, contentType, body), 'http://x/')).toBe('a=é')
})

test.each(['text/html', 'text/plain; charset=utf-16', 'application/json; charset=utf-8'])(
  'content type %j is refused',
  async (contentType) => {
    await expect(fetchProperties(answering(200, contentType, utf8), 'http://x/')).rejects.toThrow(
      `expected content type text/plain, got "${contentType}"`,
    )
  },
)

test.each([
  [
    new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:80') }),
    'connect ECONNREFUSED 127.0.0.1:80',
  ],
  [new Error('unable to verify the first certificate'), 'unable to verify the first certificate'],
])('a fetch that fails with %s says why', async (error, words) => {
  await expect(fetchProperties(() => Promise.reject(error), 'http://x/')).rejects.toThrow(words)
})

test.each([204, 301, 404, 500])('status %d is refused', async (status) => {
  await expect(fetchProperties(answering(status, null, utf8), 'http://x/')).rejects.toThrow(
    `expected status 200, got ${status}`,
  )
})
