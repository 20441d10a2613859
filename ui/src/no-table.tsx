import { Heading } from './heading.tsx'
import type { Liveness } from './liveness.ts'
import { LogInAgain } from './liveness-note.tsx'
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
        ) : liveness.state === 'refused' ? (
          <>
            <strong>The gateway wants a login.</strong> <LogInAgain />
          </>
        ) : (
          'Reading the table'
        )}
      </output>
    </>
  )
}
