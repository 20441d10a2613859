import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readPasswordHash } from '../../src/auth/password-hash.ts'
import { sectionOf } from '../../src/http1/field-section.ts'
import { compileAccess } from '../../src/middleware/access.ts'
import { compileIdentity } from '../../src/proxy/client-identity.ts'
import { isClosing, parseOptions } from '../../src/route/options.ts'
import { definitionsOf } from '../../src/route/tag.ts'
import { exchangeOf } from '../support/exchange.ts'

const pageOf = (name: string): Promise<string> =>
  readFile(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8')

/** The cells of each row of the table with this head. */
function rowsOf(page: string, head: string): string[][] {
  const table = page.slice(page.indexOf(head)).split('\n\n')[0]!
  return table
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

describe('docs/access.md', async () => {
  const page = await pageOf('access')
  const rule = /^With `(allow=[^`]*)`:$/m.exec(page)![1]!
  const rows = rowsOf(page, '| connection from |')

  test('has rows of both kinds', () => {
    expect(new Set(rows.map((row) => row[2]))).toEqual(new Set(['passes', '403']))
  })

  test.each(rows)('from %s by way of "%s": %s', (peer, hops, answer) => {
    const fields = sectionOf(hops === '' ? [] : ['X-Forwarded-For', hops!])
    const exchange = exchangeOf({ fields }, { remoteAddress: peer! })
    compileIdentity([])?.(exchange)
    const verdict = compileAccess(parseOptions([rule]).options)!.run(exchange)
    expect(verdict).toEqual(answer === 'passes' ? null : expect.objectContaining({ status: Number(answer) }))
  })

  const closed = /^```closed\n(.*?)^```/ms.exec(page)![1]!.trim().split('\n')
  test.each(closed)('%s closes its route', (tag) => {
    const instance = { service: 's', instance: 'n/s', address: '10.0.0.1', port: 80, healthy: true }
    const { definitions, problems } = definitionsOf(
      { ...instance, tags: [tag] },
      { prefix: 'urlprefix-', variables: {} },
    )
    expect(definitions.map(isClosing)).toEqual([true])
    expect(problems.map(({ text }) => text)).toEqual([tag])
  })
})

describe('docs/auth.md', async () => {
  const page = await pageOf('auth')
  const lines = rowsOf(page, '| kind | example: the user').flatMap((row) =>
    [...row[1]!.matchAll(/`joe:([^`]*)`/g)].map((match) => match[1]!),
  )

  test('has a line of each kind', () => {
    expect(lines.length).toBeGreaterThanOrEqual(6)
  })

  test.each(lines)('joe:%s lets in who says secret', (hash) => {
    const password = readPasswordHash(hash)
    expect(password.matches(Buffer.from('secret'))).toBe(true)
    expect(password.matches(Buffer.from('Secret'))).toBe(false)
  })
})
