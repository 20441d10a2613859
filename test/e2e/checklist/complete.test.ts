import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

// The checklist is one of 103 numbered demands on an HTTP/1.1 intermediary, out of RFC 9110 and 9112. Each is a
// sentence in one of the files here, which begins with its number, or stands in this table.

const elsewhere: Readonly<Record<number, string>> = {
  61: 'Via is left out on purpose: X-Forwarded-For and Forwarded say it (fields.test.ts)',
}

/** More about some of them than one sentence holds; the paths are looked for. */
const more: Readonly<Record<string, string>> = {
  '1-28': 'test/fuzz/parsers.test.ts',
  27: 'test/http1/split.test.ts',
  57: 'test/proxy/headers.test.ts',
  96: 'test/e2e/forwarding.ts',
  101: 'test/proxy/retry.test.ts',
}

test('every demand of the checklist has its sentence', async () => {
  const folder = new URL('.', import.meta.url)
  const found = new Set(Object.keys(elsewhere).map(Number))
  for (const name of await readdir(folder)) {
    const text = await readFile(new URL(name, folder), 'utf8')
    for (const [, numbers] of text.matchAll(/['`](\d+(?:, \d+)*): /g)) {
      for (const number of numbers!.split(', ')) found.add(Number(number))
    }
  }
  const all = Array.from({ length: 103 }, (_, i) => i + 1)
  expect(all.filter((number) => !found.has(number))).toEqual([])
})

test.each(Object.entries(more))('more about %s stands in %s', async (_numbers, path) => {
  await readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')
})
