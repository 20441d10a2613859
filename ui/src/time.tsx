import { timeOf } from './format.ts'

/** A moment in local time; `at` in milliseconds since the epoch. */
export function Time({ at }: { at: number }) {
  return <time dateTime={new Date(at).toISOString()}>{timeOf(at, Date.now())}</time>
}
