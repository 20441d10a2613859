import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BuiltUi, buildUi } from './built-ui.ts'

let built: BuiltUi
beforeAll(async () => {
  built = await buildUi()
})
afterAll(() => built?.remove())

const assets = async (): Promise<string[]> => readdir(join(built.folder, 'assets'))

test('the whole page is below 100 KiB when compressed', async () => {
  const files = [
    join(built.folder, 'index.html'),
    ...(await assets()).map((name) => join(built.folder, 'assets', name)),
  ]
  const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(file)).length))
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(100 * 1024)
})

test('every asset has its hash in its name, so that it may be cached for ever', async () => {
  for (const name of await assets()) expect(name).toMatch(/^[\w.]+-[\w-]{8}\.(js|css|svg)$/)
})

test('the document names only assets of its own, and holds no script and no style', async () => {
  const html = await readFile(join(built.folder, 'index.html'), 'utf8')
  const named = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]!)
  const own = named.filter((url) => url !== 'api/table' && url !== '/').map((url) => url.split('/').at(-1)!)
  expect(named).toHaveLength(own.length + 2)
  const all = await assets()
  expect(all).toEqual(expect.arrayContaining(own))
  // What the document does not name, its script does.
  const script = own.find((name) => name.endsWith('.js'))!
  const text = await readFile(join(built.folder, 'assets', script), 'utf8')
  for (const name of all) expect([name, own.includes(name) || text.includes(name)]).toEqual([name, true])
  expect(html).not.toMatch(/<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=/)
})
