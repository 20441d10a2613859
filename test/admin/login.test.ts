import fc from 'fast-check'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canonicalTarget } from '../../src/admin/login.ts'

test.each([
  ['/api/manual', '/api/manual'],
  ['/%61pi/m%41nual?q=%61#x', '/api/mAnual?q=%61'],
  ['/api/manual#/../health', '/api/manual'],
  ['/a%2fb%20c', '/a%2Fb%20c'],
  ['/a"<b>%', '/a%22%3Cb%3E%25'],
  ['/a...b/.c', '/a...b/.c'],
])('%s is %s', (url, canonical) => {
  expect(canonicalTarget(url)).toBe(canonical)
})

test.each(['/a/../b', '/a/%2e%2E/b', '/a/.', '/a/..%2fb', '/a/..%5cb', '/a\\..\\b', 'http://a/b', '*'])(
  '%s is none',
  (url) => {
    expect(canonicalTarget(url)).toBeNull()
  },
)

let app: FastifyInstance
beforeAll(async () => {
  app = fastify()
  for (const path of ['/api/manual', '/api/manual/*', '/health', '/api/table']) {
    app.get(path, async (request) => [request.routeOptions.url, request.params])
  }
  app.setNotFoundHandler((_request, reply) => reply.send(['none']))
  await app.ready()
})
afterAll(() => app.close())

test('what a login is asked about is what is served, however the path is spelled', async () => {
  const spelled = (char: string) =>
    fc.constantFrom(char, `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
  const path = fc
    .constantFrom('/api/manual', '/api/manual/a b', '/health', '/api/table', '/api/manual/a/b')
    .chain((text) => fc.tuple(...[...text].map(spelled)))
    .map((chars) => `/${chars.slice(1).join('')}`)
  await fc.assert(
    fc.asyncProperty(path, async (url) => {
      const canonical = canonicalTarget(url)
      if (canonical === null) return
      const [asSent, asJudged] = [await app.inject(url), await app.inject(canonical)]
      expect(asSent.body).toBe(asJudged.body)
      // Once only: it says the same of itself.
      expect(canonicalTarget(canonical)).toBe(canonical)
    }),
  )
})
