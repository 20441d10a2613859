import type { Liveness } from './liveness.ts'
import { Shape } from './shape.tsx'
import { Time } from './time.tsx'

/** Live, or out of date since when. An `output`, so that the change is read out. */
export function LivenessNote({ liveness }: { liveness: Liveness }) {
  const stale = liveness.state === 'stale'
  return (
    <output class={`liveness ${stale ? 'bad' : 'good'}`}>
      <Shape name={stale ? 'bad' : 'good'} />{' '}
      {liveness.state === 'stale' ? (
        <>
          Out of date since <Time at={liveness.since} />, reconnecting
        </>
      ) : (
        'Live'
      )}
    </output>
  )
}
