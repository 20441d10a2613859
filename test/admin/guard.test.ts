import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import type { Login, Logins } from '../../src/admin/guard.ts'
import { type AdminServer, type AdminSources, startAdmin } from '../../src/admin/server.ts'
import { systemClock } from '../../src/base/world.ts'

let admin: AdminServer | null = null
afterEach(async () => {
  await admin?.close()
  admin = null
})

/** Lets in who sends its name as the whole Authorization. */
const login = (name: string): Login => ({
  challenge: `Basic realm="${name}"`,
  check: (authorization) => authorization === name,
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
    () => {
      throw new Error('no thread')
    },
  ],
  ['rejects', () => Promise.reject(new Error('no thread'))],
])('nobody gets in where the check %s', async (_, check) => {
  const { ask } = await start({ read: { challenge: 'Basic', check }, write: null })
  expect(await ask('GET /routes', 'reader')).toEqual([503, undefined])
})
