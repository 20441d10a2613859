/**
 * Longest-prefix match over paths: an immutable radix tree. Adding or removing copies only the nodes on the way to
 * the path and shares the rest, so a change to one route of ten thousand costs a few small objects.
 *
 * Paths are compared octet by octet with no regard to `/` (fabio reference 3.3): `/foo` leads to `/footest`. Which of
 * the paths on the way count is up to who asks.
 */
export interface PrefixNode<V> {
  /** What this node adds to its parent's path. Not empty, but for the root. */
  readonly label: string
  /** Length of the path from the root to the end of the label, in UTF-16 units. */
  readonly depth: number
  readonly value: V | null
  /** Keyed by the first UTF-16 unit of the child's label. */
  readonly children: ReadonlyMap<number, PrefixNode<V>>
}

const noChildren: ReadonlyMap<number, never> = new Map<number, never>()
const emptyRoot: PrefixNode<never> = { label: '', depth: 0, value: null, children: noChildren }

export const emptyTree = <V>(): PrefixNode<V> => emptyRoot

export const isEmptyTree = (root: PrefixNode<unknown>): boolean =>
  root.value === null && root.children.size === 0

/** HOT: once per candidate host of a request. The node of the longest path that `path` starts with, or null. */
export function longestPrefix<V>(root: PrefixNode<V>, path: string): PrefixNode<V> | null {
  let best = root.value === null ? null : root
  let node = root
  for (let at = 0; at < path.length; ) {
    const child = node.children.get(path.charCodeAt(at))
    if (child === undefined || !path.startsWith(child.label, at)) break
    node = child
    at += node.label.length
    if (node.value !== null) best = node
  }
  return best
}

const slash = '/'.charCodeAt(0)

/** HOT: as `longestPrefix`, of paths that end where a segment of `path` ends. */
export function longestSegment<V>(root: PrefixNode<V>, path: string): PrefixNode<V> | null {
  let best: PrefixNode<V> | null = null
  let node = root
  for (let at = 0; at < path.length; ) {
    const child = node.children.get(path.charCodeAt(at))
    if (child === undefined || !path.startsWith(child.label, at)) break
    node = child
    at += node.label.length
    if (node.value === null) continue
    if (at === path.length || path.charCodeAt(at) === slash || path.charCodeAt(at - 1) === slash) best = node
  }
  return best
}

/** The value at exactly `path`, or null. */
export function valueAt<V>(root: PrefixNode<V>, path: string): V | null {
  const node = longestPrefix(root, path)
  return node?.depth === path.length ? node.value : null
}

/** The tree with `value` at `path`, in place of any value there. */
export function withPath<V>(root: PrefixNode<V>, path: string, value: V): PrefixNode<V> {
  if (path === '') return { label: root.label, depth: root.depth, value, children: root.children }
  const first = path.charCodeAt(0)
  const child = root.children.get(first)
  const depth = root.depth + path.length
  const next =
    child === undefined
      ? { label: path, depth, value, children: noChildren }
      : insert(child, root.depth, path, value)
  return replaceChild(root, first, next)
}

/** `path` and the node's label share at least their first character; `from` is where the label begins. */
function insert<V>(node: PrefixNode<V>, from: number, path: string, value: V): PrefixNode<V> {
  const shared = commonLength(node.label, path)
  if (shared === node.label.length) return withPath(node, path.slice(shared), value)
  const rest: PrefixNode<V> = {
    label: node.label.slice(shared),
    depth: node.depth,
    value: node.value,
    children: node.children,
  }
  const fork: PrefixNode<V> = {
    label: node.label.slice(0, shared),
    depth: from + shared,
    value: null,
    children: new Map([[rest.label.charCodeAt(0), rest]]),
  }
  return withPath(fork, path.slice(shared), value)
}

/** The tree without a value at `path`; the same tree if there is none. */
export function withoutPath<V>(root: PrefixNode<V>, path: string): PrefixNode<V> {
  if (path === '') {
    if (root.value === null) return root
    return { label: root.label, depth: root.depth, value: null, children: root.children }
  }
  const first = path.charCodeAt(0)
  const child = root.children.get(first)
  if (child === undefined || !path.startsWith(child.label)) return root
  const pruned = withoutPath(child, path.slice(child.label.length))
  if (pruned === child) return root
  return replaceChild(root, first, compact(pruned))
}

/** A node that carries nothing goes; one that only leads to a single child is joined with it. */
function compact<V>(node: PrefixNode<V>): PrefixNode<V> | null {
  if (node.value !== null || node.children.size > 1) return node
  const [only] = node.children.values()
  if (only === undefined) return null
  return { label: node.label + only.label, depth: only.depth, value: only.value, children: only.children }
}

function replaceChild<V>(node: PrefixNode<V>, first: number, child: PrefixNode<V> | null): PrefixNode<V> {
  const children = new Map(node.children)
  if (child === null) children.delete(first)
  else children.set(first, child)
  return { label: node.label, depth: node.depth, value: node.value, children }
}

function commonLength(a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  let at = 0
  while (at < end && a.charCodeAt(at) === b.charCodeAt(at)) at++
  return at
}

/** Every value, longer paths before their prefixes. */
export function* valuesOf<V>(node: PrefixNode<V>): Generator<V> {
  for (const child of node.children.values()) yield* valuesOf(child)
  if (node.value !== null) yield node.value
}
