import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import bcrypt from 'bcryptjs'
import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pagesOnGateway } from './on-gateway.ts'

const start = pagesOnGateway()

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-login-'))
  await writeFile(join(folder, 'staff'), `ann:${bcrypt.hashSync('read', 4)}\n`)
  await writeFile(join(folder, 'ops'), `bob:${bcrypt.hashSync('write', 4)}\n`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const flags = (auth: string): string[] => [
  '-proxy.auth',
  `name=staff;type=basic;file=${folder}/staff;realm=Gatehouse,name=ops;type=basic;file=${folder}/ops;realm=Gatehouse`,
  '-ui.auth',
  auth,
]

test('with ui.auth the page and its API ask for a login; a reader sees and does not save, a writer saves', async () => {
  const { open, gateway, expectComplaint } = await start(flags('read=staff;write=ops'))
  const stranger = await request(`${gateway.adminUrl}/routes`)
  expect([stranger.statusCode, stranger.headers['www-authenticate']]).toEqual([
    401,
    'Basic realm="Gatehouse", charset="UTF-8"',
  ])
  await stranger.body.dump()

  expectComplaint(/status of 401/)
  const reading = await open('manual', { httpCredentials: { username: 'ann', password: 'read' } })
  await reading.getByText('Live', { exact: true }).waitFor()
  const save = async (page: typeof reading): Promise<void> => {
    await page.getByRole('textbox', { name: /^Route commands/ }).fill('route add a a.com/ http://10.0.0.1:1/')
    await page.getByRole('button', { name: 'Review and save' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  }
  await save(reading)
  await reading.getByText('Not saved: this needs another login').waitFor()

  const writing = await open('manual', { httpCredentials: { username: 'bob', password: 'write' } })
  await save(writing)
  await writing.getByText('Saved', { exact: true }).waitFor()
  expect(gateway.gateway.control.table().routes.map(({ host }) => host)).toEqual(['a.com'])
})

/**
 * A single sign-on as oauth2-proxy is one: who has no cookie of it is sent to its page, and back with one. Readers may
 * not PUT; it renews its cookie with each answer.
 */
async function startSignOn() {
  const state = { isOpen: true, asked: [] as string[] }
  const server = createServer((request, response) => {
    const told = (name: string) => String(request.headers[`x-forwarded-${name}`])
    if (request.url?.startsWith('/verify')) {
      state.asked.push(`${told('method')} ${told('uri')}`)
      const [, user] = /session=(\w+)/.exec(request.headers.cookie ?? '') ?? []
      const back = `${told('proto')}://${told('host')}${told('uri')}`
      const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}/login?back=${encodeURIComponent(back)}`
      if (!state.isOpen || user === undefined) return void response.writeHead(302, { location: page }).end()
      const mayNot = user === 'reader' && told('method') === 'PUT'
      return void response
        .writeHead(mayNot ? 403 : 204, { 'set-cookie': 'renewed=1; HttpOnly; Path=/' })
        .end()
    }
    if (request.url?.startsWith('/login')) {
      const back = new URL(request.url, 'http://login/').searchParams.get('back')!
      response.setHeader('content-type', 'text/html')
      const link = (user: string) =>
        `<a href="/enter?user=${user}&back=${encodeURIComponent(back)}">${user}</a>`
      return void response.end(`<h1>Who are you?</h1>${link('reader')} ${link('writer')}`)
    }
    if (!request.url?.startsWith('/enter')) return void response.writeHead(404).end()
    const { searchParams } = new URL(request.url, 'http://login/')
    response.setHeader('set-cookie', `session=${searchParams.get('user')}; HttpOnly; SameSite=Lax; Path=/`)
    response.writeHead(303, { location: searchParams.get('back')! }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    state,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
    flags: [
      '-proxy.auth',
      `name=sso;type=forward;url=http://127.0.0.1:${port}/verify;responseheaders=Set-Cookie;timeout=2s`,
      '-ui.auth',
      'sso',
    ],
  }
}

test('with a scheme of the type forward one logs in at its page, comes back, and is told when that is over', async () => {
  const signOn = await startSignOn()
  const { open, expectComplaint, ending, gateway } = await start(signOn.flags)
  ending(signOn.close)
  // That of the sign-on is the other origin.
  expectComplaint(/asked for .*\/(login|enter|favicon)|status of (401|403|404)/)

  const page = await open('manual?key=')
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
  await page.getByRole('link', { name: 'reader' }).click()
  await page.getByText('Live', { exact: true }).waitFor()
  expect(page.url()).toBe(`${gateway.adminUrl}/manual?key=`)
  expect((await page.context().cookies()).map(({ name }) => name).toSorted()).toEqual(['renewed', 'session'])

  const save = async (): Promise<void> => {
    await page.getByRole('textbox', { name: /^Route commands/ }).fill('route add a a.com/ http://10.0.0.1:1/')
    await page.getByRole('button', { name: 'Review and save' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  }
  await save()
  await page.getByText('Not saved: Forbidden').waitFor()
  expect(gateway.gateway.control.table().routes).toEqual([])

  // The session ends while the page is open, and so does its stream of events.
  signOn.state.isOpen = false
  await page.getByRole('button', { name: 'Review and save' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByText('Not saved: this needs another login').waitFor()
  const elsewhere = await page.context().newPage()
  await elsewhere.goto(`${gateway.adminUrl}/routes`)
  await elsewhere.getByRole('heading', { name: 'Who are you?' }).waitFor()
  signOn.state.isOpen = true
  await elsewhere.getByRole('link', { name: 'writer' }).click()
  await elsewhere.getByText('Live', { exact: true }).waitFor()
  // What was written was not lost meanwhile.
  await page.getByRole('button', { name: 'Review and save' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).waitFor()
  expect(gateway.gateway.control.table().routes.map(({ host }) => host)).toEqual(['a.com'])
  expect(signOn.state.asked).toContain('PUT /api/manual')
})

test('a service that does not answer lets nobody in', async () => {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const scheme = `name=sso;type=forward;url=http://127.0.0.1:${port}/;timeout=100ms`
  const { gateway, ending } = await start(['-proxy.auth', scheme, '-ui.auth', 'sso'])
  ending(() => silent.closeAllConnections())
  ending(() => silent.close())
  for (const path of ['/routes', '/api/table', '/api/events', '/metrics', '/nothing']) {
    const answer = await request(gateway.adminUrl + path)
    expect([path, answer.statusCode, await answer.body.text()]).toEqual([
      path,
      503,
      `the login cannot be checked: sso: http://127.0.0.1:${port}/: no answer within 100 ms\n`,
    ])
  }
  const health = await request(`${gateway.adminUrl}/health`)
  expect(await health.body.text()).toBe('OK\n')
})

test('with ui.path every page is below it', async () => {
  const { open, gateway, register } = await start(['-ui.path', '/ops/gate'])
  await register('shop-1', ['urlprefix-shop.com/'])
  const page = await open('ops/gate')
  await page.getByText('shop.com').first().waitFor()
  for (const [title, path] of [
    ['Overrides', 'manual'],
    ['Traffic', 'traffic'],
    ['Explain', 'explain'],
  ] as const) {
    await page.locator('nav').getByRole('link', { name: title }).first().click()
    await page.getByRole('heading', { level: 1, name: title }).waitFor()
    expect(page.url()).toBe(`${gateway.adminUrl}/ops/gate/${path}`)
  }
  await page.reload()
  await page.getByRole('link', { name: 'http://shop.com/' }).click()
  await page.getByText('One instance of shop answers').last().waitFor()
})
