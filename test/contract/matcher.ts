import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Matcher } from '../../src/match/matcher.ts'
import { PathIndex } from '../../src/match/path-index.ts'

/** What a matcher is compared with: its rule said in one line, and the order of fabio reference 3.1. */
export interface MatcherUnderTest {
  readonly matches: (route: string, path: string) => boolean
  /** Of two routes that match the same path, the one that wins is the one with the longer start. */
  readonly startOf: (route: string) => string
  /** Paths that make routes of this matcher; few letters, so that random ones meet. */
  readonly routes: readonly string[]
}

const requestPath = fc
  .string({ unit: fc.constantFrom('/', 'a', 'b', 'A'), maxLength: 6 })
  .map((rest) => `/${rest}`)

/** What every matcher promises, whatever it compares. */
export function matcherContract(matcher: Matcher, { matches, startOf, routes }: MatcherUnderTest): void {
  const indexOf = (paths: readonly string[]): PathIndex<string> =>
    paths.reduce((index, path) => index.with(matcher, path, path), new PathIndex<string>())
  /** The winner, found by looking at every route. */
  const naive = (paths: readonly string[], path: string): string | null =>
    paths
      .filter((route) => matches(route, path))
      .sort((a, b) => startOf(b).length - startOf(a).length || (a > b ? -1 : 1))[0] ?? null
  const somePaths = fc.uniqueArray(fc.constantFrom(...routes))

  describe(`${matcher} as a matcher`, () => {
    test('finds nothing where there is nothing', () => {
      expect(new PathIndex<string>().find('/')).toBeNull()
      expect(new PathIndex<string>().isEmpty).toBe(true)
    })

    test('finds each of its routes by a path that equals it', () => {
      for (const route of routes) {
        expect(indexOf([route]).find(route), route).toBe(matches(route, route) ? route : null)
      }
    })

    test('answers as a comparison of all routes would', () => {
      fc.assert(
        fc.property(somePaths, requestPath, (paths, path) => {
          expect(indexOf(paths).find(path)).toBe(naive(paths, path))
        }),
        { numRuns: 500 },
      )
    })

    test('gives the same winner whatever the order of adding', () => {
      fc.assert(
        fc.property(somePaths, requestPath, (paths, path) => {
          expect(indexOf(paths.toReversed()).find(path)).toBe(indexOf(paths).find(path))
        }),
      )
    })

    test('is after a removal as if the route had never been there', () => {
      fc.assert(
        fc.property(somePaths, fc.nat(), requestPath, (paths, pick, path) => {
          const removed = paths[pick % Math.max(1, paths.length)]
          if (removed === undefined) return
          const left = paths.filter((route) => route !== removed)
          const index = indexOf(paths).with(matcher, removed, null)
          expect(index.find(path)).toBe(naive(left, path))
          expect([...index.values()].sort()).toEqual([...left].sort())
          expect(index.isEmpty).toBe(left.length === 0)
        }),
      )
    })

    test('puts a value in the place of the one before', () => {
      for (const route of routes) {
        const index = indexOf(routes).with(matcher, route, 'new')
        expect(
          [...index.values()].filter((value) => value === 'new'),
          route,
        ).toHaveLength(1)
        expect([...index.values()], route).toHaveLength(routes.length)
      }
    })

    test('leaves the index as it was for those who still use it', () => {
      const before = indexOf(routes)
      for (const route of routes) before.with(matcher, route, null).with(matcher, `${route}/more`, 'more')
      expect([...before.values()].sort()).toEqual([...routes].sort())
    })
  })
}
