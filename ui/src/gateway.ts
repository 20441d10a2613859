import { batch, type ReadonlySignal, signal } from '@preact/signals'
import { withChanges } from '../../src/admin/table-changes.ts'
import type { FiguresView } from '../../src/admin/traffic-view.ts'
import type { PageInfo, ProblemsView, SequencedTable, TableChanges, TableView } from '../../src/admin/view.ts'
import { ApiError, ask } from './api.ts'
import { type Liveness, nextLiveness } from './liveness.ts'

/** What the page knows of the gateway, kept up to date. */
export interface Gateway {
  /** Null until the gateway has said. */
  readonly info: ReadonlySignal<PageInfo | null>
  /** The newest table that arrived; null before the first. */
  readonly table: ReadonlySignal<TableView | null>
  /** What passes through now; null until the gateway can say. */
  readonly figures: ReadonlySignal<FiguresView | null>
  /** Read anew after each table; null before the first answer. */
  readonly problems: ReadonlySignal<ProblemsView | null>
  readonly liveness: ReadonlySignal<Liveness>
}

const reopenAfterMs = 3_000
/** Tables may come ten times a second; what is derived from them is asked for less often. */
const problemsEveryMs = 1_000

/** Reads the admin API below the base of the document for as long as the page lives. */
export function connect(): Gateway {
  const info = signal<PageInfo | null>(null)
  const table = signal<SequencedTable | null>(null)
  const figures = signal<FiguresView | null>(null)
  const problems = signal<ProblemsView | null>(null)
  const liveness = signal<Liveness>({ state: 'waiting' })
  const note = (event: 'table' | 'lost' | 'refused'): void => {
    liveness.value = nextLiveness(liveness.value, event, Date.now())
    if (event !== 'table') figures.value = null
  }

  const loadInfo = async (): Promise<void> => {
    try {
      info.value = await ask<PageInfo>('api/ui')
    } catch (error) {
      // Name and colour are not worth a word of their own: the connection that is failing too is shown.
      const isRefused = error instanceof ApiError && (error.status === 401 || error.status === 403)
      if (isRefused && liveness.value.state !== 'live') note('refused')
    }
  }
  const loadProblems = paced(problemsEveryMs, async () => {
    try {
      problems.value = await ask<ProblemsView>('api/problems')
    } catch {
      // What is known stays, and the page says since when it is not live.
    }
  })

  /** Reads an event's data, or says that the page cannot be trusted. */
  const read = <T>(data: string, take: (value: T) => void): void => {
    try {
      take(JSON.parse(data) as T)
    } catch (error) {
      console.error('gatehouse: an event of api/events could not be read', error)
      note('lost')
    }
  }

  const open = (): void => {
    const events = new EventSource(new URL('api/events', document.baseURI))
    events.addEventListener('open', () => void loadInfo())
    const take = (next: SequencedTable): void => {
      batch(() => {
        table.value = next
        note('table')
      })
      loadProblems()
    }
    events.addEventListener('table', ({ data }: MessageEvent<string>) => read<SequencedTable>(data, take))
    events.addEventListener('changes', ({ data }: MessageEvent<string>) =>
      read<TableChanges>(data, (changes) => {
        const next = table.value === null ? null : withChanges(table.value, changes)
        if (next !== null) return take(next)
        // Something was lost on the way: a new connection begins with the whole table.
        events.close()
        note('lost')
        open()
      }),
    )
    events.addEventListener('figures', ({ data }: MessageEvent<string>) =>
      read<FiguresView>(data, (next) => {
        figures.value = next
      }),
    )
    events.addEventListener('error', () => {
      note('lost')
      // A lost connection is made anew by the browser; after an answer other than 200 it gives up, and we do not.
      if (events.readyState !== EventSource.CLOSED) return
      void loadInfo()
      setTimeout(open, reopenAfterMs)
    })
  }
  open()
  return { info, table, figures, problems, liveness }
}

/** Runs at once, and once more after a while for all the calls that came meanwhile. Never twice at a time. */
export function paced(ms: number, run: () => Promise<void>): () => void {
  let isBusy = false
  let isWanted = false
  const start = (): void => {
    if (isBusy) {
      isWanted = true
      return
    }
    isBusy = true
    isWanted = false
    void run().then(() =>
      setTimeout(() => {
        isBusy = false
        if (isWanted) start()
      }, ms),
    )
  }
  return start
}
