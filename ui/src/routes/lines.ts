import type { Row } from './rows.ts'

/** What the table shows below each other: rows, and above those of each host its name. */
export type Line = Row | HostLine

export interface HostLine {
  readonly kind: 'host'
  readonly key: string
  readonly host: string
  readonly rows: readonly Row[]
}

/** Heights of both kinds, CSS pixels. */
export interface Heights {
  readonly host: number
  readonly row: number
}

/** Lines with their places. */
export interface Layout {
  readonly lines: readonly Line[]
  /** Of each line, how many lines with a host are above it; and of the end. */
  readonly hostsAbove: Uint32Array
}

/** @param isGrouped the rows are in the order of their hosts */
export function layoutOf(rows: readonly Row[], isGrouped: boolean): Layout {
  const lines: Line[] = []
  for (let at = 0; at < rows.length; ) {
    const { host } = rows[at]!
    let end = at + 1
    while (end < rows.length && (!isGrouped || rows[end]!.host === host)) end++
    if (isGrouped) lines.push({ kind: 'host', key: `host ${host}`, host, rows: rows.slice(at, end) })
    for (; at < end; at++) lines.push(rows[at]!)
  }
  const hostsAbove = new Uint32Array(lines.length + 1)
  for (let i = 0; i < lines.length; i++) {
    hostsAbove[i + 1] = hostsAbove[i]! + (lines[i]!.kind === 'host' ? 1 : 0)
  }
  return { lines, hostsAbove }
}

/** Whether it is the first of its route: those below it need not say the same again. */
export function isFirstOfRoute({ lines }: Layout, line: number): boolean {
  const [above, row] = [lines[line - 1], lines[line]]
  if (above?.kind !== 'row' || row?.kind !== 'row') return true
  return above.host !== row.host || above.path !== row.path
}

/** How far below the first line this one begins; of the end, how high all are together. */
export function topOf({ hostsAbove }: Layout, line: number, { host, row }: Heights): number {
  const hosts = hostsAbove[line]!
  return hosts * host + (line - hosts) * row
}

/** The line at this distance from the top of the first; the last but the end, however far it is. */
export function lineAt(layout: Layout, y: number, heights: Heights): number {
  let low = 0
  let high = layout.lines.length
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (topOf(layout, middle, heights) <= y) low = middle
    else high = middle - 1
  }
  return low
}
