import type { MistakeView } from '../../../src/admin/view.ts'
import { count } from '../format.ts'
import { Shape } from '../shape.tsx'
import { goToLine } from './code-editor.tsx'

interface MistakesProps {
  readonly id: string
  readonly text: string
  readonly mistakes: readonly MistakeView[]
}

/** What is wrong with the text, each with the line to go to. */
export function Mistakes({ id, text, mistakes }: MistakesProps) {
  return (
    <div class="mistakes">
      <output id={id}>
        {mistakes.length > 0 && (
          <strong class="bad">
            {count(mistakes.length, 'line is not served as written', 'lines are not served as written')}
          </strong>
        )}
      </output>
      {mistakes.length > 0 && (
        <ul class="plain">
          {mistakes.slice(0, 50).map(({ line, reason, refused }, i) => (
            <li key={`${i} ${line}`}>
              <span class={refused ? 'bad' : 'caution'}>
                <Shape name={refused ? 'bad' : 'caution'} />
              </span>{' '}
              <button type="button" class="text" onClick={() => goToLine(text, line)}>
                line {line}
              </button>{' '}
              {withoutPlace(reason)}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** The place is said by the button before it. */
const withoutPlace = (reason: string): string => reason.replace(/^.*?: line \d+: /, '')
