import type { GatewayError } from '../base/errors.ts'
import type { LocalAnswer } from '../proxy/plan.ts'

/**
 * The answer to a request that may not pass.
 *
 * @param lines field lines, each ending in CRLF
 */
export const refuse = (error: GatewayError, lines = ''): LocalAnswer => ({
  status: error.status,
  // As fabio's: nobody is to see a page in what repeats something of the request.
  lines: `${lines}X-Content-Type-Options: nosniff\r\n`,
  body: null,
  error,
})
