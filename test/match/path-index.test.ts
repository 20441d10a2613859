import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileGlob } from '../../src/match/glob.ts'
import { type Matcher, matchers } from '../../src/match/matcher.ts'
import { PathIndex } from '../../src/match/path-index.ts'

/** `segment /foo` */
const indexOf = (...routes: string[]): PathIndex<string> =>
  routes.reduce((index, route) => {
    const [matcher, path] = route.split(' ') as [Matcher, string]
    return index.with(matcher, path, route)
  }, new PathIndex<string>())

describe('a path', () => {
  test.each([
    ['prefix /foo', '/footest', true],
    ['prefix /foo', '/FOO', false],
    ['iprefix /foo', '/FOO/bar', true],
    ['iprefix /Foo', '/footest', true],
    ['iprefix /Straße', '/straße/1', true],
    ['segment /foo', '/foo', true],
    ['segment /foo', '/foo/', true],
    ['segment /foo', '/foo/bar', true],
    ['segment /foo', '/footest', false],
    ['segment /foo', '/fo', false],
    ['segment /foo', '/Foo', false],
    ['segment /foo/', '/foo', false],
    ['segment /foo/', '/foo/bar', true],
    ['segment /', '/anything', true],
    ['glob /foo', '/foo', true],
    ['glob /foo', '/foo/bar', false],
    ['glob /foo*', '/foo/bar', true],
    ['glob /a/*/z', '/a/b/c/z', true],
  ])('%s on %s: %s', (route, path, expected) => {
    expect(indexOf(route).find(path)).toBe(expected ? route : null)
  })
})

describe('of the paths that match', () => {
  test.each([
    [['prefix /', 'prefix /foo', 'prefix /foo/bar'], '/foo/bar/x', 'prefix /foo/bar'],
    // A longer segment below that does not match must not hide the shorter one.
    [['segment /foo', 'segment /foo/ba'], '/foo/bar', 'segment /foo'],
    [['segment /foo', 'prefix /foo/b'], '/foo/bar', 'prefix /foo/b'],
    [['segment /foo', 'prefix /foo'], '/foo/bar', 'segment /foo'],
    [['segment /foo', 'prefix /foo'], '/footest', 'prefix /foo'],
    [['prefix /foo', 'iprefix /foo'], '/foo', 'prefix /foo'],
    [['prefix /foo', 'iprefix /foo'], '/Foo', 'iprefix /foo'],
    [['segment /foo', 'iprefix /foo'], '/foo', 'segment /foo'],
    // fabio takes /foo here, which sorts above /FOO/bar (QUIRK-62).
    [['iprefix /foo', 'iprefix /FOO/bar'], '/foo/bar', 'iprefix /FOO/bar'],
    [['iprefix /FOO', 'iprefix /foo'], '/FOO', 'iprefix /foo'],
    [['prefix /foo', 'glob /foo*'], '/foo/bar', 'prefix /foo'],
    [['prefix /foo', 'glob /foo/*'], '/foo/bar', 'glob /foo/*'],
    [['prefix /', 'glob /*/bar'], '/foo/bar', 'prefix /'],
    [['prefix /', 'glob /f*/bar'], '/foo/bar', 'glob /f*/bar'],
    [['prefix /foo/bar', 'glob /foo/*'], '/foo/bar', 'prefix /foo/bar'],
    [['glob /img/*', 'glob /img/a*'], '/img/abc', 'glob /img/a*'],
    // Equal starts: descending byte order, in which ? is above *.
    [['glob /img*', 'glob /img?'], '/imgs', 'glob /img?'],
    // fabio takes the braces, which sort above letters; the literal text is narrower.
    [['glob /{css,js}/*', 'glob /css/old*'], '/css/old.css', 'glob /css/old*'],
    [['glob /foo'], '/bar', null],
  ])('of %j for %s wins %s', (routes, path, expected) => {
    expect(indexOf(...routes).find(path)).toBe(expected)
    expect(indexOf(...routes.toReversed()).find(path)).toBe(expected)
  })

  test('one wins by the stated order, whatever matchers meet', () => {
    const route = fc.tuple(
      fc.constantFrom(...matchers),
      fc.string({ unit: fc.constantFrom('/', 'a', 'A', '*', '?'), maxLength: 4 }).map((rest) => `/${rest}`),
    )
    const path = fc.string({ unit: fc.constantFrom('/', 'a', 'A'), maxLength: 5 }).map((rest) => `/${rest}`)
    fc.assert(
      fc.property(fc.array(route, { maxLength: 12 }), path, (list, asked) => {
        const routes = [...new Set(list.map(([matcher, own]) => `${matcher} ${own}`))]
        expect(indexOf(...routes).find(asked)).toBe(naive(routes, asked))
      }),
      { numRuns: 2_000 },
    )
  })

  test('a glob that cannot be read is refused and the index stays', () => {
    const index = indexOf('prefix /')
    expect(() => index.with('glob', '/foo[', 'x')).toThrow('"[" without "]"')
    expect(index.find('/foo[')).toBe('prefix /')
  })

  test('taking out what is not there changes nothing', () => {
    for (const matcher of matchers) {
      expect([...indexOf('prefix /a', 'glob /b').with(matcher, '/nobody', null).values()]).toEqual([
        'prefix /a',
        'glob /b',
      ])
    }
  })
})

/** The order of `PathIndex`, said the slow way. */
function naive(routes: readonly string[], asked: string): string | null {
  const candidates = routes
    .map((text) => {
      const [matcher, path] = text.split(' ') as [Matcher, string]
      return { text, matcher, path, start: matcher === 'glob' ? path.split(/[*?]/)[0]! : path }
    })
    .filter(({ matcher, path }) => {
      if (matcher === 'prefix') return asked.startsWith(path)
      if (matcher === 'iprefix') return asked.toLowerCase().startsWith(path.toLowerCase())
      if (matcher === 'glob') return compileGlob(path)(asked)
      return asked === path || asked.startsWith(path.endsWith('/') ? path : `${path}/`)
    })
    .sort(
      (a, b) =>
        b.start.length - a.start.length ||
        matchers.indexOf(a.matcher) - matchers.indexOf(b.matcher) ||
        (a.path > b.path ? -1 : 1),
    )
  return candidates[0]?.text ?? null
}
