import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { type Heights, type Layout, lineAt, topOf } from './lines.ts'
import { type Range, rangeOf } from './row-window.ts'

/** Drawn before anything could be measured. */
const firstScreen: Range = { first: 0, end: 30 }

/**
 * Which of the lines to draw, from where `body` lies on the screen. `body` is as high as all the lines together.
 * While the reader is down in the table, the line at the top of the screen stays where it is when others come or go
 * above it; another `view` of them goes back to the first line.
 *
 * @param isSteady false: the lines change their order by themselves, and nothing is to be followed
 */
export function useRowWindow(
  body: RefObject<HTMLElement | null>,
  layout: Layout,
  view: string,
  isSteady: boolean,
): Range {
  const [range, setRange] = useState(firstScreen)
  /** The line at the top of the screen, and its distance from there. */
  const anchor = useRef<{ readonly key: string; readonly top: number } | null>(null)
  const viewBefore = useRef(view)

  const measure = (): void => {
    if (body.current === null || layout.lines.length === 0) return
    const { top } = body.current.getBoundingClientRect()
    const heights = heightsOf(body.current)
    const next = rangeOf({ layout, heights, top, viewportHeight: innerHeight })
    setRange((now) => (now.first === next.first && now.end === next.end ? now : next))
    const edge = stickyHeight()
    const at = lineAt(layout, edge - top, heights)
    const line = top < edge ? layout.lines[at] : undefined
    anchor.current = line === undefined ? null : { key: line.key, top: top + topOf(layout, at, heights) }
  }

  useLayoutEffect(() => {
    const kept = anchor.current
    if (kept !== null && body.current !== null) {
      const { top } = body.current.getBoundingClientRect()
      if (view !== viewBefore.current) {
        scrollBy(0, top - stickyHeight())
      } else if (isSteady) {
        const at = layout.lines.findIndex((line) => line.key === kept.key)
        if (at >= 0) scrollBy(0, top + topOf(layout, at, heightsOf(body.current)) - kept.top)
      }
    }
    viewBefore.current = view
    measure()
  }, [layout, view])

  useEffect(() => {
    addEventListener('scroll', measure, { passive: true })
    addEventListener('resize', measure)
    // What is above the table opens and closes without a scroll.
    const page = new ResizeObserver(measure)
    page.observe(document.body)
    return () => {
      removeEventListener('scroll', measure)
      removeEventListener('resize', measure)
      page.disconnect()
    }
  }, [layout])

  return range
}

/** The style sheet says both once, as registered lengths: what is computed of them is in pixels. */
function heightsOf(element: HTMLElement): Heights {
  const style = getComputedStyle(element)
  const pixels = (name: string): number => Number.parseFloat(style.getPropertyValue(name))
  return { host: pixels('--host-height'), row: pixels('--row-height') }
}

/** What stays at the top of the screen, CSS pixels: the style sheet says it once, as the padding of a scroll. */
function stickyHeight(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0
}
