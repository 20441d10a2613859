import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Origin, startOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'
import { type CheckJson, passingTtl, type Subject } from './consul-api-client.ts'

/** What the suite of `consul-api.ts` holds of checks. */

export function ttlChecks(on: Subject): void {
  test('it is critical until somebody passes it, unless it began with another status', async () => {
    const { api } = on
    await api.register({ Name: 'begin', Checks: [{ CheckID: 'b1', TTL: '1h' }, passingTtl('b2')] })
    expect(await api.check('begin', 'b1')).toMatchObject({ Status: 'critical', Output: '' })
    expect(await api.check('begin', 'b2')).toMatchObject({ Status: 'passing', Output: '' })
  })

  const updates: [path: string, body: unknown, status: string, output: string][] = [
    ['/v1/agent/check/pass/upd?note=all%20well', undefined, 'passing', 'all well'],
    ['/v1/agent/check/warn/upd?note=slow', undefined, 'warning', 'slow'],
    ['/v1/agent/check/fail/upd?note=%3Cdown%3E', undefined, 'critical', '<down>'],
    ['/v1/agent/check/update/upd', { Status: 'passing', Output: 'up' }, 'passing', 'up'],
  ]
  test('it takes the status and the words that it is told', async () => {
    const { api } = on
    await api.register({ Name: 'upd', Check: { CheckID: 'upd', TTL: '1h' } })
    for (const [path, body, status, output] of updates) {
      await api.put(path, body)
      expect(await api.untilStatus('upd', 'upd', status)).toMatchObject({ Output: output })
      const own = (await api.get('/v1/agent/checks')).json<Record<string, unknown>>()
      expect(own.upd).toMatchObject({ Status: status, Output: output, ServiceID: 'upd', ServiceName: 'upd' })
    }
  })

  test('it expires, and says what it heard last', async () => {
    const { api } = on
    const Checks = [
      { CheckID: 'x1', TTL: '250ms', Status: 'passing' },
      { CheckID: 'x2', TTL: '250ms' },
    ]
    await api.register({ Name: 'expires', Checks })
    await api.put('/v1/agent/check/pass/x2?note=alive')
    expect((await api.untilStatus('expires', 'x1', 'critical')).Output).toBe('TTL expired')
    const last = await waitFor(
      async () => {
        const { Output } = await api.check('expires', 'x2')
        return Output.startsWith('TTL expired') ? Output : ''
      },
      { what: 'x2 to expire' },
    )
    expect(last).toBe('TTL expired (last output before timeout follows): alive')
  })

  test('it can be of the node, and then is in every entry', async () => {
    const { api } = on
    await api.register({ Name: 'with-node-check' })
    await api.put('/v1/agent/check/register', { Name: 'disk', Notes: 'of the node', TTL: '1h' })
    expect(
      await waitFor(() => api.check('with-node-check', 'disk').catch(() => null), { what: 'it' }),
    ).toMatchObject({
      Name: 'disk',
      Status: 'critical',
      Notes: 'of the node',
      ServiceID: '',
      ServiceName: '',
    })
    await api.put('/v1/agent/check/deregister/disk')
    const isGone = async (): Promise<boolean> =>
      (await api.entries('with-node-check'))[0]?.Checks.every(({ CheckID }) => CheckID !== 'disk') ?? false
    await waitFor(isGone, { what: 'it to be gone' })
  })

  test('it can be added to a service that is there already', async () => {
    const { api } = on
    await api.register({ Name: 'later' })
    await api.put('/v1/agent/check/register', {
      ID: 'late',
      Name: 'late',
      TTL: '1h',
      ServiceID: 'later',
      Status: 'warning',
    })
    expect(await waitFor(() => api.check('later', 'late').catch(() => null), { what: 'it' })).toMatchObject({
      Status: 'warning',
      ServiceID: 'later',
      ServiceName: 'later',
    })
  })

  const refused: [sentence: string, path: string, body: unknown][] = [
    ['a check without a name', '/v1/agent/check/register', {}],
    [
      'a check of a service that is not there',
      '/v1/agent/check/register',
      { Name: 'x', TTL: '1h', ServiceID: 'none' },
    ],
    ['a status that is none', '/v1/agent/check/register', { Name: 'x', TTL: '1h', Status: 'good' }],
    ['an update of a check that is not there', '/v1/agent/check/pass/none', undefined],
    ['an update to a status that is none', '/v1/agent/check/update/upd', { Status: 'good' }],
    ['an update that is not JSON', '/v1/agent/check/update/upd', 'x'],
  ]
  for (const [sentence, path, body] of refused) {
    test(`${sentence} is refused`, async () => {
      const { api } = on
      const answer = await api.send('PUT', path, body)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toBe('')
      expect((await api.get('/v1/agent/checks')).json()).not.toHaveProperty('x')
    })
  }
}

export function runningChecks(on: Subject): void {
  let web: Origin
  let closedPort: number
  const seen = { method: '', agent: '', extra: '', connection: '', body: '' }
  beforeAll(async () => {
    web = await startOrigin((request, response) => {
      if (request.url === '/hangs') return
      if (request.url === '/moved') {
        response.writeHead(302, { location: '/200' }).end()
        return
      }
      if (request.url === '/posted') {
        seen.method = request.method ?? ''
        seen.agent = request.headers['user-agent'] ?? ''
        seen.extra = String(request.headers['x-extra'])
        seen.connection = request.headers.connection ?? ''
        request.on('data', (chunk) => {
          seen.body += String(chunk)
        })
      }
      const status = Number(request.url?.slice(1)) || 200
      response.writeHead(status).end(`says <${status}>`)
    })
    const gone = await startOrigin(() => {})
    closedPort = gone.port
    await gone.close()
    const common = { Interval: '1s', Timeout: '300ms', Status: 'critical' }
    const http = (path: string): object => ({ ...common, HTTP: `http://127.0.0.1:${web.port}/${path}` })
    await on.api.register({
      Name: 'run',
      Checks: [
        { CheckID: 'run-200', ...http('200'), Notes: 'looks at it' },
        { CheckID: 'run-204', ...http('204') },
        { CheckID: 'run-429', ...http('429') },
        { CheckID: 'run-500', ...http('500'), Status: 'passing' },
        { CheckID: 'run-moved', ...http('moved') },
        { CheckID: 'run-hangs', ...http('hangs'), Status: 'passing' },
        { CheckID: 'run-refused', ...common, HTTP: `http://127.0.0.1:${closedPort}/`, Status: 'passing' },
        {
          CheckID: 'run-posted',
          ...http('posted'),
          Method: 'POST',
          Header: { 'X-Extra': ['yes'] },
          Body: 'ping',
        },
        { CheckID: 'run-tcp', ...common, TCP: `127.0.0.1:${web.port}`, TLSSkipVerify: true },
        { CheckID: 'run-tcp-refused', ...common, TCP: `127.0.0.1:${closedPort}`, Status: 'passing' },
        { CheckID: 'run-silent', ...http('500') },
      ],
    })
  })
  afterAll(async () => {
    await on.api.put('/v1/agent/service/deregister/run')
    await web.close()
  })

  const cases: [sentence: string, id: string, status: string, output: string][] = [
    ['200 is passing', 'run-200', 'passing', 'HTTP GET http://WEB/200: 200 OK Output: says <200>'],
    ['204 is passing', 'run-204', 'passing', 'HTTP GET http://WEB/204: 204 No Content Output: '],
    [
      '429 is a warning',
      'run-429',
      'warning',
      'HTTP GET http://WEB/429: 429 Too Many Requests Output: says <429>',
    ],
    [
      '500 is critical',
      'run-500',
      'critical',
      'HTTP GET http://WEB/500: 500 Internal Server Error Output: says <500>',
    ],
    [
      'a redirect is followed',
      'run-moved',
      'passing',
      'HTTP GET http://WEB/moved: 200 OK Output: says <200>',
    ],
    [
      'no answer in time is critical',
      'run-hangs',
      'critical',
      'Get "http://WEB/hangs": context deadline exceeded',
    ],
    ['nobody there is critical', 'run-refused', 'critical', 'dial tcp CLOSED: connect: connection refused'],
    ['a method is used', 'run-posted', 'passing', 'HTTP POST http://WEB/posted: 200 OK Output: says <200>'],
    ['a connection is enough for TCP', 'run-tcp', 'passing', 'TCP connect WEB: Success'],
    [
      'no connection is critical',
      'run-tcp-refused',
      'critical',
      'dial tcp CLOSED: connect: connection refused',
    ],
  ]
  for (const [sentence, id, status, output] of cases) {
    test(sentence, async () => {
      const expected = output
        .replace('WEB', `127.0.0.1:${web.port}`)
        .replace('CLOSED', `127.0.0.1:${closedPort}`)
      expect((await on.api.untilStatus('run', id, status)).Output).toContain(expected)
    })
  }

  test('method, headers and body are sent, and who asks, on a connection for this once', async () => {
    await on.api.untilStatus('run', 'run-posted', 'passing')
    expect(seen).toMatchObject({
      method: 'POST',
      agent: 'Consul Health Check',
      extra: 'yes',
      connection: 'close',
    })
    expect(seen.body).toContain('ping')
  })

  test('an output that comes without a change of status is the agent’s alone for a while', async () => {
    const { api } = on
    const own = async (): Promise<CheckJson | undefined> =>
      (await api.get('/v1/agent/checks')).json<Record<string, CheckJson>>()['run-silent']
    await waitFor(async () => (await own())?.Output.includes('500 Internal'), { what: 'its first run' })
    expect(await api.check('run', 'run-silent')).toMatchObject({ Status: 'critical', Output: '' })
  })
}
