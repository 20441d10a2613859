import type { Liveness } from './liveness.ts'
import { Shape } from './shape.tsx'
import { Time } from './time.tsx'

/** Live, or out of date since when. An `output`, so that the change is read out. */
export function LivenessNote({ liveness }: { liveness: Liveness }) {
  const isBad = liveness.state === 'stale' || liveness.state === 'refused'
  return (
    <output class={`liveness ${isBad ? 'bad' : 'good'}`}>
      <Shape name={isBad ? 'bad' : 'good'} />{' '}
      {isBad ? (
        <>
          Out of date since <Time at={liveness.since} />,{' '}
          {liveness.state === 'stale' ? 'reconnecting' : <LogInAgain />}
        </>
      ) : (
        'Live'
      )}
    </output>
  )
}

/** The page is what a login leads back to: to load it anew is to be asked for one. */
export function LogInAgain() {
  return (
    <button type="button" onClick={() => location.reload()}>
      log in again
    </button>
  )
}
