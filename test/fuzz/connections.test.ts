import { afterAll, expect, test } from 'vitest'
import { bufferSize } from '../../src/http1/buffers.ts'
import { brief, feed } from '../support/fed-connection.ts'
import type { ReadMessage } from '../support/read-message.ts'
import { deadlineMs, repeat, seed, shown } from './budget.ts'
import { largeRequests, requests } from './corpus.ts'
import { cut, mutate } from './mutate.ts'
import { readRequests } from './ours.ts'

// What a client's connection hands on does not depend on where its octets are cut, nor on how slowly they are taken,
// and is what the parsers read in one piece (which parsers.test.ts holds against llhttp).

let count = 0
afterAll(() => console.log(`fuzz, connections: seed ${seed}, ${count} inputs`))

const spelled = ({ start, fields, body }: ReadMessage): string =>
  `${start} ${fields.join('|')} ${brief(body)}`.trimEnd()

const isRequest = (entry: string): boolean => !/^(?:failed|gone|refused) /.test(entry)

/** Refused by the connection with 417, whatever the parser says. */
const hasOddExpect = ({ fields }: ReadMessage): boolean =>
  fields.some((field, i) => i % 2 === 0 && field.toLowerCase() === 'expect')

/** As large as reads can be. */
const readsOf = (octets: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(octets.length / bufferSize) }, (_, i) =>
    octets.subarray(i * bufferSize, (i + 1) * bufferSize),
  )

test(`with seed ${seed}: requests are the same however they come`, {
  timeout: deadlineMs(0.25),
}, async () => {
  count = await repeat(0.25, async (random) => {
    const isLarge = random() < 0.02
    const text = mutate(isLarge ? largeRequests : requests, random)
    const octets = Buffer.from(text, 'latin1')
    const how = `seed ${seed}, octets ${isLarge ? `${text.length} of them` : shown(text)}`
    const whole = await feed(readsOf(octets))
    const { messages, stop, end } = readRequests(octets)
    const expected = messages.map(spelled)
    const seen = whole.seen.map((entry) => (isRequest(entry) ? entry.trimEnd() : entry))
    if (!messages.some(hasOddExpect)) {
      expect(seen.slice(0, expected.length), how).toEqual(expected)
      if (stop !== 'left') expect(seen.filter(isRequest).length, how).toBe(expected.length)
    }
    // One answer for each, and one more for what was refused.
    const answers = whole.written.match(/HTTP\/1\.1 [2-5]\d\d /g) ?? []
    expect(answers.length, how).toBe(whole.seen.filter((entry) => !entry.startsWith('gone ')).length)

    // A head that comes in pieces is looked at when it is complete: until then nobody has said that it is bad.
    const isJudged = stop !== 'left' && /^(?:\r\n)*[^\r][\s\S]*\r\n\r\n/.test(text.slice(end))
    // What is wrong with it first may depend on the pieces too.
    const heard = (entries: readonly string[]): readonly string[] =>
      entries
        .filter((entry) => isJudged || !entry.startsWith('refused '))
        .map((entry) => entry.replace(/^refused .*/, 'refused'))

    const pieces = cut(octets, random).flatMap(readsOf)
    const sizes = pieces.map(({ length }) => length)
    const inPieces = await feed(pieces)
    expect(heard(inPieces.seen), `${how}, pieces of ${sizes}`).toEqual(heard(whole.seen))
    const manner = { slow: random(), late: random(), random }
    const slowly = await feed(pieces, manner)
    const { slow, late } = manner
    expect(heard(slowly.seen), `${how}, pieces of ${sizes}, slow ${slow}, late ${late}`).toEqual(
      heard(whole.seen),
    )
  })
})
