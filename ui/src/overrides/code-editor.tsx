import { memo } from 'preact/compat'
import type { MistakeView } from '../../../src/admin/view.ts'
import { CommandLine } from '../commands/command-line.tsx'

interface CodeEditorProps {
  readonly label: string
  readonly text: string
  readonly mistakes: readonly MistakeView[]
  /** Id of what says the mistakes in words. */
  readonly describedBy: string
  onInput(text: string): void
  onSave(): void
}

/**
 * A field for route commands. What is typed into it is painted behind it in colours: the field itself is an ordinary
 * one, with everything that browsers and readers of screens can do with such.
 */
export function CodeEditor({ label, text, mistakes, describedBy, onInput, onSave }: CodeEditorProps) {
  const lines = text.split('\n')
  const wrong = new Map(mistakes.map(({ line, refused }) => [line, refused]))
  return (
    <div class="code-editor">
      <div class="paint" aria-hidden="true">
        {lines.map((line, i) => {
          const refused = wrong.get(i + 1)
          const look = refused === undefined ? '' : refused ? 'refused' : 'doubtful'
          return <PaintedLine key={i} line={line} number={i + 1} look={look} />
        })}
      </div>
      <textarea
        id="code"
        aria-label={label}
        aria-describedby={describedBy}
        aria-invalid={mistakes.length > 0}
        wrap="off"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        value={text}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 's' || !(event.ctrlKey || event.metaKey)) return
          event.preventDefault()
          onSave()
        }}
      />
    </div>
  )
}

interface PaintedLineProps {
  readonly line: string
  readonly number: number
  readonly look: '' | 'refused' | 'doubtful'
}

const PaintedLine = memo(({ line, number, look }: PaintedLineProps) => (
  <div class={`code-line ${look}`}>
    <span class="number">{number}</span>
    <code>
      <CommandLine line={line} />
      {'\n'}
    </code>
  </div>
))

/** Puts the caret at the end of a line of the field. */
export function goToLine(text: string, line: number): void {
  const field = document.getElementById('code') as HTMLTextAreaElement | null
  const end = text.split('\n').slice(0, line).join('\n').length
  field?.focus()
  field?.setSelectionRange(end, end)
}
