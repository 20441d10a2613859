import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { rewriteTarget, routePath } from '../../src/proxy/path.ts'

const page = await readFile(new URL('../../docs/paths.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| `(.*?)` \| `(.*?)` \| `(.*?)` \| `(.*?)` \|$/gm)]

test('docs/paths.md has rows', () => {
  expect(rows.length).toBeGreaterThan(3)
})

test.each(rows.map(([, target, path, forwarded, stripped]) => ({ target, path, forwarded, stripped })))(
  '$target is read and passed on as docs/paths.md says',
  ({ target, path, forwarded, stripped }) => {
    expect(routePath(target!)).toBe(path)
    expect(rewriteTarget(target!, path!, '', '')).toBe(forwarded)
    expect(rewriteTarget(target!, path!, '/a', '')).toBe(stripped)
  },
)
