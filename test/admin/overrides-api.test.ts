import { fileURLToPath } from 'node:url'
import { Client } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { mistakesIn } from '../../src/admin/dry-run.ts'
import type { AdminOverrides } from '../../src/admin/override-api.ts'
import { type AdminServer, type AdminSources, startAdmin } from '../../src/admin/server.ts'
import { systemClock } from '../../src/base/world.ts'

let admin: AdminServer | null = null
let client: Client | null = null
afterEach(async () => {
  await client?.close()
  await admin?.close()
  admin = null
})

/** Overrides in memory, each write with the next version. */
class Documents implements AdminOverrides {
  readonly documents = new Map<string, { value: string; version: bigint }>()
  broken = false
  #version = 0n

  async keys() {
    this.#check()
    return [...this.documents.keys()]
  }

  async read(key: string) {
    this.#check()
    return this.documents.get(key) ?? { value: '', version: 0n }
  }

  async write(key: string, value: string, version: bigint) {
    if ((await this.read(key)).version !== version) return false
    this.documents.set(key, { value, version: ++this.#version })
    return true
  }

  mistakes(key: string, text: string) {
    return mistakesIn(text, `kv${key}`)
  }

  dryRun(key: string, text: string) {
    return { mistakes: this.mistakes(key, text), added: [`${key} ${text}`], removed: [] }
  }

  #check() {
    if (this.broken) throw new Error('http://consul: refused')
  }
}

async function start(access: 'rw' | 'ro' = 'rw', overrides: AdminOverrides | null = new Documents()) {
  const assets = fileURLToPath(new URL('../../dist/ui', import.meta.url))
  const names = { title: '', color: '', version: '', path: '', access, assets }
  // Nothing else is asked for in these tests.
  const sources = { overrides, logins: { read: null, write: null } } as unknown as AdminSources
  admin = await startAdmin({ host: '127.0.0.1', port: 0, ...names }, sources, systemClock)
  // Sends paths as they are, where `request` would resolve their dot segments.
  const asking = new Client(`http://127.0.0.1:${admin.port}`)
  client = asking
  return async (
    method: string,
    path: string,
    body: string | null = null,
    headers: Record<string, string> = {},
  ): Promise<[status: number, text: string]> => {
    const answer = await asking.request({ path, method: method as 'GET', body, headers })
    return [answer.statusCode, await answer.body.text()]
  }
}

const body = (value: string, version: string | number = '0') => JSON.stringify({ value, version })
const line = 'route add a /a http://h/'

// fabio reference 9.2, 9.3.
describe('the overrides', () => {
  test('are empty at first, with version 0 as a text', async () => {
    const ask = await start()
    expect(await ask('GET', '/api/manual')).toEqual([200, '{"value":"","version":"0"}'])
    expect(await ask('GET', '/api/paths')).toEqual([200, 'null'])
  })

  test('are written, listed and read below any key', async () => {
    const ask = await start()
    for (const key of ['', '/team', '/team/a']) {
      expect(await ask('PUT', `/api/manual${key}`, body(line))).toEqual([200, ''])
    }
    expect(await ask('GET', '/api/paths')).toEqual([200, '["","/team","/team/a"]'])
    expect(await ask('GET', '/api/manual/team')).toEqual([200, `{"value":"${line}","version":"2"}`])
    expect(await ask('GET', '/api/paths?pretty')).toEqual([200, '[\n    "",\n    "/team",\n    "/team/a"\n]'])
  })

  // QUIRK-46
  test.each(['/api/manual/a%20b', '/api/manual/a%20b?pretty'])('%s is the key "/a b"', async (path) => {
    const documents = new Documents()
    const ask = await start('rw', documents)
    expect(await ask('PUT', path, body(line))).toEqual([200, ''])
    expect([...documents.documents.keys()]).toEqual(['/a b'])
  })

  test('are never overwritten without the version that is there', async () => {
    const ask = await start()
    expect(await ask('PUT', '/api/manual', body(line))).toEqual([200, ''])
    for (const version of ['0', '7', 0]) {
      expect(await ask('PUT', '/api/manual', body('', version))).toEqual([409, 'version mismatch\n'])
    }
    expect(await ask('GET', '/api/manual')).toEqual([200, `{"value":"${line}","version":"1"}`])
    expect(await ask('PUT', '/api/manual', body('', '1'))).toEqual([200, ''])
  })

  test.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain'])(
    'are read from a body that is called %s',
    async (type) => {
      const ask = await start()
      expect(await ask('PUT', '/api/manual', body(line), { 'content-type': type })).toEqual([200, ''])
    },
  )

  test.each([
    ['no JSON', 'x', 'body: expected JSON'],
    ['no value', '{}', "body must have required property 'value'"],
    ['a value that is no text', '{"value":1}', 'body/value must be string'],
    ['a version that is no number', body('', '-1'), 'body/version must be a number'],
    // Consul answered 500 to it, and so did we.
    [
      'a version that Consul cannot count to',
      body('', '18446744073709551616'),
      'body/version must be a number',
    ],
    ['nothing', null, 'body must be object'],
  ])('with %s are 400', async (_what, sent, words) => {
    const ask = await start()
    const [status, text] = await ask('PUT', '/api/manual', sent)
    expect([status, JSON.parse(text)]).toEqual([400, { error: expect.stringContaining(words) }])
  })

  test('with lines that are no commands are refused with those lines, unless that is wished for', async () => {
    const ask = await start()
    const text = `${line}\nroute ad\nroute add t :1 tcp://h:1`
    const [status, answer] = await ask('PUT', '/api/manual/x', body(text))
    expect([status, JSON.parse(answer)]).toEqual([
      400,
      {
        error: 'expected route commands, got a line that is none; nothing is saved',
        mistakes: [
          {
            line: 2,
            text: 'route ad',
            reason: expect.stringContaining('kv/x: line 2: syntax error'),
            refused: true,
          },
        ],
      },
    ])
    expect((await ask('GET', '/api/manual/x'))[1]).toContain('"version":"0"')
    expect(await ask('PUT', '/api/manual/x?force', body(text))).toEqual([200, ''])
  })

  test.each(['/%2e%2e/secret', '/a/%2e/b', '/a//b', '/a%2f..%2fb'])(
    'cannot be reached outside of their place by %s',
    async (key) => {
      const documents = new Documents()
      const ask = await start('rw', documents)
      expect((await ask('PUT', `/api/manual${key}`, body(line)))[0]).toBe(400)
      expect((await ask('GET', `/api/manual${key}`))[0]).toBe(400)
      expect(documents.documents.size).toBe(0)
    },
  )

  test('are 500 with the words of the registry where it does not answer', async () => {
    const documents = new Documents()
    documents.broken = true
    const ask = await start('rw', documents)
    for (const [method, path, sent] of [
      ['GET', '/api/manual', null],
      ['GET', '/api/paths', null],
      ['PUT', '/api/manual', body(line)],
    ] as const) {
      expect(await ask(method, path, sent)).toEqual([500, 'http://consul: refused\n'])
    }
  })

  // fabio reference 5.
  test('of a registry that keeps none are empty, and cannot be written', async () => {
    const ask = await start('rw', null)
    expect(await ask('GET', '/api/manual/x')).toEqual([200, '{"value":"","version":"0"}'])
    expect(await ask('GET', '/api/paths')).toEqual([200, 'null'])
    expect((await ask('PUT', '/api/manual', body(line)))[0]).toBe(409)
    expect((await ask('POST', '/api/manual/check', body(line)))[0]).toBe(409)
  })

  test.each([
    ['DELETE', '/api/manual'],
    ['POST', '/api/manual/x'],
    ['PUT', '/api/paths'],
    ['POST', '/api/paths'],
  ])('%s %s is not allowed', async (method, path) => {
    const ask = await start()
    expect(await ask(method, path, method === 'DELETE' ? null : '{}')).toEqual([405, 'not allowed\n'])
  })
})

describe('the dry run', () => {
  test('answers what saving would do, and saves nothing', async () => {
    const documents = new Documents()
    const ask = await start('rw', documents)
    const [status, text] = await ask('POST', '/api/manual/check', '{"value":"route","path":"/x"}')
    expect([status, JSON.parse(text)]).toEqual([
      200,
      {
        mistakes: [{ line: 1, text: 'route', reason: expect.any(String), refused: true }],
        added: ['/x route'],
        removed: [],
      },
    ])
    expect(documents.documents.size).toBe(0)
  })

  test.each(['x', '/../x', '/a//b'])('of the key %s is 400', async (path) => {
    const ask = await start()
    expect((await ask('POST', '/api/manual/check', JSON.stringify({ value: '', path })))[0]).toBe(400)
  })
})

describe('with ui.access = ro', () => {
  test.each([
    ['GET', '/api/manual'],
    ['GET', '/api/manual/x'],
    ['PUT', '/api/manual'],
    ['DELETE', '/api/manual'],
    ['GET', '/api/paths'],
    ['POST', '/api/paths'],
    ['POST', '/api/manual/check'],
    ['GET', '/manual'],
    ['GET', '/manual/x'],
  ])('%s %s is forbidden', async (method, path) => {
    const ask = await start('ro')
    const sent = method === 'PUT' || method === 'POST' ? body(line) : null
    expect(await ask(method, path, sent)).toEqual([403, 'Forbidden\n'])
  })
})

describe('a write that a page of another site has the browser send', () => {
  test.each([
    [{ origin: 'http://evil.example' }],
    [{ origin: 'null' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://gate:9998', host: 'gate:9998' }],
  ])('%j is refused, and nothing is changed', async (headers) => {
    const documents = new Documents()
    const ask = await start('rw', documents)
    for (const [method, path] of [
      ['PUT', '/api/manual'],
      ['POST', '/api/manual/check'],
    ] as const) {
      expect((await ask(method, path, body(line), headers))[0]).toBe(403)
    }
    expect(documents.documents.size).toBe(0)
  })

  test.each([
    [{}],
    [{ 'content-type': 'text/plain' }],
    [{ 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }],
    [{ 'sec-fetch-site': 'none', 'content-type': 'application/json; charset=utf-8' }],
    [{ origin: 'http://gate:9998', host: 'gate:9998', 'content-type': 'application/json' }],
  ])('%j is none, and is taken', async (headers) => {
    const ask = await start()
    expect(await ask('PUT', '/api/manual', body(line), headers)).toEqual([200, ''])
  })

  test.each([
    [{ 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' }],
    [{ 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain; application/json' }],
    [{ origin: 'http://gate:9998', host: 'gate:9998', 'content-type': 'application/x-www-form-urlencoded' }],
  ])('%j may be a form, and is refused', async (headers) => {
    const documents = new Documents()
    const ask = await start('rw', documents)
    expect((await ask('PUT', '/api/manual', body(line), headers))[0]).toBe(415)
    expect(documents.documents.size).toBe(0)
  })
})
