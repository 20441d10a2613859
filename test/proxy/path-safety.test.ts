import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pathReadings } from '../../src/proxy/path-readings.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

/**
 * What servers make of a request's target, as far as it matters who may ask for it. Written for themselves, so that a
 * mistake in the gateway's own reading is not made here as well.
 */
const servers: Record<string, (target: string) => string> = {
  'Express: the path as it is': (target) => target.split('?')[0]!,
  'WHATWG URL': (target) => new URL(target, 'http://h').pathname,
  'WHATWG URL, then decoded': (target) => unescape(new URL(target, 'http://h').pathname),
  'WSGI: decoded, not resolved': (target) => unescape(target.split('?')[0]!),
  'nginx: decoded and resolved': (target) => resolve(unescape(target.split('?')[0]!)),
  'two of them, one behind the other': (target) => resolve(unescape(unescape(target.split('?')[0]!))),
  'Tomcat: without parameters, decoded, resolved': (target) =>
    resolve(unescape(target.split('?')[0]!.replace(/;[^/]*/g, '')).replaceAll('\\', '/')),
  'IIS: everything that can be decoded, \\ for /': (target) =>
    resolve(
      unescape(
        target
          .split('?')[0]!
          .replace(/%c0%(?:ae|2e)/gi, '.')
          .replace(/%c0%af|%e0%80%af/gi, '/')
          .replace(/%c1%9c/gi, '\\')
          .replace(/%u002f/gi, '/')
          .replace(/%u002e/gi, '.'),
      ).replaceAll('\\', '/'),
    ),
  'C: up to NUL': (target) => resolve(unescape(target.split('?')[0]!).split('\0')[0]!),
}

function resolve(path: string): string {
  const stack: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') stack.pop()
    else if (part !== '.' && part !== '') stack.push(part)
  }
  return `/${stack.join('/')}`
}

const isPrivate = (path: string): boolean => path === '/private' || path.startsWith('/private/')

let gateway: Awaited<ReturnType<typeof startTraffic>>
beforeAll(async () => {
  // One server with an open part, and two that not everybody may see.
  const url = 'http://127.0.0.1:9/'
  gateway = await startTraffic([
    serviceRoutes('web', definition('web', '/', url)),
    serviceRoutes('shop', definition('shop', '/shop', url)),
    serviceRoutes('private', definition('private', '/private matcher=segment allow=ip:10.0.0.0/8', url)),
    serviceRoutes('admin', definition('admin', '/shop/admin allow=ip:10.9.0.0/16', url)),
  ])
})
afterAll(() => gateway.close())

/** What the server is sent for somebody at this address; null: nothing, the gateway answers itself. */
function forwarded(target: string, remoteAddress = '192.0.2.7'): string | null {
  const request = { method: 'GET', host: 'a', target, secure: false, remoteAddress, fields: [] }
  const { targets } = gateway.traffic.explain(request)
  return targets[0]?.request?.target ?? null
}

const statusOf = (target: string): number | null =>
  gateway.traffic.explain({
    method: 'GET',
    host: 'a',
    target,
    secure: false,
    remoteAddress: '192.0.2.7',
    fields: [],
  }).answer?.status ?? null

const attacks = [
  '/private',
  '/private/',
  '/private?x',
  '//private',
  '/./private',
  '/x/../private',
  '/%70rivate',
  '/x/%2e%2e/private',
  '/x%2F..%2Fprivate',
  '/x/..%2fprivate',
  '/%2e%2e%2fprivate',
  '/..%5cprivate',
  '/x\\..\\private',
  '/x/..\\private',
  '/%252e%252e/private',
  '/x/%252e%252e%252fprivate',
  '/x/%25252e%25252e%25252fprivate',
  '/x/..;/private',
  '/x/..;a=b/private',
  '/;/private',
  '/private;a=b/x',
  '/private;',
  '/private%3Ba',
  '/x/%2e%2e;/private',
  '/x/..%3b/private',
  '/private%00',
  '/private%00.html',
  '/x/%c0%ae%c0%ae/private',
  '/x/..%c0%afprivate',
  '/x%c1%9c..%c1%9cprivate',
  '/%e0%80%afprivate',
  '/x/%u002e%u002e%u002fprivate',
  '//h/private',
  '//h/private/x',
  '/\\h/private',
  '/\\h\\private',
  '/private/secret/../../x',
  '/private/%2e%2e/x',
  '/private%2F..%2Fx',
  '/private/..;/x',
]

describe('somebody who may not use /private', () => {
  test.each(attacks)('does not come there by %s', (target) => {
    expect(forwarded(target)).toBe(null)
    expect([400, 403]).toContain(statusOf(target))
  })

  const piece = fc.constantFrom(
    ...[
      '/',
      '//',
      '\\',
      '%2f',
      '%2F',
      '%5c',
      '%252f',
      '.',
      '..',
      '%2e',
      '%2E%2e',
      '%252e',
      ';',
      ';a=b',
      '%3b',
    ],
    ...[
      'private',
      'PRIVATE',
      '%70rivate',
      'x',
      'shop',
      'admin',
      '%00',
      '%c0%ae',
      '%c0%af',
      '%u002e',
      '?',
      '%',
    ],
  )
  const target = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)

  test('does not come there by anything that one of these servers reads so', () => {
    fc.assert(
      fc.property(target, (text) => {
        const sent = forwarded(text)
        if (sent === null) return
        for (const [server, read] of Object.entries(servers)) {
          let path = ''
          try {
            path = read(sent)
          } catch {
            // Refused there as well.
          }
          expect(isPrivate(path), `${server} reads ${sent} as ${path}`).toBe(false)
        }
      }),
      { numRuns: 10_000 },
    )
  })

  test('is told that the path can be read in more than one way, where it can', () => {
    expect(statusOf('/x/..;/private')).toBe(400)
    expect(statusOf('/x/../private')).toBe(403)
  })
})

describe('a path that is odd and leads nowhere else', () => {
  test.each([
    '/a%2Fb',
    '/a//b',
    '/x/../y',
    '/files/%7Eada/r%C3%A9sum%C3%A9.pdf',
    '/a;jsessionid=1/b',
    '/a%25b',
    '/.well-known/acme-challenge/x',
    '/a%5Cb',
    '/privateer',
    '/x%2Fprivate',
    '/%C0%E9',
  ])('%s goes on byte for byte', (target) => {
    expect(forwarded(target)).toBe(target)
  })

  test.each(['/private/x', '/private/a%2Fb', '/private/x/../y', '/private/..a', '/private/%252e'])(
    '%s goes on byte for byte for whom it is open to',
    (target) => {
      expect(forwarded(target, '10.0.0.1')).toBe(target)
    },
  )

  test('of one guarded route is refused to whom that one lets in and the other does not', () => {
    expect(forwarded('/private/..;/shop/admin', '10.0.0.1')).toBe(null)
    expect(forwarded('/shop/admin/x', '10.9.0.1')).toBe('/shop/admin/x')
  })
})

test('a target of any length is looked at in a moment', () => {
  const unit = fc.constantFrom('/..', '/.', '%2e%2e/', '\\', ';a/', '%252f', '%c0%af')
  fc.assert(
    fc.property(fc.array(unit, { minLength: 1, maxLength: 10 }), (units) => {
      const long = `/${units.join('').repeat(4_096)}`.slice(0, 16_000)
      const started = performance.now()
      forwarded(long)
      pathReadings(long.slice(0, 4_096))
      expect(performance.now() - started).toBeLessThan(500)
    }),
    { numRuns: 50 },
  )
})
