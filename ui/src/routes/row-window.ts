/** Rows `first` up to, not including, `end`. */
export interface Range {
  readonly first: number
  readonly end: number
}

/** Where the rows lie on the screen, CSS pixels. */
export interface Placement {
  readonly rows: number
  readonly rowHeight: number
  /** Top edge of the first row, from the top of the viewport; negative when scrolled past. */
  readonly top: number
  readonly viewportHeight: number
}

/** Rows drawn beyond each edge of the screen: a fast scroll and the Tab key find them there. */
export const overscan = 10

/** The rows that the screen shows and `overscan` more on both sides. */
export function rangeOf({ rows, rowHeight, top, viewportHeight }: Placement): Range {
  const first = Math.floor(-top / rowHeight) - overscan
  const end = Math.ceil((viewportHeight - top) / rowHeight) + overscan
  return { first: clamp(first, rows), end: clamp(end, rows) }
}

const clamp = (n: number, most: number): number => Math.min(Math.max(n, 0), most)

/** The indices to draw, ascending: the range, and the row that holds the focus wherever it is (-1: none does). */
export function drawn({ first, end }: Range, focused: number): readonly number[] {
  const range = Array.from({ length: end - first }, (_, i) => first + i)
  if (focused < 0 || (focused >= first && focused < end)) return range
  return focused < first ? [focused, ...range] : [...range, focused]
}
