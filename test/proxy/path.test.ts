import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { forwardedTarget, rewriteTarget, routePath } from '../../src/proxy/path.ts'

describe('the path that routing looks at', () => {
  test.each([
    // fabio reference 6.2
    ['/a%2Fb', '/a/b'],
    ['/a/../b', '/b'],
    ['/a//b', '/a/b'],
    ['/x%2F..%2Fy//z/', '/y/z/'],
    ['/x/z/', '/x/z/'],
    ['/a/.', '/a'],
    ['/..', '/'],
    // what fabio loses (QUIRK-19)
    ['/a%253Fb', '/a%3Fb'],
    ['/a%3Fb', '/a?b'],
    ['/a%23b', '/a#b'],
    ['//host/x', '/host/x'],
    // the rest
    ['/', '/'],
    ['/a?b=/../c', '/a'],
    ['/a?', '/a'],
    ['/a/..b/.c', '/a/..b/.c'],
    ['/%2e%2e/private', '/private'],
    ['/a/%2E/b', '/a/b'],
    ['/caf%C3%A9', '/café'],
    ['/%zz/%41', '/%zz/A'],
    ['/%ff%41', '/\ufffdA'],
    ['/a/./', '/a/'],
    ['/a/../', '/'],
  ])('of %s is %s', (target, expected) => {
    expect(routePath(target)).toBe(expected)
  })

  test('is absolute and has no dot segment or empty segment, whatever the target', () => {
    const target = fc.string({ unit: fc.constantFrom(...'/.%2eEfFaA?\\') }).map((rest) => `/${rest}`)
    fc.assert(
      fc.property(target, (text) => {
        const segments = routePath(text).split('/')
        expect(segments[0]).toBe('')
        expect(segments.slice(1)).not.toContain('.')
        expect(segments.slice(1)).not.toContain('..')
        expect(segments.slice(1, -1)).not.toContain('')
      }),
    )
  })
})

describe('the target sent upstream', () => {
  test.each([
    ['/foo/bar', '/foo', '', '/bar'],
    ['/foo', '/foo', '', '/'],
    ['/foobar', '/foo', '', '/bar'],
    ['/foo/bar?x=1', '/foo', '', '/bar?x=1'],
    ['/bar', '/foo', '', '/bar'],
    ['/FOO/bar', '/foo', '', '/FOO/bar'],
    ['/bar', '', '/foo', '/foo/bar'],
    ['/bar', '', '/foo/', '/foo//bar'],
    ['/old/p?k=1', '/old', '/pre', '/pre/p?k=1'],
    ['/foo/a%2Fb', '/foo', '', '/a%2Fb'],
    ['/foo/a%20b', '/foo', '', '/a%20b'],
    ['/x/../foo/a%2Fb', '/foo', '', '/a%2Fb'],
    ['/%66oo/a%2Fb', '/foo', '', '/a%2Fb'],
    ['/foo%2Fbar%20x', '/foo/bar', '', '/%20x'],
    ['/bar', '', '/a b', '/a%20b/bar'],
    ['/bar/x/../y', '', '/p', '/p/bar/y'],
    ['/bar%2F%2Fx', '', '/p', '/p/bar%2F%2Fx'],
    // Behind another prefix nothing may lead out of it, however it is spelled.
    ['/../../etc', '', '/p', '/p/etc'],
    ['/x%2F..%2F..%2Fetc', '', '/p', '/p/etc'],
    ['/x%5C..%5C..%5Cetc', '', '/p', '/p/etc'],
    ['/x\\..\\..\\etc', '', '/p', '/p/etc'],
    ['/x/..;/..;a=b/etc', '', '/p', '/p/etc'],
    ['/%2e%2e/etc', '', '/p', '/p/etc'],
    ['/foo../etc', '/foo', '/p', '/p/etc'],
    ['/foo..;/etc', '/foo', '/p', '/p/etc'],
    ['/foo..%2Fetc', '/foo', '', '/etc'],
    ['/foo%2E%2E/etc', '/foo', '', '/etc'],
    ['/foo..bar', '/foo', '', '/..bar'],
    ['/foo%2Fbar%20x', '/foo', '', '/bar%20x'],
    ['/foo/a;b=c', '/foo', '', '/a;b=c'],
    ['/foo/a\\b', '/foo', '', '/a\\b'],
  ])('%s with strip %j and prepend %j is %s', (target, strip, prepend, expected) => {
    expect(rewriteTarget(target, routePath(target), strip, prepend)).toBe(expected)
  })

  test('never leads out of what is prepended, whatever the target', () => {
    const rest = fc.string({
      unit: fc.constantFrom('.', '..', '/', '%2e', '%2F', '%5c', '\\', ';', 'a', '%3B', '?'),
    })
    fc.assert(
      fc.property(rest, fc.constantFrom('', '/a', '/a/'), (text, strip) => {
        const target = `/${text}`
        const rewritten = rewriteTarget(target, routePath(target), strip, '/in')
        const seen = new URL(decodeURIComponent(rewritten.split('?')[0]!), 'http://h').pathname
        expect(seen.replace(/;[^/]*/g, '')).toMatch(/^\/in(?:\/|$)/)
        // As Tomcat reads it: without parameters, and then resolved.
        const plain = decodeURIComponent(rewritten.split('?')[0]!).replace(/;[^/\\]*/g, '')
        expect(new URL(plain, 'http://h').pathname).toMatch(/^\/in(?:\/|$)/)
      }),
      { numRuns: 3_000 },
    )
  })

  test('starts with a slash and holds no white space, whatever strip and prepend are', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.string(), fc.string(), (path, strip, prepend) => {
        const target = `/${path}`
        expect(rewriteTarget(target, routePath(target), strip, prepend)).toMatch(/^\/\S*$/)
      }),
    )
  })
})

// It was left out, and fabio puts it there: people give a service of others its key in this way.
describe('the query of the destination', () => {
  test.each([
    ['/a', '', 'k=1', '/a?k=1'],
    ['/a?', '', 'k=1', '/a?k=1'],
    ['/a?x=y', '', 'k=1&l', '/a?k=1&l&x=y'],
    ['/a/b?x=y?z', '/a', 'k=1', '/b?k=1&x=y?z'],
    ['/a?x=y', '', '', '/a?x=y'],
  ])('of %s with strip %j goes before the own one: %j makes %s', (target, strip, query, expected) => {
    expect(forwardedTarget(target, routePath(target), { strip, prepend: '', query })).toBe(expected)
  })
})
