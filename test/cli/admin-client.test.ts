import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { askAdmin, withoutCredentials } from '../../src/cli/admin-client.ts'

test.each([
  ['http://localhost:9998/api/table', 'http://localhost:9998/api/table', ''],
  ['http://ann:secret@localhost:9998/gate', 'http://localhost:9998/gate', 'ann:secret'],
  ['http://ann:p%40ss%3A@h/', 'http://h/', 'ann:p@ss:'],
  ['http://ann:50%@h/', 'http://h/', 'ann:50%'],
  ['http://ann@h/', 'http://h/', 'ann:'],
])('the credentials of %s go into a field and out of the URL', (given, url, pair) => {
  const found = withoutCredentials(given)
  expect(found.url).toBe(url)
  const [, token = ''] = found.authorization.split(' ')
  expect(Buffer.from(token, 'base64').toString()).toBe(pair)
})

test('a login that is missing or wrong is told as such, without the password', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/sso')
      return void response.writeHead(302, { location: 'https://login.example/' }).end()
    const isRight = request.headers.authorization === `Basic ${Buffer.from('ann:right').toString('base64')}`
    response.statusCode = isRight ? 200 : 401
    response.end(isRight ? '{"version":1}' : 'authorization failed\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    expect(await askAdmin(`http://ann:right@${host}`, '/api/table')).toEqual({ version: 1 })
    await expect(askAdmin(`http://${host}`, '/x')).rejects.toThrow(
      `http://${host}/x: expected a login that ui.auth lets read, got none`,
    )
    const wrong = await askAdmin(`http://ann:wrong@${host}`, '/x').catch((error: unknown) => String(error))
    expect(wrong).toContain(`http://${host}/x: expected a login that ui.auth lets read, got another one`)
    expect(wrong).not.toContain('wrong@')
    await expect(askAdmin(`http://${host}`, '/sso')).rejects.toThrow(
      `http://${host}/sso: expected the answer of a gateway, got 302 that leads to https://login.example/: ` +
        'ui.auth asks for a login in a browser',
    )
  } finally {
    server.close()
  }
})
