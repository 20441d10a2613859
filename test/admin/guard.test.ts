import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import type { Login, LoginQuestion, Logins } from '../../src/admin/login.ts'
import { type AdminServer, type AdminSources, startAdmin } from '../../src/admin/server.ts'
import { systemClock } from '../../src/base/world.ts'

let admin: AdminServer | null = null
afterEach(async () => {
  await admin?.close()
  admin = null
})

/** Lets in who sends its name as the whole Authorization. */
const login = (name: string): Login => ({
  ask({ fields }) {
    const at = fields.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === 'authorization')
    if (fields[at + 1] === name) return { isAllowed: true, fields: [] }
    const challenge = ['WWW-Authenticate', `Basic realm="${name}"`]
    return { isAllowed: false, status: 401, fields: challenge, body: Buffer.from('no') }
  },
})
const [reader, writer] = [login('reader'), login('writer')]

async function start(logins: Logins, path = '') {
  const saved: string[] = []
  const sources = {
    logins,
    isHealthy: () => true,
    problems: () => ({ rejected: [], unrouted: [] }),
    overrides: {
      keys: async () => [],
      read: async () => ({ value: '', version: 0n }),
      write: async (_key: string, value: string) => saved.push(value) > 0,
      mistakes: () => [],
      dryRun: () => ({ mistakes: [], added: [], removed: [] }),
    },
  } as unknown as AdminSources
  const assets = fileURLToPath(new URL('../../dist/ui', import.meta.url))
  const names = { title: '', color: '', version: '', access: 'rw', path, assets } as const
  admin = await startAdmin({ host: '127.0.0.1', port: 0, ...names }, sources, systemClock)
  const url = `http://127.0.0.1:${admin.port}`
  return {
    saved,
    async ask(call: string, authorization = ''): Promise<readonly [number, string | undefined]> {
      const [method, target] = call.split(' ') as ['GET' | 'PUT' | 'POST', string]
      const answer = await request(url + target, {
        method,
        body: method === 'GET' ? null : '{"value":"","version":"0"}',
        headers: authorization === '' ? {} : { authorization },
      })
      await answer.body.dump()
      return [answer.statusCode, answer.headers['www-authenticate'] as string | undefined]
    },
  }
}

const reading = [
  'GET /api/problems',
  'GET /routes',
  'GET /api/manual',
  'GET /api/paths',
  'GET /unknown',
  'GET /api/none',
  'POST /api/manual/check',
]
const writing = ['PUT /api/manual', 'PUT /api/manual/team-a', 'POST /api/manual', 'POST /unknown']
const closed = (name: string) => [401, `Basic realm="${name}"`]

describe('without ui.auth', () => {
  test('nobody is asked', async () => {
    const { ask } = await start({ read: null, write: null })
    for (const call of [...reading, ...writing]) expect((await ask(call))[0], call).not.toBe(401)
  })
})

describe('with a login for reading and one for writing', () => {
  test('who has none sees nothing, not even what there is, and health stays open', async () => {
    const { ask } = await start({ read: reader, write: writer })
    for (const call of reading) expect([call, ...(await ask(call))]).toEqual([call, ...closed('reader')])
    for (const call of writing) expect([call, ...(await ask(call))]).toEqual([call, ...closed('writer')])
    expect(await ask('GET /health')).toEqual([200, undefined])
  })

  test('a reader reads and does not write', async () => {
    const { ask, saved } = await start({ read: reader, write: writer })
    for (const call of reading) expect((await ask(call, 'reader'))[0], call).not.toBe(401)
    for (const call of writing)
      expect([call, ...(await ask(call, 'reader'))]).toEqual([call, ...closed('writer')])
    expect(saved).toEqual([])
  })

  test('a writer does both', async () => {
    const { ask, saved } = await start({ read: reader, write: writer })
    for (const call of [...reading, ...writing]) expect((await ask(call, 'writer'))[0], call).not.toBe(401)
    expect(saved).toEqual(['', ''])
  })

  test('below a path as well', async () => {
    const { ask } = await start({ read: reader, write: writer }, '/gate')
    expect(await ask('POST /gate/api/manual/check', 'reader')).toEqual([200, undefined])
    expect(await ask('PUT /gate/api/manual', 'reader')).toEqual(closed('writer'))
    // Outside of it there is nothing, which is nobody's business either.
    expect(await ask('POST /api/manual/check', 'reader')).toEqual(closed('writer'))
    expect(await ask('GET /health')).toEqual([200, undefined])
  })
})

test('with a login for writing alone, reading is open', async () => {
  const { ask } = await start({ read: null, write: writer })
  for (const call of reading) expect((await ask(call))[0], call).not.toBe(401)
  for (const call of writing) expect([call, ...(await ask(call))]).toEqual([call, ...closed('writer')])
})

test('with a login for reading alone, who may read may write', async () => {
  const { ask } = await start({ read: reader, write: null })
  expect(await ask('PUT /api/manual')).toEqual(closed('reader'))
  expect(await ask('PUT /api/manual', 'reader')).toEqual([200, undefined])
})

test.each([
  [
    'throws',
    (): never => {
      throw new Error('no thread')
    },
  ],
  ['rejects', () => Promise.reject(new Error('no thread'))],
])('nobody gets in where the check %s, but who satisfies another login', async (_, failing) => {
  const broken = { ask: failing }
  const { ask } = await start({ read: broken, write: writer })
  expect(await ask('GET /routes', 'reader')).toEqual([503, undefined])
  expect(await ask('GET /routes', 'writer')).not.toEqual([503, undefined])
  await admin?.close()
  const alone = await start({ read: broken, write: broken })
  expect(await alone.ask('PUT /api/manual', 'writer')).toEqual([503, undefined])
  expect(alone.saved).toEqual([])
})

/** Asks a gateway whose login does this, with these fields. */
async function askOnce(
  ask: Login['ask'],
  target: string,
  {
    method = 'GET',
    headers = {},
  }: { method?: 'GET' | 'HEAD' | 'PUT'; headers?: Record<string, string> } = {},
) {
  await start({ read: { ask }, write: null })
  const body = method === 'PUT' ? '{"value":"","version":"0"}' : null
  const answer = await request(`http://127.0.0.1:${admin!.port}${target}`, { method, body, headers })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

test('the answer of a login is passed on as it is, with what its page must not lack, and nothing of ours', async () => {
  const fields = ['Location', 'https://login.example/', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']
  const refusing = { isAllowed: false, status: 302, fields, body: Buffer.from('go on') } as const
  const { status, headers, text } = await askOnce(() => refusing, '/routes')
  expect([status, headers.location, headers['set-cookie'], text]).toEqual([
    302,
    'https://login.example/',
    ['a=1', 'b=2'],
    'go on',
  ])
  expect([headers['cache-control'], headers['x-frame-options']]).toEqual(['no-store', 'DENY'])
  expect(headers['content-security-policy']).toBeUndefined()
  await admin?.close()
  const head = await askOnce(() => refusing, '/routes', { method: 'HEAD' })
  expect([head.status, head.headers['content-length'], head.text]).toEqual([302, '5', ''])
})

test('a cookie that a login renews is set with the answer, also of the stream of events', async () => {
  const passing = { isAllowed: true, fields: ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'] } as const
  const { headers } = await askOnce(() => passing, '/api/problems')
  expect(headers['set-cookie']).toEqual(['a=1', 'b=2'])
})

test('a write with a cookie has to be JSON, whatever sends it: no form of another site can be', async () => {
  const passing = { isAllowed: true, fields: [] } as const
  const headers = { cookie: 'session=1', 'content-type': 'text/plain' }
  expect((await askOnce(() => passing, '/api/manual', { method: 'PUT', headers })).status).toBe(415)
  await admin?.close()
  const json = { cookie: 'session=1', 'content-type': 'application/json' }
  expect((await askOnce(() => passing, '/api/manual', { method: 'PUT', headers: json })).status).toBe(200)
  await admin?.close()
  const elsewhere = { ...json, origin: 'https://evil.example' }
  expect((await askOnce(() => passing, '/api/manual', { method: 'PUT', headers: elsewhere })).status).toBe(
    403,
  )
})

test('one login for both is asked once, about the path that is served; a path of two meanings is refused', async () => {
  const asked: LoginQuestion[] = []
  const refusing: Login = {
    ask(question) {
      asked.push(question)
      return { isAllowed: false, status: 403, fields: [], body: Buffer.alloc(0) }
    },
  }
  const { ask } = await start({ read: refusing, write: refusing })
  expect(await ask('GET /%61pi/problems?a=%61')).toEqual([403, undefined])
  expect(asked.map(({ method, target, peer }) => [method, target, peer])).toEqual([
    ['GET', '/api/problems?a=%61', '127.0.0.1'],
  ])
  expect(await ask('GET /api/manual/%2e%2e%2fproblems')).toEqual([400, undefined])
})
