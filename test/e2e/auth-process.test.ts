import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { request } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ExplanationView, ProblemsView } from '../../src/admin/view.ts'
import { freePort, type Running, startGatehouse } from '../support/gatehouse-process.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'

// proxy.auth as its users run it: the built program, one process and two.

let folder: string
let web: Origin
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-auth-process-'))
  web = await startOrigin((_message, response) => response.end('in'))
})
afterAll(async () => {
  await web.close()
  await rm(folder, { recursive: true })
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(workers: number, auth: string, opts: string) {
  const [proxy, admin] = [await freePort(), await freePort()]
  const gateway: Running = startGatehouse([
    ...['-registry.backend', 'static', '-proxy.workers', String(workers)],
    ...[
      '-registry.static.routes',
      `route add web / ${web.url}\nroute add web /admin ${web.url} opts "${opts}"`,
    ],
    ...['-proxy.addr', `127.0.0.1:${proxy}`, '-ui.addr', `127.0.0.1:${admin}`, '-proxy.auth', auth],
  ])
  cleanups.push(() => gateway.kill())
  const url = `http://127.0.0.1:${proxy}`
  const isUp = async (): Promise<boolean> => (await statusOf(url).catch(() => 0)) === 200
  await waitFor(isUp, { what: `the gateway; it said: ${gateway.complaints()}`, deadline: 15_000 })
  return { gateway, url, adminUrl: `http://127.0.0.1:${admin}` }
}

/** Over a connection of its own, so that any of the processes may get it. */
async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  const { statusCode, body } = await request(url, { headers, reset: true })
  await body.dump()
  return statusCode
}

const joe = { Authorization: `Basic ${Buffer.from('joe:secret').toString('base64')}` }

describe('proxy.auth', () => {
  test.each([1, 2])(
    'guards in each of %d processes, and a file that changed counts in all of them',
    async (workers) => {
      const file = join(folder, `users-${workers}`)
      await writeFile(file, `joe:${hashSync('secret', 4)}\n`)
      const { gateway, url } = await start(
        workers,
        `name=staff;type=basic;file=${file};refresh=1s`,
        'auth=staff',
      )
      const ask = () => Promise.all(Array.from({ length: 20 }, () => statusOf(`${url}/admin`, joe)))
      expect(new Set(await ask())).toEqual(new Set([200]))
      expect(await statusOf(`${url}/admin`)).toBe(401)

      await writeFile(`${file}.new`, `joe:${hashSync('other', 4)}\n`)
      await rename(`${file}.new`, file)
      await waitFor(async () => (await ask()).every((status) => status === 401), {
        what: 'every process to have read it again',
        deadline: 10_000,
      })
      const said = `staff: read ${file} again: 1 users (file-read)`
      await waitFor(() => gateway.complaints().includes(said), { what: `the log to say ${said}` })
    },
  )

  test('with a scheme that is not there closes the route, and everybody who looks sees why', async () => {
    const { url, adminUrl } = await start(1, '', 'auth=stuff')
    expect([await statusOf(`${url}/admin`, joe), await statusOf(url)]).toEqual([403, 200])
    const problems = (await (await request(`${adminUrl}/api/problems`)).body.json()) as ProblemsView
    const reason =
      'option "auth": expected the name of a scheme of proxy.auth, which has none, got "stuff"; the route is closed'
    expect(problems.rejected.map((problem) => problem.reason)).toEqual([expect.stringContaining(reason)])
    const explained = (await (
      await request(`${adminUrl}/api/explain?url=/admin`)
    ).body.json()) as ExplanationView
    expect([explained.answer?.status, explained.targets.map((target) => target.why)]).toEqual([403, [reason]])
  })

  test('is asked by nobody who only explains', async () => {
    const file = join(folder, 'users')
    await writeFile(file, 'joe:secret')
    const { adminUrl } = await start(1, `name=staff;type=basic;file=${file}`, 'auth=staff')
    const explained = (await (
      await request(`${adminUrl}/api/explain?url=/admin`)
    ).body.json()) as ExplanationView
    expect([explained.answer, explained.targets.map(({ asked }) => asked)]).toEqual([null, [['auth staff']]])
    const cli = startGatehouse(['explain', '/admin', '-ui.addr', new URL(adminUrl).host])
    expect(await cli.exit()).toBe(0)
    expect(cli.output()).toContain('asked first, and not by this command\n  auth staff\n')
  })

  test('whose files cannot be read ends the start with a sentence for each', async () => {
    const gateway = startGatehouse([
      ...['-registry.backend', 'static', '-proxy.addr', '127.0.0.1:0', '-ui.addr', '127.0.0.1:0'],
      ...['-proxy.auth', `name=a;type=basic;file=${folder}/none,name=b;type=jwt;file=${folder}/no;issuer=x`],
    ])
    cleanups.push(() => gateway.kill())
    expect(await gateway.exit()).toBe(1)
    expect(gateway.complaints()).toContain(
      'proxy.auth: a: file: expected an htpasswd file that can be read, got ENOENT',
    )
    expect(gateway.complaints()).toContain('proxy.auth: b: file: expected a file with a JWK set, got ENOENT')
  })
})
