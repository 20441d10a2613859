import { mkdtemp, rm, writeFile } from 'node:fs/promises'
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
