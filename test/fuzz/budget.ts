import { setImmediate as turn } from 'node:timers/promises'
import { seeded } from './mutate.ts'

// How long and with which chance the fuzzers run: a minute in all, `FUZZ_MINUTES=60 npm run fuzz` goes on for longer,
// `FUZZ_SEED` makes a run again.

export const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32))
const minutes = Number(process.env.FUZZ_MINUTES ?? 1)

/** Milliseconds for a test that gets this part of the whole, 0 to 1. */
export const budgetMs = (part: number): number => minutes * 60_000 * part

/** Milliseconds after which a test with this part of the whole has failed. */
export const deadlineMs = (part: number): number => 2 * budgetMs(part) + 60_000

/** Calls with chance from the seed again and again until this part of the time is over; resolves with how often. */
export async function repeat(
  part: number,
  run: (random: () => number) => void | Promise<void>,
): Promise<number> {
  const random = seeded(seed)
  const end = performance.now() + budgetMs(part)
  let count = 0
  while (performance.now() < end) {
    for (let i = 0; i < 100; i++) {
      const running = run(random)
      if (running !== undefined) await running
    }
    count += 100
    // The process that runs the tests asks now and then whether this one is alive.
    if (count % 10_000 === 0) await turn()
  }
  return count
}

/** The shortest text found that still fails: pieces are left out, from the large to the small. */
export function shrink(text: string, fails: (text: string) => boolean): string {
  let shortest = text
  for (let size = Math.ceil(shortest.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at + size <= shortest.length; ) {
      const shorter = shortest.slice(0, at) + shortest.slice(at + size)
      if (fails(shorter)) shortest = shorter
      else at += size
    }
  }
  return shortest
}

/** As a literal in which no octet looks like another. */
export const shown = (text: string): string =>
  JSON.stringify(text).replace(
    /[\x7f-\xff]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
