import { useState } from 'preact/hooks'
import { whole } from '../format.ts'
import { CommandLine } from './command-line.tsx'
import { inPairs, type Sign } from './pairs.ts'
import './commands.css'

interface CommandDiffProps {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

const fewAreEnough = 12

/** Commands that came and went, those about the same target below each other. */
export function CommandDiff({ added, removed }: CommandDiffProps) {
  const [all, setAll] = useState(false)
  const lines = inPairs(added, removed)
  const shown = all ? lines : lines.slice(0, fewAreEnough)
  return (
    <div class="diff-box">
      <ul class="plain diff">
        {shown.map(({ sign, line }) => (
          <DiffLine key={sign + line} sign={sign} line={line} />
        ))}
      </ul>
      {lines.length > fewAreEnough && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show the first ${fewAreEnough} lines` : `Show all ${whole(lines.length)} lines`}
        </button>
      )}
    </div>
  )
}

interface DiffLineProps {
  readonly sign: Sign
  readonly line: string
}

export function DiffLine({ sign, line }: DiffLineProps) {
  const look = { '+': 'added', '-': 'removed', ' ': 'kept' }[sign]
  return (
    <li class={look}>
      <span class="sign" aria-hidden="true">
        {sign === '-' ? '−' : sign}
      </span>
      <span class="unseen">{sign === ' ' ? '' : `${look}: `}</span>
      <code>
        <CommandLine line={line} />
      </code>
    </li>
  )
}
