import { expect, test } from 'vitest'
import { sayUpstream, spellingsOf } from '../../src/middleware/trusted-fields.ts'
import { exchangeOf } from '../support/exchange.ts'

test('a field that is ours is taken out in every spelling that a CGI program could take for it', () => {
  expect([...spellingsOf(['X-Auth-User', 'Email'])].sort()).toEqual(
    ['email', 'x-auth-user', 'x-auth_user', 'x_auth-user', 'x_auth_user'].sort(),
  )
  expect([...spellingsOf(['X_User'])].sort()).toEqual(['x-user', 'x_user'])
})

test('what one step says upstream does not take away what another one said', () => {
  const exchange = exchangeOf()
  sayUpstream(exchange, 'A: 1\r\n', new Set(['a']))
  sayUpstream(exchange, 'B: 2\r\n', new Set(['b']))
  expect(exchange.requestLines).toBe('A: 1\r\nB: 2\r\n')
  expect([...exchange.requestExcept!]).toEqual(['a', 'b'])
})
