import { expect, test } from 'vitest'
import { sectionOf } from '../../src/http1/field-section.ts'
import { sayUpstream, trustedFields } from '../../src/middleware/trusted-fields.ts'
import { exchangeOf } from '../support/exchange.ts'

// PHP makes HTTP_X_USER of `X.User` as well: behind the spellings with `_` alone, which were taken out, a client could
// say who it was.
test('a field that is ours is taken out in every spelling that a program could take for it', () => {
  const names = [
    'X-Auth-User',
    'x_auth-user',
    'X.Auth.User',
    'X-AUTH_User',
    "x!auth'user",
    'X-Auth-Users',
    'Xx',
  ]
  const exchange = exchangeOf({ fields: sectionOf(names.flatMap((name) => [name, 'admin'])) })
  sayUpstream(exchange, 'X-Auth-User: joe\r\n', trustedFields(['X-Auth-User', 'Email']))
  expect(exchange.fields.endToEnd(0, exchange.requestExcept, new Set())).toBe(
    'X-Auth-Users: admin\r\nXx: admin\r\n',
  )
  expect([...trustedFields(['X_User']).names].sort()).toEqual(['x-user', 'x_user'])
})

test('what one step says upstream does not take away what another one said', () => {
  const exchange = exchangeOf()
  sayUpstream(exchange, 'A: 1\r\n', trustedFields(['a']))
  sayUpstream(exchange, 'B: 2\r\n', trustedFields(['b']))
  expect(exchange.requestLines).toBe('A: 1\r\nB: 2\r\n')
  expect([...exchange.requestExcept!]).toEqual(['a', 'b'])
})
