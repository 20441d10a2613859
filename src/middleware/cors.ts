import { GatewayError } from '../base/errors.ts'
import { fieldLine, isFieldName } from '../base/field-syntax.ts'
import { originMatcher } from '../base/origin.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { LocalAnswer, Middleware } from '../proxy/plan.ts'
import type { CorsOptions } from '../route/cors-options.ts'
import type { FieldEdit } from '../route/field-edit.ts'

/** With the gateway in charge of them, an instance's own would only be second lines, which browsers refuse. */
export const corsRemovals: readonly FieldEdit[] = [
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'Access-Control-Allow-Headers',
  'Access-Control-Allow-Methods',
  'Access-Control-Expose-Headers',
  'Access-Control-Max-Age',
].map((name) => ({ kind: 'remove', name, value: '' }))

/** Names of request fields that a preflight may ask for at a time. */
const mostHeaders = 100

/**
 * The CORS protocol of the Fetch standard: answers preflights, says on answers who may read them. It keeps browsers
 * from showing an answer to a page, and nothing else from anything: requests of other origins are passed on.
 *
 * @returns null: the gateway has no part in it
 */
export function compileCors(options: CorsOptions): Middleware | null {
  const { origins, credentials } = options
  if (origins.length === 0) return null
  const isAny = origins.includes('*')
  const matches = isAny ? () => true : originMatcher(origins)
  const preflightLines = compilePreflight(options)
  // An answer for any origin is the same for all of them. With credentials there is no such thing: it would hand
  // everybody's data to every page.
  const anyOrigin = fieldLine('Access-Control-Allow-Origin', '*')
  let common = credentials && !isAny ? fieldLine('Access-Control-Allow-Credentials', 'true') : ''
  const exposed =
    options.expose.length === 0 ? '' : fieldLine('Access-Control-Expose-Headers', options.expose.join(', '))
  if (isAny) common += anyOrigin
  const allowing = (origin: string): string =>
    isAny ? common : `${fieldLine('Access-Control-Allow-Origin', origin)}${common}`

  return {
    name: 'cors',
    hasEffects: false,
    run(exchange) {
      const sent = exchange.fields.all('origin')
      if (!isAny) addVary(exchange, 'Origin')
      if (sent.length === 0) return null
      const origin = sent[0]!
      const isAllowed = sent.length === 1 && matches(origin)
      if (exchange.method === 'OPTIONS' && exchange.fields.first('access-control-request-method') !== '') {
        return isAllowed ? allow(exchange, allowing(origin) + preflightLines(exchange)) : refuse(origin)
      }
      if (isAllowed) exchange.answerLines += allowing(origin) + exposed
      return null
    },
  }
}

function addVary(exchange: Exchange, names: string): void {
  exchange.vary = exchange.vary === '' ? names : `${exchange.vary}, ${names}`
}

const allow = (exchange: Exchange, lines: string): LocalAnswer => {
  // For caches between, though they rarely keep answers to OPTIONS.
  addVary(exchange, 'Access-Control-Request-Method, Access-Control-Request-Headers')
  return { status: 204, lines, body: null, error: null }
}

const refuse = (origin: string): LocalAnswer => ({
  status: 403,
  lines: '',
  body: null,
  error: new GatewayError(
    'GW_FORBIDDEN',
    `the route lets no pages of ${JSON.stringify(origin)} read it (cors=)`,
  ),
})

/** What the answer to a preflight says beside the origin. The browser decides what follows from it. */
function compilePreflight({ methods, headers, maxAge }: CorsOptions): (exchange: Exchange) => string {
  const age = fieldLine('Access-Control-Max-Age', String(maxAge))
  const methodLine = lineOf('Access-Control-Allow-Methods', methods)
  const headerLine = lineOf('Access-Control-Allow-Headers', headers)
  // `*` does not stand for Authorization, nor for anything with credentials: what was asked for is said instead.
  return ({ fields }) =>
    age +
    (methodLine ?? asAsked('Access-Control-Allow-Methods', fields.all('access-control-request-method'))) +
    (headerLine ?? asAsked('Access-Control-Allow-Headers', fields.all('access-control-request-headers')))
}

const lineOf = (name: string, values: readonly string[]): string | null =>
  values.includes('*') ? null : values.length === 0 ? '' : fieldLine(name, values.join(', '))

/** Nothing where the client asks for something that is no name. */
function asAsked(name: string, values: readonly string[]): string {
  const names = values
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '')
  if (names.length === 0 || names.length > mostHeaders || !names.every(isFieldName)) return ''
  return fieldLine(name, names.join(', '))
}
