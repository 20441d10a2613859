import { afterAll, describe, expect, test } from 'vitest'
import { Llhttp } from '../support/llhttp.ts'
import { deadlineMs, repeat, seed, shown, shrink } from './budget.ts'
import { difference } from './compare.ts'
import { requests, responses } from './corpus.ts'
import { mutate } from './mutate.ts'
import { readRequests, readResponses } from './ours.ts'

// What we read, llhttp in its strict mode reads the same way: start, fields, body, trailers, and whether the connection
// goes on. Where we wait it waits, and what we refuse it refuses too, or the reason is known (compare.ts).

const llhttp = new Llhttp()
const counts = { inputs: 0, taken: 0, refused: 0 }
afterAll(() => {
  const { inputs, taken, refused } = counts
  console.log(`fuzz, parsers: seed ${seed}, ${inputs} inputs, ${taken} messages taken, ${refused} refused`)
})

function checkRequests(text: string): void {
  const octets = Buffer.from(text, 'latin1')
  const ours = readRequests(octets)
  counts.inputs++
  counts.taken += ours.messages.length
  if (ours.stop === 'refused') counts.refused++
  if (difference(ours, llhttp.requests(octets), '') === null) return
  const between = (input: string): string | null => {
    const again = Buffer.from(input, 'latin1')
    return difference(readRequests(again), llhttp.requests(again), '')
  }
  const shortest = shrink(text, (input) => between(input) !== null)
  expect.unreachable(`${between(shortest)}\nseed ${seed}, octets ${shown(shortest)}`)
}

function checkResponses(text: string, method: string, isEnd: boolean): void {
  const between = (input: string): string | null => {
    const octets = Buffer.from(input, 'latin1')
    return difference(readResponses(octets, method, isEnd), llhttp.responses(octets, method, isEnd), method)
  }
  const octets = Buffer.from(text, 'latin1')
  const ours = readResponses(octets, method, isEnd)
  counts.inputs++
  counts.taken += ours.messages.length
  if (ours.stop === 'refused') counts.refused++
  if (difference(ours, llhttp.responses(octets, method, isEnd), method) === null) return
  const shortest = shrink(text, (input) => between(input) !== null)
  const how = `${method}, ${isEnd ? 'closed behind' : 'open'}`
  expect.unreachable(`${between(shortest)}\nseed ${seed}, octets ${shown(shortest)} for ${how}`)
}

describe(`with seed ${seed}`, () => {
  test('requests are read as llhttp reads them', { timeout: deadlineMs(0.25) }, async () => {
    for (const text of requests) checkRequests(text)
    await repeat(0.25, (random) => checkRequests(mutate(requests, random)))
  })

  test('answers are read as llhttp reads them', { timeout: deadlineMs(0.2) }, async () => {
    for (const method of ['GET', 'HEAD'])
      for (const isEnd of [true, false]) for (const text of responses) checkResponses(text, method, isEnd)
    await repeat(0.2, (random) => {
      const method = random() < 0.15 ? 'HEAD' : 'GET'
      checkResponses(mutate(responses, random), method, random() < 0.7)
    })
  })
})
