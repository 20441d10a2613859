import { describe, expect, test } from 'vitest'
import type { LoginQuestion } from '../../src/admin/login.ts'
import type { ForwardOptions, ServiceAnswer } from '../../src/auth/forward.ts'
import { AddressSet } from '../../src/base/address-set.ts'
import { forwardLogin } from '../../src/cli/forward-login.ts'

const options: ForwardOptions = {
  type: 'forward',
  name: 'sso',
  url: 'http://127.0.0.1:4180/verify',
  timeout: 1_000,
  tlsSkipVerify: false,
  requestHeaders: null,
  upstreamHeaders: [],
  responseHeaders: ['Set-Cookie', 'Content-Length'],
}
const trusted = new AddressSet([{ family: 'ipv4', address: '10.0.0.0', bits: 8 }])

const questionWith = (fields: readonly string[], more: Partial<LoginQuestion> = {}): LoginQuestion => ({
  method: 'PUT',
  host: 'gate:9998',
  target: '/api/manual?a=1',
  fields,
  peer: '192.0.2.1',
  signal: new AbortController().signal,
  ...more,
})

/** A service that answers this, or whatever else becomes of the question. */
function serviceSaying(answer: Partial<ServiceAnswer> | Promise<never>) {
  const seen = { fields: [] as string[], isAborted: false }
  const service = {
    ask(fields: readonly string[]) {
      seen.fields = [...fields]
      const whole = answer instanceof Promise ? answer : Promise.resolve(answer)
      return {
        answer: whole.then((given) => ({ status: 200, fields: [], body: Buffer.alloc(0), ...given })),
        abort() {
          seen.isAborted = true
        },
      }
    },
  }
  return { seen, service }
}

/** What the service was told, as pairs. */
async function toldOf(question: LoginQuestion, own: Partial<ForwardOptions> = {}): Promise<string[]> {
  const { seen, service } = serviceSaying({})
  await forwardLogin({ ...options, ...own }, service, trusted).ask(question)
  return seen.fields.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${seen.fields[i + 1]}`] : []))
}

const ourWords = (forwardedFor: string, realIp: string | null, proto = 'http') => [
  'X-Forwarded-Method: PUT',
  `X-Forwarded-Proto: ${proto}`,
  'X-Forwarded-Host: gate:9998',
  'X-Forwarded-Uri: /api/manual?a=1',
  `X-Forwarded-For: ${forwardedFor}`,
  ...(realIp === null ? [] : [`X-Real-Ip: ${realIp}`]),
]

describe('the service is told', () => {
  test('the fields of the client but those of the connection, of the body, and of what was asked for', async () => {
    const fields = [
      ...['Host', 'gate:9998', 'Cookie', 'session=1', 'Connection', 'close, X-Own', 'X-Own', '1'],
      ...['Content-Type', 'application/json', 'Content-Length', '12', 'If-None-Match', '"a"'],
      ...['X-Forwarded-Uri', '/public', 'X_Forwarded_Method', 'GET', 'X-Original-URL', '/public'],
      ...['X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'https', 'Forwarded', 'for=127.0.0.1'],
    ]
    expect(await toldOf(questionWith(fields))).toEqual([
      'Cookie: session=1',
      ...ourWords('192.0.2.1', '192.0.2.1'),
    ])
  })

  test('of the client those alone that it is to be told', async () => {
    const fields = ['Cookie', 'a=1', 'User-Agent', 'x', 'Authorization', 'Bearer y']
    expect(await toldOf(questionWith(fields), { requestHeaders: ['cookie'] })).toEqual([
      'Cookie: a=1',
      ...ourWords('192.0.2.1', '192.0.2.1'),
    ])
  })

  test('what a proxy that is trusted says of the way to it', async () => {
    const fields = ['X-Forwarded-For', '6.6.6.6, 198.51.100.7, 10.0.0.9', 'X-Forwarded-Proto', 'https']
    expect(await toldOf(questionWith(fields, { peer: '10.0.0.1' }))).toEqual(
      ourWords('6.6.6.6, 198.51.100.7, 10.0.0.9, 10.0.0.1', '198.51.100.7', 'https'),
    )
    const unknown = ['X-Forwarded-For', 'unknown', 'X-Forwarded-Proto', 'javascript:']
    expect(await toldOf(questionWith(unknown, { peer: '10.0.0.1' }))).toEqual(
      ourWords('unknown, 10.0.0.1', null),
    )
  })
})

const answered = async (answer: Partial<ServiceAnswer> | Promise<never>) => {
  const { service } = serviceSaying(answer)
  const given = await forwardLogin(options, service, trusted).ask(questionWith([]))
  return given.isAllowed ? given : { ...given, body: String(given.body) }
}

describe('of its answer', () => {
  test('2xx lets the request pass, with the fields that were asked for and do not frame a body', async () => {
    const fields = ['Set-Cookie', 'a=1', 'X-User', 'ann', 'Content-Length', '5', 'set-cookie', 'b=2']
    expect(await answered({ status: 202, fields })).toEqual({
      isAllowed: true,
      fields: ['Set-Cookie', 'a=1', 'set-cookie', 'b=2'],
    })
  })

  test('3xx and 4xx are the answer, without what is of the connection', async () => {
    const fields = [
      'Location',
      'https://l/',
      'Set-Cookie',
      'a=1',
      'Transfer-Encoding',
      'chunked',
      'Bad',
      'a\nb',
    ]
    expect(await answered({ status: 302, fields, body: Buffer.from('x') })).toEqual({
      isAllowed: false,
      status: 302,
      fields: ['Location', 'https://l/', 'Set-Cookie', 'a=1'],
      body: 'x',
    })
  })

  test.each([
    [401, 'authorization failed\n'],
    [403, 'Forbidden\n'],
  ])('%i without a body gets our words', async (status, body) => {
    const fields = ['WWW-Authenticate', 'Bearer', 'Content-Type', 'text/html']
    expect(await answered({ status, fields })).toEqual({
      isAllowed: false,
      status,
      fields: ['WWW-Authenticate', 'Bearer', 'Content-Type', 'text/plain; charset=utf-8'],
      body,
    })
  })

  test('none in time, or one that says nothing, lets nobody pass', async () => {
    await expect(answered(Promise.reject(new Error('no answer within 1000 ms')))).rejects.toThrow('no answer')
  })
})

test('a client that goes takes its question with it', async () => {
  const { seen, service } = serviceSaying(new Promise<never>(() => {}))
  const client = new AbortController()
  void forwardLogin(options, service, trusted).ask(questionWith([], { signal: client.signal }))
  expect(seen.isAborted).toBe(false)
  client.abort()
  expect(seen.isAborted).toBe(true)
})
