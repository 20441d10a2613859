import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { type Range, rangeOf } from './row-window.ts'
import type { Row } from './rows.ts'

/** Drawn before anything could be measured. */
const firstScreen: Range = { first: 0, end: 30 }

/**
 * Which of the rows to draw, from where `body` lies on the screen. `body` is as high as all the rows together.
 * While the reader is down in the table, the row at the top of the screen stays where it is when rows come or go
 * above it; a new filter goes back to the first row.
 */
export function useRowWindow(
  body: RefObject<HTMLElement | null>,
  rows: readonly Row[],
  filter: string,
): Range {
  const [range, setRange] = useState(firstScreen)
  /** The row at the top of the screen, and its distance from there. */
  const anchor = useRef<{ readonly key: string; readonly top: number } | null>(null)
  const filterBefore = useRef(filter)

  const measure = (): void => {
    if (body.current === null || rows.length === 0) return
    const { top, height } = body.current.getBoundingClientRect()
    const rowHeight = height / rows.length
    const next = rangeOf({ rows: rows.length, rowHeight, top, viewportHeight: innerHeight })
    setRange((now) => (now.first === next.first && now.end === next.end ? now : next))
    const edge = stickyHeight()
    const at = Math.floor((edge - top) / rowHeight)
    const row = top < edge ? rows[at] : undefined
    anchor.current = row === undefined ? null : { key: row.key, top: top + at * rowHeight }
  }

  useLayoutEffect(() => {
    const kept = anchor.current
    if (kept !== null && body.current !== null) {
      const { top, height } = body.current.getBoundingClientRect()
      if (filter !== filterBefore.current) {
        scrollBy(0, top - stickyHeight())
      } else {
        const at = rows.findIndex((row) => row.key === kept.key)
        if (at >= 0) scrollBy(0, top + (at * height) / rows.length - kept.top)
      }
    }
    filterBefore.current = filter
    measure()
  }, [rows, filter])

  useEffect(() => {
    addEventListener('scroll', measure, { passive: true })
    addEventListener('resize', measure)
    // The list of problems above the table opens and closes without a scroll.
    const page = new ResizeObserver(measure)
    page.observe(document.body)
    return () => {
      removeEventListener('scroll', measure)
      removeEventListener('resize', measure)
      page.disconnect()
    }
  }, [rows])

  return range
}

/** What stays at the top of the screen, CSS pixels: the style sheet says it once, as the padding of a scroll. */
function stickyHeight(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0
}
