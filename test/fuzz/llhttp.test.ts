import { afterAll, describe, expect, test } from 'vitest'
import { requests, responses } from './corpus.ts'
import { mutate, seeded } from './mutate.ts'
import { Llhttp, readRequests, readResponse } from './read.ts'

// What we accept, llhttp in its strict mode accepts too, and reads the same way. `FUZZ_MINUTES=60 npm run fuzz` goes on
// for longer, `FUZZ_SEED` makes a run again.

const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32))
const minutes = Number(process.env.FUZZ_MINUTES ?? 0)
const llhttp = new Llhttp()
let compared = 0
let accepted = 0
afterAll(() => {
  console.log(`fuzz: seed ${seed}, ${compared} inputs, ${accepted} messages accepted and compared`)
})

/** Calls with mutation after mutation: so many, or for so many minutes. */
async function each(
  corpus: readonly string[],
  count: number,
  check: (text: string, random: () => number) => Promise<void>,
) {
  const random = seeded(seed)
  for (const text of corpus) await check(text, random)
  const end = performance.now() + minutes * 30_000
  for (let n = 0; minutes === 0 ? n < count : performance.now() < end; n++) {
    compared++
    await check(mutate(corpus, random), random)
  }
}

/** An absolute target is kept as its path; llhttp leaves it as it is. */
const withoutOrigin = (start: string): string =>
  start.replace(
    /^(\S+) https?:\/\/[^/?]+(.*)$/is,
    (_all, method: string, rest: string) => `${method} ${rest.startsWith('/') ? rest : `/${rest}`}`,
  )

describe(`with seed ${seed}`, () => {
  test('every request that we accept, llhttp reads the same way', {
    timeout: 60_000 + minutes * 40_000,
  }, async () => {
    await each(requests, 600_000, async (text) => {
      const octets = Buffer.from(text, 'latin1')
      const { messages: ours, end } = readRequests(octets)
      accepted += ours.length
      if (ours.length === 0) return
      const theirs = await llhttp.requests(octets.subarray(0, end), ours.length)
      const comparable = theirs
        .slice(0, ours.length)
        .map((message) => ({ ...message, start: withoutOrigin(message.start) }))
      expect(ours, `octets ${JSON.stringify(text)}, seed ${seed}`).toEqual(comparable)
    })
  })

  test('every answer that we accept, llhttp reads the same way', {
    timeout: 60_000 + minutes * 40_000,
  }, async () => {
    await each(responses, 200_000, async (text, random) => {
      const method = random() < 0.15 ? 'HEAD' : 'GET'
      const octets = Buffer.from(text, 'latin1')
      const ours = readResponse(octets, method)
      if (ours === null) return
      accepted++
      expect(ours.message, `octets ${JSON.stringify(text)} for ${method}, seed ${seed}`).toEqual(
        await llhttp.response(octets.subarray(0, ours.end), method),
      )
    })
  })
})
