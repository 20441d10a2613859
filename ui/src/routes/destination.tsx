import type { TargetView } from '../../../src/admin/view.ts'
import { isLink } from './rows.ts'

interface DestinationProps {
  readonly target: TargetView
  /** What to show of it. */
  readonly text: string
}

/** Where the requests go; a link where a browser can go there, too. */
export function Destination({ target, text }: DestinationProps) {
  if (!isLink(target.url)) return <span class="mono">{text}</span>
  return (
    <a class="mono" href={target.url} target="_blank" rel="noopener noreferrer">
      {text}
    </a>
  )
}
