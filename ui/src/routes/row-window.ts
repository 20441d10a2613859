import { type Heights, type Layout, lineAt } from './lines.ts'

/** Lines `first` up to, not including, `end`. */
export interface Range {
  readonly first: number
  readonly end: number
}

/** Where the lines lie on the screen, CSS pixels. */
export interface Placement {
  readonly layout: Layout
  readonly heights: Heights
  /** Top edge of the first line, from the top of the viewport; negative when scrolled past. */
  readonly top: number
  readonly viewportHeight: number
}

/** Lines drawn beyond each edge of the screen: a fast scroll and the Tab key find them there. */
export const overscan = 10

/** The lines that the screen shows and `overscan` more on both sides. */
export function rangeOf({ layout, heights, top, viewportHeight }: Placement): Range {
  const all = layout.lines.length
  const first = lineAt(layout, -top, heights) - overscan
  const end = lineAt(layout, viewportHeight - top, heights) + 1 + overscan
  return { first: clamp(first, all), end: clamp(end, all) }
}

const clamp = (n: number, most: number): number => Math.min(Math.max(n, 0), most)

/** The indices to draw, ascending: the range, and the line that holds the focus wherever it is (-1: none does). */
export function drawn({ first, end }: Range, focused: number): readonly number[] {
  const range = Array.from({ length: end - first }, (_, i) => first + i)
  if (focused < 0 || (focused >= first && focused < end)) return range
  return focused < first ? [focused, ...range] : [...range, focused]
}
