import { describe, expect, test } from 'vitest'
import { listOfLines, sectionOf } from '../../src/http1/field-section.ts'
import { answerWith, handling, valuesOf } from '../support/handled.ts'

/** The fields that the instance is sent. */
function requestOf(route: string, fields: readonly string[], more: Parameters<typeof handling>[1] = {}) {
  const target = route.slice(0, `${route} `.indexOf(' '))
  const handled = handling(route, more).handle({ fields, target })
  return listOfLines(handled.sent!.lines)
}

/** The fields that the client gets when the instance answers with these. */
function answerOf(
  route: string,
  fields: readonly string[],
  more: Parameters<typeof handling>[1] = {},
  secure = false,
) {
  return answerWith(handling(route, more).handle({ secure }), fields).answer.fields
}

describe('the fields of a request', () => {
  test('are set over what it came with, added to it, and taken from it', () => {
    const sent = requestOf(
      '/ header.request.set=X-Env:prod header.request.add=Accept:text/plain header.request.remove=Cookie',
      ['x-env', 'forged', 'X-ENV', 'again', 'Accept', '*/*', 'Cookie', 'a=1', 'X-Other', '1'],
    )
    expect(valuesOf(sent, 'X-Env')).toEqual(['prod'])
    expect(valuesOf(sent, 'Accept')).toEqual(['*/*', 'text/plain'])
    expect(valuesOf(sent, 'Cookie')).toEqual([])
    expect(valuesOf(sent, 'X-Other')).toEqual(['1'])
  })

  test('go before those that the gateway writes by itself', () => {
    const sent = requestOf(
      '/shop strip=/shop header.request.set=X-Forwarded-Proto:https header.request.remove=X-Real-Ip header.request.remove=X-Forwarded-Prefix header.request.set=X-Id:mine',
      ['X-Forwarded-Proto', 'http'],
      { handler: { requestIdHeader: 'X-Id' } },
    )
    expect(valuesOf(sent, 'X-Forwarded-Proto')).toEqual(['https'])
    expect(valuesOf(sent, 'X-Real-Ip')).toEqual([])
    expect(valuesOf(sent, 'X-Id')).toEqual(['mine'])
    expect(valuesOf(sent, 'X-Forwarded-For')).toEqual(['192.0.2.7'])
  })

  test('that a step has found out go before both: nobody sets a user over the one that was let in', () => {
    const { handle } = handling('/ header.request.set=X-User:nobody header.request.set=X-Env:prod')
    const handled = handle()
    const { exchange, handler } = handled
    exchange.requestExcept = new Set(['x-user'])
    exchange.requestLines = 'X-User: ada\r\n'
    handler.handle(exchange)
    expect(valuesOf(listOfLines(handled.sent!.lines), 'X-User')).toEqual(['ada'])
    expect(valuesOf(listOfLines(handled.sent!.lines), 'X-Env')).toEqual(['prod'])
  })

  test('are those of the configuration, and then those of the route', () => {
    const requestFields = [
      { kind: 'remove', name: 'Cookie', value: '' },
      { kind: 'set', name: 'X-Env', value: 'prod' },
      { kind: 'add', name: 'X-All', value: '1' },
    ] as const
    const plan = { requestFields }
    const plain = requestOf('/', ['Cookie', 'a'], { plan })
    expect([valuesOf(plain, 'X-Env'), valuesOf(plain, 'X-All'), valuesOf(plain, 'Cookie')]).toEqual([
      ['prod'],
      ['1'],
      [],
    ])
    const own = requestOf(
      '/ header.request.set=x-env:test header.request.add=X-All:2 header.request.add=Cookie:b',
      ['Cookie', 'a'],
      {
        plan,
      },
    )
    expect([valuesOf(own, 'X-Env'), valuesOf(own, 'X-All'), valuesOf(own, 'Cookie')]).toEqual([
      ['test'],
      ['1', '2'],
      ['b'],
    ])
  })
})

describe('the fields of an answer', () => {
  test('are set over what the instance says, added to it, and taken from it', () => {
    const got = answerOf(
      '/ header.response.set=X-Frame-Options:DENY header.response.add=Set-Cookie:b=2 header.response.remove=Server',
      ['x-frame-options', 'ALLOW', 'Set-Cookie', 'a=1', 'Server', 'x', 'X-Other', '1'],
    )
    expect(valuesOf(got, 'X-Frame-Options')).toEqual(['DENY'])
    expect(valuesOf(got, 'Set-Cookie')).toEqual(['a=1', 'b=2'])
    expect(valuesOf(got, 'Server')).toEqual([])
    expect(valuesOf(got, 'X-Other')).toEqual(['1'])
    expect(valuesOf(got, 'Date')).toHaveLength(1)
  })

  test('stay as they are where nothing is said', () => {
    expect(answerOf('/', ['X-A', '1', 'Date', 'then'])).toEqual(['X-A', '1', 'Date', 'then'])
  })

  test('of the gateway’s own are set too, unless the answer says them itself', () => {
    const { handle } = handling(
      '/ redirect=301,http://new.test/ header.response.set=X-Frame-Options:DENY header.response.set=Content-Type:text/x header.response.set=Location:/elsewhere',
    )
    const { answer } = handle()
    expect(answer.status).toBe(301)
    expect(valuesOf(answer.fields, 'X-Frame-Options')).toEqual(['DENY'])
    expect(valuesOf(answer.fields, 'Content-Type')).toEqual(['text/html; charset=utf-8'])
    expect(valuesOf(answer.fields, 'Location')).toEqual(['http://new.test/'])
  })

  test('of the configuration are on answers to requests without a route', () => {
    const responseFields = [{ kind: 'set', name: 'X-Frame-Options', value: 'DENY' }] as const
    const { answer } = handling('/only', { plan: { responseFields } }).handle({ target: '/other' })
    expect([answer.status, valuesOf(answer.fields, 'X-Frame-Options')]).toEqual([404, ['DENY']])
  })

  test('are on a switch of protocols', () => {
    let lines = ''
    const { handle } = handling('/ header.response.set=X-A:1')
    const handled = handle()
    Object.assign(handled.exchange.client, {
      switchTo: (written: string) => {
        lines = written
      },
    })
    handled.sink!.switched(sectionOf(['Upgrade', 'websocket', 'X-A', '0']), {} as never)
    expect(valuesOf(listOfLines(lines), 'X-A')).toEqual(['1'])
  })

  test('informational answers are passed on as they come', () => {
    const informed: [number, string][] = []
    const handled = handling('/ header.response.set=X-A:1').handle()
    Object.assign(handled.exchange.client, {
      inform: (status: number, lines: string) => informed.push([status, lines]),
    })
    handled.sink!.informed(103, sectionOf(['Link', '</a.css>', 'Connection', 'x']))
    expect(informed).toEqual([[103, 'Link: </a.css>\r\n']])
  })
})

// fabio reference 6.6, QUIRK-22.
describe('Strict-Transport-Security', () => {
  const sts = { maxAge: 63_072_000, subdomains: true, preload: true }
  const line = 'max-age=63072000; includeSubdomains; preload'
  const name = 'Strict-Transport-Security'

  test('is on answers over TLS, and on no other', () => {
    expect(valuesOf(answerOf('/', [], { plan: { sts } }, true), name)).toEqual([line])
    expect(valuesOf(answerOf('/', [], { plan: { sts } }, false), name)).toEqual([])
    expect(valuesOf(answerOf('/', [], {}, true), name)).toEqual([])
  })

  test.each([
    [{ maxAge: 5, subdomains: false, preload: false }, 'max-age=5'],
    [{ maxAge: 5, subdomains: true, preload: false }, 'max-age=5; includeSubdomains'],
    [{ maxAge: 5, subdomains: false, preload: true }, 'max-age=5; preload'],
  ])('%j is %s', (options, expected) => {
    expect(valuesOf(answerOf('/', [], { plan: { sts: options } }, true), name)).toEqual([expected])
  })

  test('is one line, in place of what the instance says', () => {
    const theirs = ['Strict-Transport-Security', 'max-age=0', 'strict-transport-security', 'max-age=1']
    expect(valuesOf(answerOf('/', theirs, { plan: { sts } }, true), name)).toEqual([line])
    expect(valuesOf(answerOf('/', theirs, {}, true), name)).toEqual(['max-age=0', 'max-age=1'])
  })

  test('is what the route says of it, or nothing', () => {
    const own = '/ header.response.set=strict-transport-security:max-age=60'
    expect(valuesOf(answerOf(own, [name, 'x'], { plan: { sts } }, true), name)).toEqual(['max-age=60'])
    const none = '/ header.response.remove=Strict-Transport-Security'
    expect(valuesOf(answerOf(none, [name, 'x'], { plan: { sts } }, true), name)).toEqual([])
  })

  test.each([
    ['a redirect', '/ redirect=301,http://new.test/', '/', 301],
    ['no route', '/only', '/other', 404],
  ])('is on the gateway’s own answers: %s', (_what, route, target, status) => {
    const { answer } = handling(route, { plan: { sts } }).handle({ target, secure: true })
    expect([answer.status, valuesOf(answer.fields, name)]).toEqual([status, [line]])
    const plain = handling(route, { plan: { sts } }).handle({ target })
    expect(valuesOf(plain.answer.fields, name)).toEqual([])
  })

  test('is on the refusal of what was no request', async () => {
    const { GatewayError } = await import('../../src/base/errors.ts')
    const { handle } = handling('/', { plan: { sts } })
    const { handler, exchange } = handle({ secure: true })
    const error = new GatewayError('GW_BAD_REQUEST', 'no request')
    const { lines } = handler.refusal(error, '', null, exchange.client)
    expect(valuesOf(listOfLines(lines), name)).toEqual([line])
    expect(handler.refusal(error, '', null, { ...exchange.client, secure: false }).lines).not.toContain(name)
  })

  test('is on the error that stands for an instance', async () => {
    const { GatewayError } = await import('../../src/base/errors.ts')
    const handled = handling('/', { plan: { sts, retries: 0 } }).handle({ secure: true })
    handled.sink!.failed(new GatewayError('GW_RESET', 'gone'))
    expect([handled.answer.status, valuesOf(handled.answer.fields, name)]).toEqual([502, [line]])
  })
})
