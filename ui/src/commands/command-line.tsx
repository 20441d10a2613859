import { tokensOf } from './tokens.ts'
import './commands.css'

/** A line of route commands in its colours. */
export function CommandLine({ line }: { line: string }) {
  return (
    <>
      {tokensOf(line).map(({ kind, text }, i) =>
        kind === 'space' ? (
          text
        ) : (
          <span key={i} class={`token-${kind}`}>
            {text}
          </span>
        ),
      )}
    </>
  )
}
