import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseOptions } from '../../src/route/options.ts'
import { answerWith, type Handled, handling, valuesOf } from '../support/handled.ts'
import { planOptions } from '../support/plan.ts'

const app = 'https://app.test'

const preflight = (
  route: string,
  fields: string[] = [],
  more: Parameters<typeof handling>[1] = {},
): Handled =>
  handling(route, more).handle({
    method: 'OPTIONS',
    fields: ['Origin', app, 'Access-Control-Request-Method', 'PUT', ...fields],
  })

const asked = (
  route: string,
  fields: string[],
  answer: string[] = [],
  more: Parameters<typeof handling>[1] = {},
): Handled => answerWith(handling(route, more).handle({ fields }), answer)

/** Without the prefix `Access-Control-`. */
const said = ({ answer }: Handled): Record<string, string[]> => {
  const found: Record<string, string[]> = {}
  for (let i = 0; i < answer.fields.length; i += 2) {
    const [, name] = /^access-control-(.*)$/i.exec(answer.fields[i]!) ?? []
    if (name !== undefined) found[name] = [...(found[name] ?? []), answer.fields[i + 1]!]
  }
  return found
}
const varyOf = ({ answer }: Handled): string[] => valuesOf(answer.fields, 'Vary')

describe('a preflight', () => {
  test('of an origin that is allowed is answered here, and reaches no instance', () => {
    const handled = preflight(`/ cors=${app}`, ['Access-Control-Request-Headers', 'x-a,content-type'])
    expect([handled.sent, handled.answer.status, handled.answer.body]).toEqual([null, 204, []])
    expect(said(handled)).toEqual({
      'Allow-Origin': [app],
      'Allow-Methods': ['GET, PUT'],
      'Allow-Headers': ['x-a, content-type'],
      'Max-Age': ['600'],
    })
    expect(varyOf(handled)).toEqual(['Origin, Access-Control-Request-Method, Access-Control-Request-Headers'])
  })

  test('of another origin is refused with words, and told nothing', () => {
    const handled = preflight('/ cors=https://other.test')
    expect([handled.sent, handled.answer.status, said(handled)]).toEqual([null, 403, {}])
    expect(valuesOf(handled.answer.fields, 'X-Gatehouse-Error')).toEqual(['GW_FORBIDDEN'])
    expect(varyOf(handled)).toEqual(['Origin'])
  })

  test('is told what the route says', () => {
    const handled = preflight(
      `/ cors=${app} cors.methods=DELETE cors.headers=X-A,X-B cors.credentials=true cors.maxage=1h cors.expose=X-C`,
      ['Access-Control-Request-Headers', 'x-other'],
    )
    expect(said(handled)).toEqual({
      'Allow-Origin': [app],
      'Allow-Credentials': ['true'],
      'Allow-Methods': ['DELETE'],
      'Allow-Headers': ['X-A, X-B'],
      'Max-Age': ['3600'],
    })
  })

  test('of any method is told the one that it asks for', () => {
    expect(said(preflight(`/ cors=${app} cors.methods=*`))['Allow-Methods']).toEqual(['PUT'])
  })

  test.each([
    ['a line', 'x-a, x b'],
    ['too many', Array.from({ length: 101 }, (_, i) => `x-${i}`).join(',')],
  ])('that asks for what is no list of names (%s) is told none', (_what, headers) => {
    expect(
      said(preflight(`/ cors=${app}`, ['Access-Control-Request-Headers', headers]))['Allow-Headers'],
    ).toBeUndefined()
  })

  test('of any origin is the same for all of them', () => {
    const handled = preflight('/ cors=*')
    expect(said(handled)['Allow-Origin']).toEqual(['*'])
    expect(varyOf(handled)).toEqual(['Access-Control-Request-Method, Access-Control-Request-Headers'])
  })

  test('is what asks with a method: an OPTIONS without it, or without an origin, is a request like another', () => {
    const { handle } = handling(`/ cors=${app}`)
    expect(handle({ method: 'OPTIONS', fields: ['Origin', app] }).sent?.method).toBe('OPTIONS')
    expect(handle({ method: 'OPTIONS', fields: ['Access-Control-Request-Method', 'PUT'] }).sent?.method).toBe(
      'OPTIONS',
    )
  })

  test('of two origins is refused', () => {
    expect(preflight(`/ cors=${app}`, ['Origin', app]).answer.status).toBe(403)
  })
})

describe('an answer', () => {
  test('says that a page of an allowed origin may read it, and what of it', () => {
    const handled = asked(`/ cors=${app} cors.credentials=true cors.expose=X-Total,X-B`, ['Origin', app])
    expect(said(handled)).toEqual({
      'Allow-Origin': [app],
      'Allow-Credentials': ['true'],
      'Expose-Headers': ['X-Total, X-B'],
    })
    expect(varyOf(handled)).toEqual(['Origin'])
  })

  test('to another origin comes as ever, and says nothing', () => {
    const handled = asked(`/ cors=${app}`, ['Origin', 'https://evil.test'])
    expect([handled.answer.status, said(handled), varyOf(handled)]).toEqual([200, {}, ['Origin']])
  })

  test('to a request without an origin depends on it all the same', () => {
    const handled = asked(`/ cors=${app}`, [], ['Vary', 'Accept'])
    expect([said(handled), varyOf(handled)]).toEqual([{}, ['Accept, Origin']])
  })

  test('has the gateway’s word alone: two lines would be refused by every browser', () => {
    const theirs = [
      ...['Access-Control-Allow-Origin', '*', 'access-control-allow-credentials', 'true'],
      ...['Access-Control-Expose-Headers', 'X-A', 'X-Other', '1'],
    ]
    expect(said(asked(`/ cors=${app}`, ['Origin', app], theirs))).toEqual({ 'Allow-Origin': [app] })
    expect(said(asked(`/ cors=${app}`, ['Origin', 'https://evil.test'], theirs))).toEqual({})
    expect(said(asked('/', ['Origin', app], theirs))['Allow-Origin']).toEqual(['*'])
  })

  test('of any origin has no credentials, whatever the options say', () => {
    const cors = { ...planOptions().cors, origins: ['*'], credentials: true }
    const handled = asked('/', ['Origin', app], [], { plan: { cors } })
    expect([said(handled), varyOf(handled)]).toEqual([{ 'Allow-Origin': ['*'] }, []])
  })

  test('of the gateway’s own can be read too: a script sees why it failed', async () => {
    const { GatewayError } = await import('../../src/base/errors.ts')
    const handled = handling(`/ cors=${app} retry=0`).handle({ fields: ['Origin', app] })
    handled.sink!.failed(new GatewayError('GW_RESET', 'gone'))
    expect([handled.answer.status, said(handled), varyOf(handled)]).toEqual([
      502,
      { 'Allow-Origin': [app] },
      ['Origin'],
    ])
  })
})

describe('the options', () => {
  const cors = { ...planOptions().cors, origins: [app], credentials: true }

  test('of the configuration are for routes that say nothing, and a route may say part of them', () => {
    const more = { plan: { cors } }
    expect(said(asked('/', ['Origin', app], [], more))).toEqual({
      'Allow-Origin': [app],
      'Allow-Credentials': ['true'],
    })
    expect(said(asked('/ cors.credentials=false', ['Origin', app], [], more))).toEqual({
      'Allow-Origin': [app],
    })
    expect(said(asked('/ cors=off', ['Origin', app], ['Access-Control-Allow-Origin', 'x'], more))).toEqual({
      'Allow-Origin': ['x'],
    })
    expect(said(asked('/ cors=https://other.test', ['Origin', app], [], more))).toEqual({})
  })

  test('with a mistake in the origins allow nobody, and not whom the configuration allows', () => {
    const { options, dropped } = parseOptions([`cors=${app},example.com`])
    expect(options.cors).toEqual({ origins: [] })
    expect(dropped).toEqual([
      `option "cors=${app},example.com": expected off, *, or origins like https://example.com,https://*.example.com, got "example.com"`,
    ])
  })

  test.each([
    ['cors.methods=GET,', 'expected methods with commas between them, or *, got "GET,"'],
    ['cors.methods=*,GET', 'expected methods with commas between them, or *, got "*,GET"'],
    ['cors.headers=X A', 'expected header names with commas between them, or *, got "X A"'],
    ['cors.expose=', 'expected header names with commas between them, or *, got ""'],
    ['cors.credentials=yes', 'expected true or false, got "yes"'],
    ['cors.maxage=soon', 'expected a duration like 500ms or 30s, got "soon"'],
  ])('%s is left out: %s', (word, words) => {
    const { options, dropped } = parseOptions([word])
    expect([options, dropped]).toEqual([{}, [`option ${JSON.stringify(word)}: ${words}`]])
  })

  test('credentials for any origin are a mistake', () => {
    const { options, dropped } = parseOptions(['cors=*', 'cors.credentials=true'])
    expect(options.cors).toEqual({ origins: ['*'], credentials: false })
    expect(dropped).toEqual(['option cors.credentials: expected cors= with origins by name, got *'])
  })
})

test('no origin, method or header name can make a line of its own', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'X', ':', ' ', ',', '*', '\t', 'é', '/') })
  fc.assert(
    fc.property(text, text, text, (origin, method, headers) => {
      const { answer } = handling('/ cors=https://*.example.com,https://a:* cors.methods=*').handle({
        method: 'OPTIONS',
        fields: [
          ...['Origin', `https://${origin.trim()}`],
          ...['Access-Control-Request-Method', method.trim()],
          ...['Access-Control-Request-Headers', headers.trim()],
        ],
      })
      for (const line of answer.lines.split('\r\n').slice(0, -1))
        expect(line).toMatch(/^[\w-]+: [\t\x20-\x7e]*$/)
    }),
  )
})
