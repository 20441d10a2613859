import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { catalogue } from '../../src/base/errors.ts'

const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `GW_'))
  .map((line) => line.split('|').map((cell) => cell.trim()))

describe('docs/errors.md', () => {
  test('lists every code of the catalogue as it is, and no other', () => {
    const listed = rows.map(([, code, status, says, source, retry]) => [
      code!.replaceAll('`', ''),
      { status: Number(status), says, source, retry },
    ])
    expect(Object.fromEntries(listed)).toEqual(catalogue)
    expect(listed).toHaveLength(Object.keys(catalogue).length)
  })

  test('is in the order of the statuses', () => {
    const statuses = rows.map(([, , status]) => Number(status))
    expect(statuses).toEqual(statuses.toSorted((a, b) => a - b))
  })

  test('names no code that there is not', () => {
    const named = [...page.matchAll(/GW_[A-Z_]+/g)].map(([code]) => code)
    for (const code of named) expect(Object.keys(catalogue)).toContain(code)
  })
})

test('words of an error are for people: lower case, no full stop, nothing that a page would have to escape', () => {
  for (const { says } of Object.values(catalogue)) expect(says).toMatch(/^[a-z][A-Za-z ]*[A-Za-z]$/)
})
