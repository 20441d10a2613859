import { describe, expect, test } from 'vitest'
import { type ErrorCode, GatewayError } from '../../src/base/errors.ts'
import { type Attempt, mayRetry } from '../../src/proxy/retry.ts'

const attempt = (more: Partial<Attempt> = {}): Attempt => ({
  method: 'GET',
  attempts: 1,
  wasSent: true,
  bodyWasRead: false,
  wasAnswered: false,
  timesSent: 1,
  retries: 2,
  ...more,
})

describe('another attempt', () => {
  const cases: [sentence: string, attempt: Partial<Attempt>, code: ErrorCode, expected: boolean][] = [
    ['a refused connection, nothing was sent: yes', { wasSent: false }, 'GW_CONNECT_REFUSED', true],
    ['a POST too', { wasSent: false, method: 'POST' }, 'GW_CONNECT_REFUSED', true],
    ['a connection that was not accepted in time: yes', { wasSent: false }, 'GW_CONNECT_TIMEOUT', true],
    ['a connection that closed before the answer: yes', {}, 'GW_RESET', true],
    ['of a POST, which may have had its effect: no', { method: 'POST' }, 'GW_RESET', false],
    ['of an unknown method: no', { method: 'BREW' }, 'GW_RESET', false],
    ['after one that was refused: yes', { attempts: 2 }, 'GW_RESET', true],
    ['a second time: no', { attempts: 2, timesSent: 2 }, 'GW_RESET', false],
    ['the third refused connection: no', { wasSent: false, attempts: 3 }, 'GW_CONNECT_REFUSED', false],
    ['of a route with retry=0: no', { wasSent: false, retries: 0 }, 'GW_CONNECT_REFUSED', false],
    ['the body was read: no', { method: 'PUT', bodyWasRead: true }, 'GW_RESET', false],
    ['the client has a head already: no', { wasAnswered: true }, 'GW_RESET', false],
    ['an answer that came too late: no', {}, 'GW_HEAD_TIMEOUT', false],
    ['a malformed answer: no', {}, 'GW_BAD_ANSWER', false],
    ['the client is gone: no', { wasSent: false }, 'GW_CLIENT_GONE', false],
    ['our own failure: no', { wasSent: false }, 'GW_INTERNAL', false],
  ]
  test.each(cases)('%s', (_sentence, more, code, expected) => {
    expect(mayRetry(attempt(more), new GatewayError(code, 'x'))).toBe(expected)
  })
})
