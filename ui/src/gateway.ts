import { batch, type ReadonlySignal, signal } from '@preact/signals'
import type { TableView } from '../../src/admin/view.ts'
import { type Liveness, nextLiveness } from './liveness.ts'

/** What `GET /api/ui` answers: how the operator named and coloured this gateway. */
export interface UiInfo {
  /** `ui.title`, may be empty. */
  readonly title: string
  /** `ui.color`, a colour of Materialize. */
  readonly color: string
  readonly version: string
}

/** What the page knows of the gateway, kept up to date. */
export interface Gateway {
  /** Null until the gateway has said. */
  readonly info: ReadonlySignal<UiInfo | null>
  /** The newest table that arrived; null before the first. */
  readonly table: ReadonlySignal<TableView | null>
  readonly liveness: ReadonlySignal<Liveness>
}

const reopenAfterMs = 3_000

/** Reads the admin API below `base` (a URL that ends in `/`, or a page beside `api/`) for as long as the page lives. */
export function connect(base: string): Gateway {
  const info = signal<UiInfo | null>(null)
  const table = signal<TableView | null>(null)
  const liveness = signal<Liveness>({ state: 'waiting' })
  const note = (event: 'table' | 'lost'): void => {
    liveness.value = nextLiveness(liveness.value, event, Date.now())
  }

  const loadInfo = async (): Promise<void> => {
    try {
      const answer = await fetch(new URL('api/ui', base))
      if (answer.ok) info.value = (await answer.json()) as UiInfo
    } catch {
      // Name and colour are not worth a word of their own: the connection that is failing too is shown.
    }
  }

  const open = (): void => {
    const events = new EventSource(new URL('api/events', base))
    events.addEventListener('open', () => void loadInfo())
    events.addEventListener('table', ({ data }: MessageEvent<string>) => {
      try {
        const next = JSON.parse(data) as TableView
        batch(() => {
          table.value = next
          note('table')
        })
      } catch (error) {
        console.error('gatehouse: an event of api/events could not be read', error)
        note('lost')
      }
    })
    events.addEventListener('error', () => {
      note('lost')
      // A lost connection is made anew by the browser; after an answer other than 200 it gives up, and we do not.
      if (events.readyState === EventSource.CLOSED) setTimeout(open, reopenAfterMs)
    })
  }
  open()
  return { info, table, liveness }
}
