import type { DryRunView } from '../../../src/admin/view.ts'
import { CommandDiff } from '../commands/command-diff.tsx'

/** What saving would change in the table. */
export function Effect({ result }: { result: DryRunView }) {
  const { added, removed } = result
  if (added.length + removed.length === 0) return <p class="says">Nothing: the routes stay as they are.</p>
  return <CommandDiff added={added} removed={removed} />
}
