/** What the shapes stand for; each differs in outline, so that none needs its colour to be told from another. */
export type ShapeName = 'good' | 'caution' | 'bad' | 'paused' | 'none'

const outlines: Readonly<Record<ShapeName, string>> = {
  good: 'M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1z',
  caution: 'M6 .8 11.6 11H.4z',
  bad: 'M2.6.9 6 4.3 9.4.9l1.7 1.7L7.7 6l3.4 3.4-1.7 1.7L6 7.7 2.6 11.1.9 9.4 4.3 6 .9 2.6z',
  paused: 'M2 1h3v10H2zm5 0h3v10H7z',
  none: 'M2 5h8v2H2z',
}

/** Drawn in the colour of the text beside it, which says the same in words. */
export function Shape({ name }: { name: ShapeName }) {
  return (
    <svg class="shape" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      <path d={outlines[name]} fill="currentColor" />
    </svg>
  )
}
