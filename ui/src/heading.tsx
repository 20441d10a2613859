import { useEffect, useRef } from 'preact/hooks'

/** The page was changed, and nothing on the new one was chosen yet. */
let isAwaited = false

/** Who changed the page by the keyboard, or hears it, goes on at its heading: also at the one that follows "Reading". */
export function focusHeading(): void {
  isAwaited = true
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
}

addEventListener('focusin', ({ target }) => {
  if (!(target instanceof HTMLHeadingElement)) isAwaited = false
})

/** The one first heading of a page. */
export function Heading({ title }: { title: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const isFree = document.activeElement === null || document.activeElement === document.body
    if (isAwaited && isFree) heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <h1 ref={heading} tabIndex={-1}>
      {title}
    </h1>
  )
}
