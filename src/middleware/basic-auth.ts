import type { BasicScheme } from '../auth/basic.ts'
import { GatewayError, messageOf } from '../base/errors.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Middleware, Verdict } from '../proxy/plan.ts'
import { refuse } from './refuse.ts'

/** `auth=` with a scheme of the type `basic`: user name and password (RFC 7617). Authorization goes upstream as well. */
export function basicAuth(name: string, scheme: BasicScheme): Middleware {
  const challenge = `WWW-Authenticate: ${scheme.challenge}\r\n`
  // fabio leaves the challenge out where the password is wrong (QUIRK-23), and browsers never ask again.
  const verdictOf = (isRight: boolean): Verdict =>
    isRight
      ? null
      : refuse(new GatewayError('GW_UNAUTHORIZED', `auth ${name}: wrong or no credentials`), challenge)
  return {
    name: `auth ${name}`,
    hasEffects: true,
    run(exchange) {
      try {
        const isRight = scheme.check(authorizationOf(exchange))
        return typeof isRight === 'boolean' ? verdictOf(isRight) : isRight.then(verdictOf).catch(failed(name))
      } catch (error) {
        return failed(name)(error)
      }
    },
  }
}

/** The value of Authorization; of two lines neither counts, for an upstream may take the other one. */
export function authorizationOf({ fields }: Exchange): string {
  const [value = '', ...others] = fields.all('authorization')
  return others.length === 0 ? value : ''
}

/** Whether the request may pass could not be found out: it may not. */
export const failed =
  (name: string) =>
  (error: unknown): Verdict =>
    refuse(new GatewayError('GW_GUARD_FAILED', `auth ${name}: ${messageOf(error)}`, { cause: error }))
