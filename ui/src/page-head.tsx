import type { ComponentChildren } from 'preact'
import { Heading } from './heading.tsx'
import type { Liveness } from './liveness.ts'
import { LivenessNote } from './liveness-note.tsx'

interface PageHeadProps {
  readonly title: string
  /** Said here where no toolbar of the page says it. */
  readonly liveness?: Liveness
  readonly children?: ComponentChildren
}

/** The heading of a page and what can be said of it in a line or two. */
export function PageHead({ title, liveness, children }: PageHeadProps) {
  return (
    <div class="page-head">
      <Heading title={title} />
      {liveness !== undefined && <LivenessNote liveness={liveness} />}
      {children}
    </div>
  )
}
