import { DiffLine } from '../commands/command-diff.tsx'
import { count } from '../format.ts'
import { diffLines, withContext } from './line-diff.ts'

interface TextDiffProps {
  readonly before: string
  readonly after: string
}

/** What differs between two texts, with a few lines around it. */
export function TextDiff({ before, after }: TextDiffProps) {
  const lines = withContext(diffLines(before, after))
  if (!lines.some((line) => 'sign' in line && line.sign !== ' '))
    return <p class="says">The texts are alike.</p>
  return (
    <ul class="plain diff">
      {lines.map((line, i) =>
        'skipped' in line ? (
          <li key={i} class="gap">
            {count(line.skipped, 'line')}
          </li>
        ) : (
          <DiffLine key={i} sign={line.sign} line={line.line} />
        ),
      )}
    </ul>
  )
}
