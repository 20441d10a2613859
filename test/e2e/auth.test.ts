import { createHash } from 'node:crypto'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { request } from 'undici'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { BasicOptions } from '../../src/auth/basic.ts'
import type { ForwardOptions } from '../../src/auth/forward.ts'
import type { JwtOptions } from '../../src/auth/jwt.ts'
import { type Origin, startOrigin, startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { createIssuer, type Issuer, keySetText } from '../support/tokens.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'

// Who may use a route, on real sockets.

let folder: string
let web: Origin
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-e2e-auth-'))
})
afterAll(() => rm(folder, { recursive: true }))

const cleanups: (() => unknown)[] = []
beforeEach(async () => {
  web = await startOrigin((_message, response) => response.end('in'))
  cleanups.push(() => web.close())
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(route: string, auth: Parameters<typeof startTraffic>[1] = {}) {
  const traffic = await startTraffic(
    [
      serviceRoutes('guarded', definition('guarded', route, web.url)),
      ...(route.startsWith('/ ') ? [] : [serviceRoutes('wide', definition('wide', '/', web.url))]),
    ],
    auth,
  )
  cleanups.push(() => traffic.close())
  return traffic
}

async function get(url: string, headers: Record<string, string | string[]> = {}) {
  const { statusCode, headers: fields, body } = await request(url, { headers })
  return { status: statusCode, headers: fields, body: await body.text() }
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

describe('access rules', () => {
  test('let in who they allow, and tell everybody else no more than that', async () => {
    const { url } = await start('/admin allow=ip:127.0.0.1')
    expect(await get(`${url}/admin/x`)).toMatchObject({ status: 200, body: 'in' })
    const refused = await get(`${url}/admin/x`, { 'X-Forwarded-For': '8.8.8.8' })
    expect(refused).toMatchObject({
      status: 403,
      body: 'access denied\n',
      headers: {
        'x-gatehouse-error': 'GW_FORBIDDEN',
        'content-type': 'text/plain; charset=utf-8',
        'x-content-type-options': 'nosniff',
      },
    })
    expect(web.received).toHaveLength(1)
  })

  test.each(['/admin/', '/x/../admin', '/%61dmin', '//admin', '/a/%2e%2e/admin'])(
    'hold for %s, however the path is spelled',
    async (path) => {
      const { port } = await start('/admin deny=ip:127.0.0.0/8')
      const client = new RawClient(port)
      cleanups.push(() => client.close())
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 403 /)
      expect(web.received).toHaveLength(0)
    },
  )

  test('hold for each line of X-Forwarded-For, and the client cannot have the field taken out', async () => {
    const { port } = await start('/admin allow=ip:127.0.0.1')
    const client = new RawClient(port)
    cleanups.push(() => client.close())
    client.send(
      'GET /admin HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 8.8.8.8\r\nConnection: close, X-Forwarded-For\r\n\r\n',
    )
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 403 /)
  })

  test.each(['allow=ip:127/8', 'deny=nonsense', 'allow=ip:127.0.0.1 deny=ip:8.8.8.8', 'auth='])(
    'or others that are wrong close the route, and no wider one answers: %s',
    async (options) => {
      const { url } = await start(`/admin ${options}`)
      expect(await get(`${url}/admin`)).toMatchObject({
        status: 403,
        headers: { 'x-gatehouse-error': 'GW_FORBIDDEN' },
      })
      expect((await get(`${url}/other`)).status).toBe(200)
      expect(web.received).toHaveLength(1)
    },
  )

  test('come before a redirect', async () => {
    const { url } = await start('/old redirect=301,https://new.test$path deny=ip:127.0.0.1')
    expect((await get(`${url}/old`)).status).toBe(403)
  })
})

describe('auth of the type basic', () => {
  let count = 0
  async function schemeWith(users: string, more: Partial<BasicOptions> = {}): Promise<BasicOptions> {
    const file = join(folder, `users-${count++}`)
    await writeFile(file, users)
    return { type: 'basic', name: 'staff', file, realm: 'staff', refresh: 0, ...more }
  }

  const salted = createHash('sha1').update('secret').update('salt').digest()
  test.each([
    ['apr1', '$apr1$OGFKiHT8$KTMN7bvZxBFuZNPKsO0Iq.'],
    ['MD5-crypt', '$1$OGFKiHT8$hhwqnZltH0jwwOcuzdqji1'],
    ['SHA', `{SHA}${createHash('sha1').update('secret').digest('base64')}`],
    ['SSHA', `{SSHA}${Buffer.concat([salted, Buffer.from('salt')]).toString('base64')}`],
    ['bcrypt', hashSync('secret', 4)],
    ['SHA-256-crypt', '$5$rounds=1000$OGFKiHT8$.3OPWRZUojOcWDmd9YW1cSgZciBmWgyWKNaLxl9FIbD'],
    [
      'SHA-512-crypt',
      '$6$rounds=1000$OGFKiHT8$1cmksCZWuQaFvBXSiXn671J5EYEX72TsmJxkFO/lFseOTJb3LnpD28Zu5c5IzFJYeXbZwteD3q13uhJj6Zm91/',
    ],
    ['plain', 'secret'],
  ])('lets in by a password kept as %s, again and again, and nobody with another', async (_kind, hash) => {
    const { url } = await start('/admin auth=staff', { auth: [await schemeWith(`joe:${hash}\n`)] })
    for (let i = 0; i < 3; i++) {
      expect((await get(`${url}/admin`, { Authorization: basic('joe', 'secret') })).status).toBe(200)
      expect((await get(`${url}/admin`, { Authorization: basic('joe', 'wrong') })).status).toBe(401)
    }
    // It goes upstream as well.
    expect(web.received[0]!.headers.authorization).toBe(basic('joe', 'secret'))
    expect(web.received).toHaveLength(3)
  })

  test('asks for credentials whether there were none or wrong ones', async () => {
    const { url } = await start('/admin auth=staff', {
      auth: [await schemeWith('joe:secret', { realm: 'Who "are" you' })],
    })
    for (const headers of [{}, { Authorization: basic('joe', 'x') }, { Authorization: 'Bearer x' }]) {
      expect(await get(`${url}/admin`, headers as Record<string, string>)).toMatchObject({
        status: 401,
        body: 'authorization failed\n',
        headers: {
          'www-authenticate': 'Basic realm="Who \\"are\\" you", charset="UTF-8"',
          'x-gatehouse-error': 'GW_UNAUTHORIZED',
        },
      })
    }
    expect(web.received).toHaveLength(0)
  })

  test('believes none of two Authorization lines', async () => {
    const { port } = await start('/admin auth=staff', { auth: [await schemeWith('joe:secret')] })
    const client = new RawClient(port)
    cleanups.push(() => client.close())
    const line = `Authorization: ${basic('joe', 'secret')}\r\n`
    client.send(
      `GET /admin HTTP/1.1\r\nHost: a\r\n${line}Authorization: Bearer x\r\nConnection: close\r\n\r\n`,
    )
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 401 /)
  })

  test('keeps the body of a request whose password is being hashed', async () => {
    await web.close()
    web = await startOrigin((message, response) => message.pipe(response))
    cleanups.push(() => web.close())
    const { url } = await start('/admin auth=staff', {
      auth: [await schemeWith(`joe:${hashSync('secret', 8)}`)],
    })
    const body = 'x'.repeat(300_000)
    const answer = await request(`${url}/admin`, {
      method: 'POST',
      body,
      headers: { Authorization: basic('joe', 'secret') },
    })
    expect(await answer.body.text()).toBe(body)
  })

  test('keeps no other request waiting while it hashes', async () => {
    const { url } = await start('/admin auth=staff', {
      auth: [await schemeWith(`joe:${hashSync('secret', 12)}`)],
    })
    let isHashing = true
    const login = get(`${url}/admin`, { Authorization: basic('joe', 'secret') }).finally(() => {
      isHashing = false
    })
    let meanwhile = 0
    while (isHashing) {
      await get(url)
      if (isHashing) meanwhile++
    }
    expect((await login).status).toBe(200)
    // 2^12 rounds are more than 200 ms of work.
    expect(meanwhile).toBeGreaterThan(10)
  })

  test('sees a file that changed', async () => {
    const scheme = await schemeWith('joe:secret', { refresh: 1_000 })
    const { url, log } = await start('/admin auth=staff', { auth: [scheme] })
    expect((await get(`${url}/admin`, { Authorization: basic('joe', 'secret') })).status).toBe(200)
    await writeFile(scheme.file, 'eva:secret')
    await utimes(scheme.file, 1, 1)
    await waitFor(() => log.of('file-read').length === 1, { what: 'the file to be read again' })
    expect((await get(`${url}/admin`, { Authorization: basic('joe', 'secret') })).status).toBe(401)
    expect((await get(`${url}/admin`, { Authorization: basic('eva', 'secret') })).status).toBe(200)
  })

  test('comes after the access rules', async () => {
    const { url } = await start('/admin auth=staff allow=ip:10.0.0.0/8', {
      auth: [await schemeWith('joe:secret')],
    })
    expect((await get(`${url}/admin`)).status).toBe(403)
  })

  test('guards a redirect', async () => {
    const { url } = await start('/old redirect=301,https://new.test$path auth=staff', {
      auth: [await schemeWith('joe:secret')],
    })
    expect((await get(`${url}/old`)).status).toBe(401)
    const answer = await get(`${url}/old`, { Authorization: basic('joe', 'secret') })
    expect([answer.status, answer.headers.location]).toEqual([301, 'https://new.test/old'])
  })

  test('with a scheme that nobody has set up lets nobody pass', async () => {
    const { url } = await start('/admin auth=staff')
    expect((await get(`${url}/admin`)).status).toBe(403)
    expect(web.received).toHaveLength(0)
  })
})

describe('a websocket', () => {
  test('is opened for those who may use the route, and for nobody else', async () => {
    const origin = await startRawOrigin((socket) => {
      socket.once('data', () =>
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello',
        ),
      )
    })
    cleanups.push(() => origin.close())
    const file = join(folder, 'sockets')
    await writeFile(file, `joe:${hashSync('secret', 4)}`)
    const traffic = await startTraffic([serviceRoutes('ws', definition('ws', '/ auth=staff', origin.url))], {
      auth: [{ type: 'basic', name: 'staff', file, realm: 'staff', refresh: 0 }],
    })
    cleanups.push(() => traffic.close())
    const ask = (more: string): RawClient => {
      const client = new RawClient(traffic.port)
      cleanups.push(() => client.close())
      return client.send(
        `GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${more}\r\n`,
      )
    }
    expect(await ask('').until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 401 /)
    expect(origin.sockets).toHaveLength(0)
    const open = await ask(`Authorization: ${basic('joe', 'secret')}\r\n`).until('hello')
    expect(open).toMatch(/^HTTP\/1\.1 101 /)
  })
})

describe('auth of the type forward', () => {
  // An answer of 200 lets the request pass at once; nobody waited for its end any more. A service whose bodies do not
  // end had all 256 connections soon, and then nobody passed.
  test('takes no connection for longer than the time-out, when the body of an answer does not end', async () => {
    const sso = await startOrigin((_message, response) => {
      response.writeHead(200, { 'Content-Length': '10' }).write('x')
    })
    cleanups.push(() => sso.close())
    const { url } = await start('/ auth=sso', { auth: [forwardTo(sso.url, { timeout: 200 })] })
    expect(await get(url)).toMatchObject({ status: 200, body: 'in' })
    const { socket } = sso.received[0]!
    await waitFor(() => socket.destroyed, { what: 'the end of the connection' })
    expect(await get(url)).toMatchObject({ status: 200, body: 'in' })
  })

  async function service(
    answer: (message: IncomingMessage, response: ServerResponse) => void,
  ): Promise<Origin> {
    const started = await startOrigin(answer)
    cleanups.push(() => started.close())
    return started
  }
  const forwardTo = (url: string, more: Partial<ForwardOptions> = {}): ForwardOptions => ({
    ...{ type: 'forward', name: 'sso', url, timeout: 2_000, tlsSkipVerify: false },
    ...{ requestHeaders: null, upstreamHeaders: [], responseHeaders: [] },
    ...more,
  })

  test('asks with the fields of the request and with the request as routing sees it', async () => {
    const sso = await service((_message, response) => response.end())
    const { port } = await start('/admin auth=sso', { auth: [forwardTo(`${sso.url}verify?a=b`)] })
    const client = new RawClient(port)
    cleanups.push(() => client.close())
    client.send(
      [
        'POST /public/../admin/%61?x=1 HTTP/1.1',
        'Host: Shop.test:8080',
        'Cookie: session=1',
        'Authorization: Bearer t',
        'X-Forwarded-For: 1.2.3.4',
        // What a client says of itself must not decide what it is judged by.
        'X-Forwarded-Host: evil.test',
        'X-Forwarded-Uri: /public',
        'X_Forwarded_Uri: /public',
        'X-Forwarded-Method: GET',
        'X-Original-URL: https://evil.test/public',
        'X_Original_URI: /public',
        'X-Rewrite-Url: /public',
        'X-Real-Ip: 1.2.3.4',
        'Forwarded: for=1.2.3.4',
        'If-None-Match: "x"',
        'Accept-Encoding: gzip',
        'Content-Length: 4',
        'Connection: close',
        '',
        'body',
      ].join('\r\n'),
    )
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 /)
    const { method, url: path, headers } = sso.received[0]!
    expect([method, path]).toEqual(['GET', '/verify?a=b'])
    expect(headers).toEqual({
      host: new URL(sso.url).host,
      connection: 'keep-alive',
      cookie: 'session=1',
      authorization: 'Bearer t',
      'x-forwarded-for': '1.2.3.4, 127.0.0.1',
      'x-forwarded-host': 'Shop.test:8080',
      'x-forwarded-method': 'POST',
      'x-forwarded-proto': 'http',
      'x-forwarded-uri': '/admin/a?x=1',
      'x-real-ip': '127.0.0.1',
    })
    // The instance gets the request as the client sent it.
    expect(web.received[0]!.url).toBe('/public/../admin/%61?x=1')
  })

  test('sends only the fields that are named', async () => {
    const sso = await service((_message, response) => response.end())
    const { url } = await start('/ auth=sso', {
      auth: [forwardTo(sso.url, { requestHeaders: ['Cookie', 'X-Team'] })],
    })
    await get(url, { Cookie: 'a=1', 'X-Team': 'blue', Authorization: 'secret', 'X-Other': '1' })
    const { cookie, authorization, ...more } = sso.received[0]!.headers
    expect([cookie, authorization, more['x-team'], more['x-other']]).toEqual([
      'a=1',
      undefined,
      'blue',
      undefined,
    ])
  })

  test('says upstream what the service says, and never what the client says in its place', async () => {
    const sso = await service((message, response) => {
      if (message.headers.cookie !== undefined) response.setHeader('X-User', 'joe')
      response.setHeader('Set-Cookie', ['session=2', 'seen=1'])
      response.setHeader('X-Other', 'x')
      response.end('a body that nobody gets')
    })
    const { url } = await start('/ auth=sso', {
      auth: [forwardTo(sso.url, { upstreamHeaders: ['X-User'], responseHeaders: ['Set-Cookie'] })],
    })
    const answer = await get(url, { Cookie: 'session=1', 'X-User': 'root', x_user: 'root' })
    expect([answer.status, answer.body, answer.headers['set-cookie']]).toEqual([
      200,
      'in',
      ['session=2', 'seen=1'],
    ])
    expect(web.received[0]!.headers['x-user']).toBe('joe')
    expect(web.received[0]!.headers.x_user).toBeUndefined()
    expect(web.received[0]!.headers['x-other']).toBeUndefined()
    // The service says nothing of a user: neither does the client.
    await get(url, { 'X-User': 'root', Connection: 'keep-alive, X-User' })
    expect(web.received[1]!.headers['x-user']).toBeUndefined()
  })

  test.each([301, 302, 303, 307, 401, 403, 404, 429])('passes a %d on to the client', async (status) => {
    const sso = await service((_message, response) => {
      response.writeHead(status, {
        Location: 'https://login.test/',
        'WWW-Authenticate': 'Bearer',
        'Set-Cookie': ['a=1', 'b=2'],
        'Content-Type': 'text/plain; charset=iso-8859-1',
      })
      response.end(Buffer.from([0x67, 0xe9]))
    })
    const { url } = await start('/ auth=sso', { auth: [forwardTo(sso.url)] })
    const { statusCode, headers, body } = await request(url)
    expect([statusCode, headers.location, headers['www-authenticate'], headers['set-cookie']]).toEqual([
      status,
      'https://login.test/',
      'Bearer',
      ['a=1', 'b=2'],
    ])
    expect(headers['content-type']).toBe('text/plain; charset=iso-8859-1')
    expect(Buffer.from(await body.arrayBuffer())).toEqual(Buffer.from([0x67, 0xe9]))
    expect(web.received).toHaveLength(0)
  })

  test('explains a refusal without a body', async () => {
    const sso = await service((_message, response) =>
      response.writeHead(401, { 'WWW-Authenticate': 'X' }).end(),
    )
    const { url } = await start('/ auth=sso', { auth: [forwardTo(sso.url)] })
    expect(await get(url)).toMatchObject({
      status: 401,
      body: 'authorization failed\n',
      headers: { 'www-authenticate': 'X', 'x-gatehouse-error': 'GW_UNAUTHORIZED' },
    })
  })

  const closed = { status: 503, headers: { 'x-gatehouse-error': 'GW_GUARD_FAILED' } }

  test.each([500, 502, 503])('lets nobody pass when the service answers %d', async (status) => {
    const sso = await service((_message, response) => response.writeHead(status).end('secret details'))
    const { url } = await start('/ auth=sso', { auth: [forwardTo(sso.url)] })
    const answer = await get(url)
    expect(answer).toMatchObject(closed)
    expect(answer.body).not.toContain('secret')
    expect(web.received).toHaveLength(0)
  })

  test('lets nobody pass when there is no service, and says so once', async () => {
    const sso = await service((_message, response) => response.end())
    await sso.close()
    const { url, log } = await start('/ auth=sso', { auth: [forwardTo(sso.url)] })
    expect(await get(url)).toMatchObject(closed)
    expect(await get(url)).toMatchObject(closed)
    expect(log.of('service-lost')).toEqual([
      expect.stringMatching(/^error auth service-lost: sso: http:\/\/127\.0\.0\.1:\d+\/: .*ECONNREFUSED/),
    ])
  })

  test('lets nobody pass when the service takes too long, before its head or within its body', async () => {
    for (const partial of ['', 'HTTP/1.1 401 No\r\nContent-Length: 10\r\n\r\nabc']) {
      const sso = await startRawOrigin((socket) => {
        socket.on('data', () => socket.write(partial))
      })
      cleanups.push(() => sso.close())
      const { url } = await start('/ auth=sso', { auth: [forwardTo(sso.url, { timeout: 100 })] })
      expect(await get(url)).toMatchObject(closed)
    }
    expect(web.received).toHaveLength(0)
  })

  test('lets nobody pass for an answer that is none, or too long to be kept', async () => {
    for (const text of ['nonsense\r\n\r\n', `HTTP/1.1 403 No\r\n\r\n${'x'.repeat(300_000)}`]) {
      const sso = await startRawOrigin((socket) => {
        socket.on('data', () => socket.end(text))
      })
      cleanups.push(() => sso.close())
      const { url } = await start('/ auth=sso', { auth: [forwardTo(sso.url)] })
      expect(await get(url)).toMatchObject(closed)
    }
  })

  test('asks no longer for a client that is gone', async () => {
    let isOver = false
    const sso = await service((message) => {
      message.socket.on('close', () => {
        isOver = true
      })
    })
    const { port, log } = await start('/ auth=sso', { auth: [forwardTo(sso.url, { timeout: 60_000 })] })
    const client = new RawClient(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await waitFor(() => sso.received.length === 1, { what: 'the service to be asked' })
    client.close()
    await waitFor(() => isOver, { what: 'the question to be withdrawn' })
    expect(web.received).toHaveLength(0)
    // A client that leaves says nothing about the service.
    expect(log.of('service-lost')).toEqual([])
  })

  test('an explanation does not ask, and says that it did not', async () => {
    const sso = await service((_message, response) => response.end())
    const { traffic } = await start('/admin auth=sso', { auth: [forwardTo(sso.url)] })
    const explained = traffic.explain({
      ...{ method: 'GET', host: 'a', target: '/admin', fields: [], secure: false },
      remoteAddress: '127.0.0.1',
    })
    expect(explained.targets.map(({ asked, request: sent }) => [asked, sent?.target])).toEqual([
      [['auth sso'], '/admin'],
    ])
    expect(sso.received).toHaveLength(0)
  })
})

describe('a route whose instances are busy', () => {
  // Places are few with maxconn=1: who may not use the route must not take one, nor one in the queue.
  let release: () => void
  let held: Promise<void>
  beforeEach(async () => {
    held = new Promise((resolve) => {
      release = resolve
    })
    await web.close()
    web = await startOrigin((message, response) => {
      if (message.url === '/admin/slow') void held.then(() => response.end('slow'))
      else response.end('in')
    })
    cleanups.push(() => web.close())
  })
  const joe = { Authorization: basic('joe', 'secret') }

  test('refuses those who may not use it at once, and its queue is for the others', async () => {
    const file = join(folder, 'few')
    await writeFile(file, `joe:${hashSync('secret', 4)}`)
    const scheme: BasicOptions = { type: 'basic', name: 'staff', file, realm: 'staff', refresh: 0 }
    const { url } = await start('/admin auth=staff maxconn=1 maxqueue=1', { auth: [scheme] })
    const slow = get(`${url}/admin/slow`, joe)
    await waitFor(() => web.received.length === 1, { what: 'the slow request' })
    const strangers = await Promise.all(Array.from({ length: 10 }, () => get(`${url}/admin`)))
    expect(new Set(strangers.map(({ status }) => status))).toEqual(new Set([401]))
    let isServed = false
    const waiting = get(`${url}/admin`, joe).then((answer) => {
      isServed = true
      return answer
    })
    // The one place in the queue is taken once somebody else is told that it is.
    await waitFor(async () => (await get(`${url}/admin`, joe)).status === 503, { what: 'a full queue' })
    expect((await get(`${url}/admin`)).status).toBe(401)
    expect([isServed, web.received.length]).toEqual([false, 1])
    release()
    expect([await slow, await waiting].map(({ body }) => body)).toEqual(['slow', 'in'])
  })

  test('gives no place to a request about which somebody is still being asked', async () => {
    const sso = await startOrigin((message, response) => {
      if (message.headers['x-forwarded-uri'] === '/admin/asked') void held.then(() => response.end())
      else response.end()
    })
    cleanups.push(() => sso.close())
    const scheme: ForwardOptions = {
      ...{ type: 'forward', name: 'sso', url: sso.url, timeout: 10_000, tlsSkipVerify: false },
      ...{ requestHeaders: null, upstreamHeaders: [], responseHeaders: [] },
    }
    const { url } = await start('/admin auth=sso maxconn=1 maxqueue=1', { auth: [scheme] })
    const asked = get(`${url}/admin/asked`)
    await waitFor(() => sso.received.length === 1, { what: 'the question' })
    expect((await get(`${url}/admin`)).body).toBe('in')
    release()
    expect((await asked).body).toBe('in')
  })

  test('looks again when a guard has decided: the table may be another one by then', async () => {
    const other = await startOrigin((_message, response) => response.end('other'))
    cleanups.push(() => other.close())
    const sso = await startOrigin((_message, response) => void held.then(() => response.end()))
    cleanups.push(() => sso.close())
    const scheme: ForwardOptions = {
      ...{ type: 'forward', name: 'sso', url: sso.url, timeout: 10_000, tlsSkipVerify: false },
      ...{ requestHeaders: null, upstreamHeaders: [], responseHeaders: [] },
    }
    const { url, traffic } = await start('/admin auth=sso', { auth: [scheme] })
    const answer = get(`${url}/admin`)
    await waitFor(() => sso.received.length === 1, { what: 'the question' })
    traffic.apply([serviceRoutes('guarded', definition('guarded', '/admin auth=sso', other.url))])
    release()
    expect((await answer).body).toBe('other')
    expect(web.received).toHaveLength(0)
    // The new route's guard has been asked as well.
    expect(sso.received).toHaveLength(2)
  })

  test('does not serve a request that another guard has let pass', async () => {
    const sso = await startOrigin((_message, response) => void held.then(() => response.end()))
    cleanups.push(() => sso.close())
    const scheme: ForwardOptions = {
      ...{ type: 'forward', name: 'sso', url: sso.url, timeout: 10_000, tlsSkipVerify: false },
      ...{ requestHeaders: null, upstreamHeaders: [], responseHeaders: [] },
    }
    const { url, traffic } = await start('/admin auth=sso', { auth: [scheme] })
    const answer = get(`${url}/admin`)
    await waitFor(() => sso.received.length === 1, { what: 'the question' })
    traffic.apply([
      serviceRoutes('guarded', definition('guarded', '/admin auth=sso deny=ip:127.0.0.1', web.url)),
    ])
    release()
    expect((await answer).status).toBe(403)
    expect(web.received).toHaveLength(0)
  })
})

describe('auth of the type jwt', () => {
  let issuer: Issuer
  let keys: Origin
  let keySet: string
  beforeEach(async () => {
    issuer = await createIssuer()
    keySet = keySetText(issuer)
    keys = await startOrigin((_message, response) => response.end(keySet))
    cleanups.push(() => keys.close())
  })
  const jwtBy = (more: Partial<JwtOptions> = {}): JwtOptions => ({
    ...{ type: 'jwt', name: 'api', url: keys.url, file: '', refresh: 300_000, timeout: 2_000 },
    ...{ issuer: 'https://id.test', audience: ['shop'], algorithms: ['ES256'], leeway: 0 },
    ...{ header: 'Authorization', cookie: '', claims: [] },
    ...more,
  })
  const ours = { iss: 'https://id.test', aud: 'shop', sub: 'joe' }

  test('lets in who has a good token, whose claims go upstream', async () => {
    const { url } = await start('/ auth=api', {
      auth: [jwtBy({ claims: [{ claim: 'sub', header: 'X-User' }] })],
    })
    const token = await issuer.sign(ours)
    for (let i = 0; i < 3; i++) {
      const answer = await get(url, { Authorization: `Bearer ${token}`, 'X-User': 'root', X_User: 'root' })
      expect(answer.status).toBe(200)
      expect(web.received[i]!.headers['x-user']).toBe('joe')
      expect(web.received[i]!.headers.x_user).toBeUndefined()
      expect(web.received[i]!.headers.authorization).toBe(`Bearer ${token}`)
    }
    expect(keys.received).toHaveLength(1)
  })

  test('asks for a token, and says what is wrong with one', async () => {
    const { url } = await start('/ auth=api', { auth: [jwtBy()] })
    expect(await get(url)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="api"', 'x-gatehouse-error': 'GW_UNAUTHORIZED' },
    })
    const old = await issuer.sign(ours, { expiresIn: -10 })
    expect(await get(url, { Authorization: `Bearer ${old}` })).toMatchObject({
      status: 401,
      headers: {
        'www-authenticate':
          'Bearer realm="api", error="invalid_token", error_description="the token has expired"',
      },
    })
    expect(web.received).toHaveLength(0)
  })

  test('takes the token from another field, or from a cookie', async () => {
    const token = await issuer.sign(ours)
    const { url } = await start('/ auth=api', { auth: [jwtBy({ header: 'X-Token', cookie: 'session' })] })
    expect((await get(url, { 'X-Token': token })).status).toBe(200)
    expect((await get(url, { Cookie: `a=b; session=${token}` })).status).toBe(200)
    expect((await get(url, { Cookie: `session=x; session=${token}` })).status).toBe(401)
    expect((await get(url, { Authorization: `Bearer ${token}` })).status).toBe(401)
  })

  test('asks for the keys again when a token names one that it does not know, but not all the time', async () => {
    const { url } = await start('/ auth=api', { auth: [jwtBy()] })
    expect((await get(url, { Authorization: `Bearer ${await issuer.sign(ours)}` })).status).toBe(200)
    const next = await createIssuer('key-2')
    keySet = keySetText(issuer, next)
    // The keys were read a moment ago; ten seconds later they would be read again.
    const refused = await Promise.all(
      Array.from({ length: 10 }, async () => get(url, { Authorization: `Bearer ${await next.sign(ours)}` })),
    )
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([401]))
    expect(keys.received).toHaveLength(1)
  })

  test('lets nobody pass while there are no keys', async () => {
    await keys.close()
    const { url, log } = await start('/ auth=api', { auth: [jwtBy()] })
    const answer = await get(url, { Authorization: `Bearer ${await issuer.sign(ours)}` })
    expect(answer).toMatchObject({ status: 503, headers: { 'x-gatehouse-error': 'GW_GUARD_FAILED' } })
    expect(log.of('keys-lost')).toHaveLength(1)
  })

  test('takes no keys from an answer that is none', async () => {
    for (const text of ['nonsense', '{"keys":[]}', `{"keys":[],"x":"${'x'.repeat(1024 * 1024)}"}`]) {
      keySet = text
      const { url } = await start('/ auth=api', { auth: [jwtBy()] })
      const answer = await get(url, { Authorization: `Bearer ${await issuer.sign(ours)}` })
      expect(answer.status).toBe(503)
    }
  })
})

// Guards are passed before a place is taken, and then it may be gone. Where another instance with other guards had room
// the answer was 503, with nobody busy but one.
describe('a route whose instances have different guards', () => {
  /** Answers its questions when it is told to; the instance hears the name of who has let it pass. */
  async function startSso(name: string) {
    const open: ServerResponse[] = []
    const origin = await startOrigin((message, response) => {
      if (message.headers['x-forwarded-uri']?.includes('asked')) open.push(response)
      else answer(response)
    })
    cleanups.push(() => origin.close())
    const answer = (response: ServerResponse): void => {
      response.setHeader(`X-${name}`, 'passed')
      response.end()
    }
    const scheme: ForwardOptions = {
      ...{ type: 'forward', name, url: origin.url, timeout: 10_000, tlsSkipVerify: false },
      ...{ requestHeaders: null, upstreamHeaders: [`X-${name}`], responseHeaders: [] },
    }
    const release = (): void => {
      for (const response of open.splice(0)) answer(response)
    }
    return { origin, scheme, open, release }
  }

  /** Holds what is slow, and tells who has let the others pass. */
  async function startInstance(name: string) {
    const held: ServerResponse[] = []
    const origin = await startOrigin((message, response) => {
      if (message.url!.includes('slow')) held.push(response)
      else response.end(`${name}${message.headers['x-a'] ? ' a' : ''}${message.headers['x-b'] ? ' b' : ''}`)
    })
    cleanups.push(() => origin.close())
    const release = (): void => {
      for (const response of held.splice(0)) response.end('slow')
    }
    return { origin, held, release }
  }

  async function startBoth(more: string) {
    const [a, b] = [await startSso('a'), await startSso('b')]
    const [one, two] = [await startInstance('one'), await startInstance('two')]
    const traffic = await startTraffic(
      [
        serviceRoutes('one', definition('one', `/admin auth=a ${more}`, one.origin.url)),
        serviceRoutes('two', definition('two', `/admin auth=b ${more}`, two.origin.url)),
      ],
      { auth: [a.scheme, b.scheme] },
    )
    cleanups.push(() => traffic.close())
    return { a, b, one, two, traffic, ask: (path: string) => get(`${traffic.url}/admin/${path}`) }
  }

  test('asks those of the one that has room, and keeps nothing of what the others have said', async () => {
    const { a, b, one, two, ask } = await startBoth('maxconn=1')
    const asked = ask('asked')
    await waitFor(() => a.open.length + b.open.length === 1, { what: 'the first question' })
    const [first, full, free] = a.open.length === 1 ? [a, one, two] : [b, two, one]
    // By turns: the next goes to the other one, and the one after it takes the place that the first one is to have.
    await ask('next')
    const slow = ask('slow')
    await waitFor(() => full.held.length === 1, { what: 'the slow request' })
    first.release()
    const second = first === a ? b : a
    await waitFor(() => second.open.length === 1, { what: 'the second question' })
    second.release()
    expect(await asked).toMatchObject({ status: 200, body: free === two ? 'two b' : 'one a' })
    full.release()
    expect((await slow).status).toBe(200)
  })

  test('waits where all are full, and is asked about for the one that gets room first', async () => {
    const { one, two, traffic, ask } = await startBoth('maxconn=1')
    const slow = [ask('slow/1'), ask('slow/2')]
    await waitFor(() => one.held.length + two.held.length === 2, { what: 'both to be full' })
    const waits = [ask('x'), ask('y')]
    await waitFor(async () => (await traffic.traffic.metrics()).counts.waiting === 2, { what: 'two to wait' })
    two.release()
    expect((await Promise.all(waits)).map(({ status, body }) => [status, body])).toEqual([
      [200, 'two b'],
      [200, 'two b'],
    ])
    one.release()
    await Promise.all(slow)
  })

  test('is tried again at an instance with the same guards, as long as there is one', async () => {
    const [a, b] = [await startSso('a'), await startSso('b')]
    const [one, two] = [await startInstance('one'), await startInstance('two')]
    const nowhere = 'http://127.0.0.1:9/'
    const traffic = await startTraffic(
      [
        serviceRoutes(
          'one',
          definition('one', '/admin auth=a', nowhere),
          definition('one', '/admin auth=a', one.origin.url),
        ),
        serviceRoutes('two', definition('two', '/admin auth=b', two.origin.url)),
      ],
      { auth: [a.scheme, b.scheme], ejection: null },
    )
    cleanups.push(() => traffic.close())
    const bodies: string[] = []
    for (let n = 0; n < 30; n++) bodies.push((await get(`${traffic.url}/admin/x`)).body)
    expect(bodies.filter((body) => body === 'one a')).toHaveLength(20)
    expect(bodies.filter((body) => body === 'two b')).toHaveLength(10)
  })
})
