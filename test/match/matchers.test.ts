import { matcherContract } from '../contract/matcher.ts'

const paths = ['/', '/a', '/a/', '/ab', '/a/b', '/a/b/', '/A', '/A/b', '/b']

matcherContract('prefix', {
  matches: (route, path) => path.startsWith(route),
  startOf: (route) => route,
  routes: paths,
})

matcherContract('iprefix', {
  matches: (route, path) => path.toLowerCase().startsWith(route.toLowerCase()),
  startOf: (route) => route,
  routes: paths,
})

matcherContract('segment', {
  matches: (route, path) => path === route || path.startsWith(route.endsWith('/') ? route : `${route}/`),
  startOf: (route) => route,
  routes: paths,
})

const globs: readonly [pattern: string, expression: RegExp][] = [
  ['/', /^\/$/],
  ['/a', /^\/a$/],
  ['/*', /^\/.*$/],
  ['/a*', /^\/a.*$/],
  ['/?', /^\/.$/],
  ['/a/*', /^\/a\/.*$/],
  ['/*/b', /^\/.*\/b$/],
  ['/[ab]/*', /^\/[ab]\/.*$/],
  ['/[!b]*', /^\/[^b].*$/],
  ['/{a,b}*', /^\/(?:a|b).*$/],
  ['/a{,/b}', /^\/a(?:\/b)?$/],
]

matcherContract('glob', {
  matches: (route, path) => globs.find(([pattern]) => pattern === route)![1].test(path),
  startOf: (route) => route.split(/[*?[{]/)[0]!,
  routes: globs.map(([pattern]) => pattern),
})
