import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { claimLines } from '../../src/auth/claims.ts'

describe('a claim', () => {
  const payload = {
    sub: 'joe',
    name: 'Jürgen',
    age: 7,
    admin: true,
    groups: ['a', 'b,admin', '100%'],
    realm_access: { roles: ['x', 'y'] },
    'https://x.net/role': 'ops',
    'a.b': 'itself',
    a: { b: 'inner' },
    object: { x: 1 },
    none: null,
    mixed: ['a', { b: 1 }],
    empty: '',
    inject: 'x\r\nX-Admin: true',
  }
  test.each([
    ['sub', 'joe'],
    ['name', Buffer.from('Jürgen').toString('latin1')],
    ['age', '7'],
    ['admin', 'true'],
    // A group called "b,admin" is not the group admin.
    ['groups', 'a,b%2Cadmin,100%25'],
    ['realm_access.roles', 'x,y'],
    ['https://x.net/role', 'ops'],
    ['a.b', 'itself'],
    ['empty', ''],
  ])('%s goes upstream as %j', (claim, value) => {
    expect(claimLines(payload, [{ claim, header: 'X-Claim' }])).toBe(`X-Claim: ${value}\r\n`)
  })

  test.each(['object', 'none', 'mixed', 'inject', 'nobody', 'sub.length', 'constructor', '__proto__', 'a.c'])(
    '%s does not go upstream',
    (claim) => {
      expect(claimLines(payload, [{ claim, header: 'X-Claim' }])).toBe('')
    },
  )

  test('of any value makes one line or none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const lines = claimLines({ any: value }, [{ claim: 'any', header: 'X' }])
        expect(lines === '' || /^X: [^\r\n]*\r\n$/.test(lines)).toBe(true)
        const codes = [...lines.slice(0, -2)].map((char) => char.charCodeAt(0))
        expect(codes.every((code) => code >= 0x20 && code !== 0x7f && code < 0x100)).toBe(true)
      }),
    )
  })
})
