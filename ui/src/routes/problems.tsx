import { useState } from 'preact/hooks'
import type { ProblemView } from '../../../src/admin/view.ts'
import { Shape } from '../shape.tsx'

const fewAreEnough = 5

/** What somebody wrote and is not served, with the reason. Nothing when there is none. */
export function Problems({ problems }: { problems: readonly ProblemView[] }) {
  const [all, setAll] = useState(false)
  if (problems.length === 0) return null
  const listed = all ? problems : problems.slice(0, fewAreEnough)
  return (
    <section class="problems" aria-labelledby="problems">
      <h2 id="problems">
        <Shape name="caution" /> Problems ({problems.length})
      </h2>
      <ul>
        {listed.map(({ service, instance, text, reason }) => (
          <li key={[service, instance, text].join('\n')}>
            <code>{text}</code>
            <span class="of">
              of <b>{service}</b> ({instance})
            </span>
            <span class="why">{reason}</span>
          </li>
        ))}
      </ul>
      {problems.length > fewAreEnough && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show the first ${fewAreEnough}` : `Show all ${problems.length}`}
        </button>
      )}
    </section>
  )
}
