import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  emptyTree,
  isEmptyTree,
  longestPrefix,
  type PrefixNode,
  valueAt,
  valuesOf,
  withoutPath,
  withPath,
} from '../../src/match/prefix-tree.ts'

const treeOf = (paths: readonly string[]): PrefixNode<string> =>
  paths.reduce((tree, path) => withPath(tree, path, path), emptyTree<string>())

const longest = (tree: PrefixNode<string>, path: string): string | null =>
  longestPrefix(tree, path)?.value ?? null

/** What the tree must answer, said the slow way. */
const longestOf = (paths: readonly string[], path: string): string | null =>
  paths.filter((p) => path.startsWith(p)).sort((a, b) => b.length - a.length)[0] ?? null

/** Few letters, so that random paths share prefixes. */
const path = fc.string({ unit: fc.constantFrom('/', 'a', 'b'), maxLength: 8 }).map((rest) => `/${rest}`)

describe('the prefix tree', () => {
  test.each([
    ['/', '/q', '/'],
    ['/foo', '/foo', '/foo'],
    ['/foo', '/foo/bar', '/foo'],
    ['/foo', '/footest', '/foo'],
    ['/foo', '/fo', null],
    ['/foo', '/bar', null],
    ['/foo', '/FOO', null],
  ])('a route for %s is asked for %s and gives %s', (route, asked, found) => {
    expect(longest(treeOf([route]), asked)).toBe(found)
  })

  test('the longest prefix wins, whatever the order of adding', () => {
    for (const order of [
      ['/', '/api', '/api/v2'],
      ['/api/v2', '/api', '/'],
      ['/api', '/', '/api/v2'],
    ]) {
      expect(longest(treeOf(order), '/api/v2/x')).toBe('/api/v2')
      expect(longest(treeOf(order), '/api/v1')).toBe('/api')
    }
  })

  test('it answers as a walk over all paths would', () => {
    fc.assert(
      fc.property(fc.array(path), path, (paths, asked) => {
        expect(longest(treeOf(paths), asked)).toBe(longestOf(paths, asked))
      }),
    )
  })

  test('every node knows how long its path is, whatever was added and removed', () => {
    const check = (node: PrefixNode<string>, from: number): void => {
      expect(node.depth).toBe(from + node.label.length)
      if (node.value !== null) expect(node.value).toHaveLength(node.depth)
      for (const child of node.children.values()) check(child, node.depth)
    }
    fc.assert(
      fc.property(fc.array(path), fc.array(path), (added, removed) => {
        check(
          removed.reduce((tree, p) => withoutPath(tree, p), treeOf(added)),
          0,
        )
      }),
    )
  })

  test('the value at a path is that of exactly this path', () => {
    const tree = treeOf(['/foo'])
    expect(['/foo', '/fo', '/foobar', ''].map((p) => valueAt(tree, p))).toEqual(['/foo', null, null, null])
  })

  test('a tree is empty when its last path is gone', () => {
    expect(isEmptyTree(treeOf(['/foo', '/foobar']))).toBe(false)
    expect(isEmptyTree(withoutPath(withoutPath(treeOf(['/foo', '/foobar']), '/foo'), '/foobar'))).toBe(true)
  })

  test('removing paths leaves the tree that never had them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(path), fc.array(fc.nat()), path, (paths, picks, asked) => {
        const removed = new Set(picks.map((pick) => paths[pick % Math.max(1, paths.length)]))
        const tree = [...removed].reduce((t, p) => (p === undefined ? t : withoutPath(t, p)), treeOf(paths))
        const left = paths.filter((p) => !removed.has(p))
        expect(longest(tree, asked)).toBe(longestOf(left, asked))
        expect([...valuesOf(tree)].sort()).toEqual([...left].sort())
      }),
    )
  })

  test('a change leaves the old tree as it was', () => {
    const before = treeOf(['/foo', '/foobar'])
    withoutPath(withPath(before, '/foo', 'other'), '/foobar')
    expect([...valuesOf(before)].sort()).toEqual(['/foo', '/foobar'])
  })
})
