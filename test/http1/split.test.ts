import { describe, expect, test } from 'vitest'
import { requests } from '../fuzz/corpus.ts'
import { feed, type Outcome } from '../support/fed-connection.ts'

// Nothing depends on where segments begin and end (RFC 9112 section 2.2).

// Whether a 100 was still of use, and in which words something is refused, may depend on what is there already.
async function outcome(pieces: readonly Buffer[]): Promise<Outcome> {
  const { seen, written } = await feed(pieces)
  return {
    seen,
    written: written
      .replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '')
      .replace(/(HTTP\/1\.1 [45]\d\d [^\r]*)[\s\S]*$/, '$1'),
  }
}

const bad = [
  'GET / HTTP/1.1\nHost: a\n\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n',
  'GET  / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/2.0\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5x\r\nhello\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
]

describe('a client’s octets mean the same', () => {
  test.each([...requests, ...bad].map((text) => [text]))('wherever %j is cut in two', async (text) => {
    const octets = Buffer.from(text, 'latin1')
    const whole = await outcome([octets])
    for (let at = 1; at < octets.length; at++) {
      expect(await outcome([octets.subarray(0, at), octets.subarray(at)]), `cut at ${at}`).toEqual(whole)
    }
  })

  test.each([...requests, ...bad].map((text) => [text]))('octet by octet: %j', async (text) => {
    const octets = Buffer.from(text, 'latin1')
    const pieces = Array.from(octets, (octet) => Buffer.from([octet]))
    expect(await outcome(pieces)).toEqual(await outcome([octets]))
  })
})
