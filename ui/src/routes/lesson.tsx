import { Time } from '../time.tsx'
import type { RowFigures } from './rows.ts'

/** Whether traffic has taught something that keeps requests from an instance, or may soon. */
export const isUnusual = ({ ejectedUntil, draining, rise, failures }: RowFigures): boolean =>
  ejectedUntil !== null || draining || rise < 1 || failures > 0

/** That, in a few words: what weighs most. */
export function Lesson({ figures: { ejectedUntil, draining, rise, failures } }: { figures: RowFigures }) {
  if (ejectedUntil !== null) {
    const until = Date.parse(ejectedUntil)
    if (until <= Date.now()) return <>ejected, the next request decides</>
    return (
      <>
        ejected until <Time at={until} />
      </>
    )
  }
  if (draining) return <>draining</>
  if (rise < 1) return <>starting, {Math.round(rise * 100)}% of its share</>
  return <>{failures === 1 ? '1 failure' : `${failures} failures in a row`}</>
}
