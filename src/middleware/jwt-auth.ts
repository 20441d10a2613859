import type { JwtOptions, JwtScheme, JwtVerdict } from '../auth/jwt.ts'
import { GatewayError } from '../base/errors.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Middleware, Verdict } from '../proxy/plan.ts'
import { failed } from './basic-auth.ts'
import { refuse } from './refuse.ts'
import { sayUpstream, trustedFields } from './trusted-fields.ts'

/** `auth=` with a scheme of the type `jwt`: a signed token (RFC 6750, RFC 7519), whose claims go upstream as fields. */
export function jwtAuth({ name, header, cookie, claims }: JwtOptions, scheme: JwtScheme): Middleware {
  const field = header.toLowerCase()
  const trusted = trustedFields(claims.map((claim) => claim.header))
  const realm = `Bearer realm="${name.replace(/["\\]/g, '\\$&')}"`
  const refused = (what: string, more: string): Verdict =>
    refuse(
      new GatewayError('GW_UNAUTHORIZED', `auth ${name}: ${what}`),
      `WWW-Authenticate: ${realm}${more}\r\n`,
    )
  const settle = (exchange: Exchange, verdict: JwtVerdict): Verdict => {
    if (!verdict.granted) {
      return refused(verdict.reason, `, error="invalid_token", error_description="${verdict.reason}"`)
    }
    if (claims.length > 0) sayUpstream(exchange, verdict.lines, trusted)
    return null
  }
  return {
    name: `auth ${name}`,
    hasEffects: true,
    run(exchange) {
      const token = tokenOf(exchange, field, cookie)
      if (token === '') return refused('no token', '')
      try {
        const verdict = scheme.check(token)
        if (!(verdict instanceof Promise)) return settle(exchange, verdict)
        return verdict.then((found) => settle(exchange, found)).catch(failed(name))
      } catch (error) {
        return failed(name)(error)
      }
    },
  }
}

/** Empty: there is none, or more than one to choose from. */
function tokenOf({ fields }: Exchange, field: string, cookie: string): string {
  const [value = '', ...others] = fields.all(field)
  if (others.length > 0) return ''
  if (value !== '') {
    const bearer = /^bearer +([\w.~+/=-]+) *$/i.exec(value)?.[1]
    if (bearer !== undefined) return bearer
    if (field !== 'authorization') return value
  }
  return cookie === '' ? '' : cookieOf(fields.all('cookie'), cookie)
}

function cookieOf(lines: readonly string[], name: string): string {
  const found = lines
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  return found.length === 1 ? found[0]!.slice(name.length + 1).replace(/^"(.*)"$/, '$1') : ''
}
