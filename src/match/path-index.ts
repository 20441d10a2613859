import { compileGlob, type Glob, globStart } from './glob.ts'
import type { Matcher } from './matcher.ts'
import {
  emptyTree,
  isEmptyTree,
  longestPrefix,
  longestSegment,
  type PrefixNode,
  valueAt,
  valuesOf,
  withoutPath,
  withPath,
} from './prefix-tree.ts'

/**
 * The paths of one host, each with its matcher. Of those that match, the first in this order wins:
 *
 * 1. the longest literal start: the whole path of a segment, prefix or iprefix route, and what a glob has before its
 *    first wildcard
 * 2. by matcher: segment, prefix, iprefix, glob
 * 3. descending byte order of the path
 *
 * For prefixes that is fabio's order (reference 3.1), and so it is for globs that part at a `*`; where they part at
 * `?`, `[` or `{` the literal text wins here, and there the greater byte (compare QUIRK-13). Of iprefix routes the
 * longest wins whatever its case (QUIRK-62).
 *
 * Immutable: `with` returns a new index, which shares all but the way to the changed path.
 */
export class PathIndex<V> {
  readonly #parts: Parts<V>
  readonly #prefixes: PrefixNode<V>
  /** Mostly there are prefixes only, and then one look-up is all. */
  readonly #isPlain: boolean

  constructor(parts: Parts<V> = noParts) {
    this.#parts = parts
    this.#prefixes = parts.prefixes
    this.#isPlain = isEmptyTree(parts.segments) && isEmptyTree(parts.folded) && parts.globs.length === 0
  }

  get isEmpty(): boolean {
    return this.#isPlain && isEmptyTree(this.#prefixes)
  }

  /**
   * The index with `value` for the path, in place of any value there; null takes it out. Throws where the path is a
   * glob that cannot be read.
   */
  with(matcher: Matcher, path: string, value: V | null): PathIndex<V> {
    const parts = this.#parts
    switch (matcher) {
      case 'segment':
        return new PathIndex({ ...parts, segments: placed(parts.segments, path, value) })
      case 'prefix':
        return new PathIndex({ ...parts, prefixes: placed(parts.prefixes, path, value) })
      case 'iprefix':
        return new PathIndex({ ...parts, folded: placedSpelling(parts.folded, path, value) })
      case 'glob':
        return new PathIndex({ ...parts, globs: placedGlob(parts.globs, path, value) })
    }
  }

  /** HOT (bench/micro/match.ts): once per candidate host of a request. The value of the path that wins, or null. */
  find(path: string): V | null {
    const prefix = longestPrefix(this.#prefixes, path)
    if (this.#isPlain) return prefix === null ? null : prefix.value
    return this.#findAmongAll(prefix, path)
  }

  #findAmongAll(prefix: PrefixNode<V> | null, path: string): V | null {
    const { segments, folded, globs } = this.#parts
    let length = prefix === null ? -1 : prefix.depth
    let found = prefix === null ? null : prefix.value
    const segment = longestSegment(segments, path)
    if (segment !== null && segment.depth >= length) {
      length = segment.depth
      found = segment.value
    }
    if (!isEmptyTree(folded)) {
      const spellings = longestPrefix(folded, path.toLowerCase())
      if (spellings !== null && spellings.depth > length) {
        length = spellings.depth
        found = spellings.value![0]!.value
      }
    }
    for (const glob of globs) {
      if (glob.start.length <= length) break
      if (path.startsWith(glob.start) && glob.matches(path)) return glob.value
    }
    return found
  }

  /** Every value, longer paths before their prefixes, each matcher for itself. */
  *values(): Generator<V> {
    const { segments, prefixes, folded, globs } = this.#parts
    yield* valuesOf(segments)
    yield* valuesOf(prefixes)
    for (const spellings of valuesOf(folded)) for (const { value } of spellings) yield value
    for (const { value } of globs) yield value
  }
}

interface Parts<V> {
  readonly segments: PrefixNode<V>
  readonly prefixes: PrefixNode<V>
  /** By lower-case path; the spellings of one path in descending byte order. */
  readonly folded: PrefixNode<readonly Spelling<V>[]>
  /** In the order in which they are asked. */
  readonly globs: readonly PathGlob<V>[]
}

interface Spelling<V> {
  readonly path: string
  readonly value: V
}

interface PathGlob<V> extends Spelling<V> {
  /** What every match starts with. */
  readonly start: string
  readonly matches: Glob
}

const noParts: Parts<never> = { segments: emptyTree(), prefixes: emptyTree(), folded: emptyTree(), globs: [] }

const placed = <V>(tree: PrefixNode<V>, path: string, value: V | null): PrefixNode<V> =>
  value === null ? withoutPath(tree, path) : withPath(tree, path, value)

function placedSpelling<V>(
  tree: Parts<V>['folded'],
  path: string,
  value: V | null,
): PrefixNode<readonly Spelling<V>[]> {
  const folded = path.toLowerCase()
  const spellings = (valueAt(tree, folded) ?? []).filter((spelling) => spelling.path !== path)
  if (value !== null) spellings.push({ path, value })
  spellings.sort((a, b) => descending(a.path, b.path))
  return placed(tree, folded, spellings.length === 0 ? null : spellings)
}

function placedGlob<V>(globs: Parts<V>['globs'], path: string, value: V | null): readonly PathGlob<V>[] {
  const start = globStart(path)
  const at = placeOf(globs, start, path)
  const isThere = globs[at]?.path === path
  if (value === null) return isThere ? globs.toSpliced(at, 1) : globs
  const matches = isThere ? globs[at]!.matches : compileGlob(path)
  return globs.toSpliced(at, isThere ? 1 : 0, { path, value, start, matches })
}

/** Where a glob stands or is to stand: by halving, or ten thousand globs of one host would take seconds to place. */
function placeOf(globs: readonly PathGlob<unknown>[], start: string, path: string): number {
  let low = 0
  let high = globs.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = globs[middle]!
    const order = other.start.length - start.length || -descending(other.path, path)
    if (order > 0) low = middle + 1
    else high = middle
  }
  return low
}

const descending = (a: string, b: string): number => (a > b ? -1 : a < b ? 1 : 0)
