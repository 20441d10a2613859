import { Heading } from './heading.tsx'
import type { Liveness } from './liveness.ts'
import { Time } from './time.tsx'

/** A page while nothing was read yet. */
export function NoTable({ title, liveness }: { title: string; liveness: Liveness }) {
  return (
    <>
      <Heading title={title} />
      <output class="empty">
        {liveness.state === 'stale' ? (
          <>
            <strong>
              Not connected to the gateway since <Time at={liveness.since} />.
            </strong>
            <span>The table appears as soon as its admin port answers; nothing needs to be reloaded.</span>
          </>
        ) : (
          'Reading the table'
        )}
      </output>
    </>
  )
}
