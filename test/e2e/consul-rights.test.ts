import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doctor } from '../../src/cli/doctor.ts'
import { runCommand } from '../support/command.ts'
import { type ConsulAgent, startConsul } from '../support/consul.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'

const page = await readFile(fileURLToPath(new URL('../../docs/consul.md', import.meta.url)), 'utf8')

/** The rules of the page, each with its name and text: `node_prefix ""` and its line. */
const rules = new Map(
  /^```hcl policy\n(.*?)^```/ms
    .exec(page)![1]!
    .trim()
    .split('\n')
    .map((line) => [/^(.*?)\s*\{/.exec(line)![1]!, line]),
)
const root = 'root-token'
let consul: ConsulAgent
let origin: Origin

beforeAll(async () => {
  const acl = `acl { enabled = true default_policy = "deny" tokens { master = "${root}" agent = "${root}" } }`
  consul = await startConsul({ args: ['-hcl', acl], token: root })
  origin = await startOrigin((_message, response) => response.end('served'))
  await put('/v1/agent/service/register', {
    ...{ ID: 'web-1', Name: 'web', Address: '127.0.0.1', Port: origin.port, Tags: ['urlprefix-/web'] },
    Check: { TTL: '600s', Status: 'passing' },
  })
  await put('/v1/kv/fabio/config/team-a', `route add old /old ${origin.url}/`)
  await put('/v1/kv/fabio/noroute.html', '<p>nothing here</p>')
}, 60_000)

afterAll(async () => {
  await origin?.close()
  await consul?.stop()
})

async function put(path: string, body: unknown): Promise<unknown> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const answer = await fetch(consul.url + path, {
    method: 'PUT',
    body: text,
    headers: { 'x-consul-token': root },
  })
  const said = await answer.text()
  expect([path, answer.status, said]).toEqual([path, 200, expect.anything()])
  return said === '' ? null : JSON.parse(said)
}

let policies = 0

/** The secret of a token with the rules of the page but those that are named. */
async function tokenWithout(...missing: readonly string[]): Promise<string> {
  for (const name of missing) expect([...rules.keys()]).toContain(name)
  const kept = [...rules].flatMap(([name, line]) => (missing.includes(name) ? [] : [line]))
  return (await policyAndToken(kept)).secret
}

async function policyAndToken(
  lines: readonly string[],
): Promise<{ ID: string; Name: string; secret: string }> {
  const Name = `gateway-${policies++}`
  const { ID } = (await put('/v1/acl/policy', { Name, Rules: lines.join('\n') })) as { ID: string }
  const made = await put('/v1/acl/token', { Policies: [{ Name }] })
  return { ID, Name, secret: (made as { SecretID: string }).SecretID }
}

const flagsOf = (token: string): string[] => ['-registry.consul.token', token, '-log.level', 'INFO']

async function withToken(token: string, look: (gateway: TestGateway) => Promise<void>): Promise<string> {
  const gateway = await startTestGateway(consul.url, flagsOf(token))
  try {
    await look(gateway)
  } finally {
    await gateway.stop()
  }
  return gateway.log.join('')
}

const statusOf = async ({ url }: TestGateway, path: string): Promise<number> =>
  (await fetch(url + path)).status

describe('a token with the policy of docs/consul.md', () => {
  test('has the tags and the overrides served, the page shown, and the gateway registered and taken out', async () => {
    const log = await withToken(await tokenWithout(), async (gateway) => {
      expect([await statusOf(gateway, '/web'), await statusOf(gateway, '/old')]).toEqual([200, 200])
      expect(await (await fetch(`${gateway.url}/none`)).text()).toContain('nothing here')
      await waitFor(() => gateway.log.join('').includes('(registered)'), { what: 'the registration' })
      const { code, output } = await runCommand(doctor, [
        ...['-registry.consul.addr', consul.url, '-ui.addr', new URL(gateway.adminUrl).host],
        ...flagsOf(await tokenWithout()),
      ])
      expect([code, output]).toEqual([0, expect.stringContaining('2 services are routed')])
    })
    expect(log).toContain('(deregistered)')
    expect(log).not.toMatch(/\[(?:WARN|ERROR)\]/)
  })

  test('cannot save overrides, and is told which right it lacks', async () => {
    await withToken(await tokenWithout(), async (gateway) => {
      const answer = await fetch(`${gateway.adminUrl}/api/manual/team-b`, {
        method: 'PUT',
        body: JSON.stringify({ value: 'route del web', version: '0' }),
        headers: { 'content-type': 'application/json' },
      })
      expect(answer.status).toBeGreaterThanOrEqual(500)
      expect(await answer.text()).toContain('the token needs key:write')
    })
  })

  test('has no rule too many: without agent:read it does not start', async () => {
    const token = await tokenWithout('agent_prefix ""')
    await expect(
      startTestGateway(consul.url, [...flagsOf(token), '-registry.timeout', '600ms']),
    ).rejects.toThrow('Permission denied; the token needs agent:read')
  })

  test('without service:read nothing is seen, and the log and the doctor say so', async () => {
    const token = await tokenWithout('service_prefix ""', 'service "fabio"')
    const log = await withToken(token, async (gateway) => {
      expect(await statusOf(gateway, '/web')).toBe(404)
      await expectDoctorToSay(gateway, token, 'Consul lists no service at all')
    })
    expect(log).toContain(
      'lists no service at all; where it has ACLs, that is how a token without service:read',
    )
  })

  // fabio's users meet this one most: the service is listed, its instances are not, and nothing says why.
  test('without node:read no instance is seen, and the log and the doctor say so', async () => {
    const token = await tokenWithout('node_prefix ""')
    const log = await withToken(token, async (gateway) => {
      expect(await statusOf(gateway, '/web')).toBe(404)
      await expectDoctorToSay(gateway, token, 'Consul names it and lists no instance of it')
    })
    expect(log).toContain('names the service "web" and lists no instance of it')
    expect(log).toContain('a token without node:read')
  })

  test('without key:read there are no overrides, which Consul does not tell from there being none', async () => {
    await withToken(await tokenWithout('key_prefix "fabio/"'), async (gateway) => {
      expect([await statusOf(gateway, '/web'), await statusOf(gateway, '/old')]).toEqual([200, 404])
    })
  })

  test('and when service:read is taken from it later, the log says so too', async () => {
    const { ID, Name, secret } = await policyAndToken([...rules.values()])
    await withToken(secret, async (gateway) => {
      expect(gateway.log.join('')).not.toContain('(hidden)')
      const Rules = [...rules].filter(([name]) => !name.startsWith('service')).map(([, line]) => line)
      await put(`/v1/acl/policy/${ID}`, { ID, Name, Rules: Rules.join('\n') })
      // A blocking query sees it when it wakes.
      await waitFor(
        async () => {
          await put('/v1/agent/service/register', { ID: `wake-${Date.now()}`, Name: `wake-${Date.now()}` })
          return gateway.log.join('').includes('lists no service at all')
        },
        { what: 'the line in the log', deadline: 20_000 },
      )
      // Consul 1.8 does not say that it left something out, and its leader says the same.
      await waitFor(async () => (await statusOf(gateway, '/web')) === 404, {
        what: 'the routes to go',
        deadline: 20_000,
      })
      expect(gateway.log.join('')).toContain('(loss-held)')
    })
  })

  test('without service:write the gateway serves, and is not registered', async () => {
    const log = await withToken(await tokenWithout('service "fabio"'), async (gateway) => {
      expect(await statusOf(gateway, '/web')).toBe(200)
      await waitFor(() => gateway.log.join('').includes('(register-failed)'), { what: 'the refusal' })
    })
    expect(log).toContain('Missing service:write on fabio')
    // It never was there, so there is nothing to say of its end: this was a warning once.
    expect(log).not.toContain('deregister')
  })
})

test('a token that Consul does not know is called so', async () => {
  const token = '11111111-2222-3333-4444-555555555555'
  await expect(
    startTestGateway(consul.url, [...flagsOf(token), '-registry.timeout', '600ms']),
  ).rejects.toThrow('it does not know the token of registry.consul.token')
})

test('no token at all is called so', async () => {
  await expect(startTestGateway(consul.url, ['-registry.timeout', '600ms'])).rejects.toThrow(
    'it needs a token with agent:read, and none was sent',
  )
})

async function expectDoctorToSay({ adminUrl }: TestGateway, token: string, words: string): Promise<void> {
  const flags = ['-registry.consul.addr', consul.url, '-ui.addr', new URL(adminUrl).host, ...flagsOf(token)]
  const { code, output } = await runCommand(doctor, flags)
  expect([code, output]).toEqual([1, expect.stringContaining(words)])
}
