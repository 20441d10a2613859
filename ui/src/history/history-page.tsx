import { useSignalEffect } from '@preact/signals'
import { useMemo, useState } from 'preact/hooks'
import type { HistoryView } from '../../../src/admin/view.ts'
import { ask, wordsOfError } from '../api.ts'
import { Capped } from '../capped.tsx'
import { count } from '../format.ts'
import { type Gateway, paced } from '../gateway.ts'
import { place, setQuery } from '../navigation.ts'
import { NoTable } from '../no-table.tsx'
import { PageHead } from '../page-head.tsx'
import { Change } from './change.tsx'
import { changesWith } from './changes.ts'
import './history.css'

/** What changed in the table, when, and because of what. */
export function HistoryPage({ gateway }: { gateway: Gateway }) {
  const { history, error } = useHistory(gateway)
  const filter = place.value.query.get('filter') ?? ''
  const shown = useMemo(() => changesWith(history?.changes ?? [], filter), [history, filter])
  const liveness = gateway.liveness.value
  if (history === null && error === '') return <NoTable title="History" liveness={liveness} />
  const all = history?.changes ?? []
  const version = gateway.table.value?.version ?? 0
  return (
    <>
      <PageHead title="History" liveness={liveness}>
        <p class="facts">
          <span>{count(all.length, 'change')} of the table, the newest first</span>
          <span>the last {history?.capacity} are kept</span>
        </p>
      </PageHead>
      {error !== '' && <p class="bad">{error}</p>}
      <search class="history-filter">
        <label for="history-filter" class="unseen">
          Filter the changes
        </label>
        <input
          id="history-filter"
          type="search"
          placeholder="Filter by service, instance, route, reason"
          autocomplete="off"
          spellcheck={false}
          value={filter}
          onInput={(event) => setQuery({ filter: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 'Escape') setQuery({ filter: '' })
          }}
        />
        <output class="says">{filter !== '' && `${shown.length} of ${count(all.length, 'change')}`}</output>
      </search>
      {shown.length === 0 ? (
        <div class="empty">
          <strong>{all.length === 0 ? 'Nothing has changed yet' : 'No change fits'}</strong>
          <p>
            {all.length === 0
              ? 'What comes, goes, fails or is written over appears here as it happens.'
              : 'Only the newest changes are kept, and none of them says all of these words.'}
          </p>
        </div>
      ) : (
        <div class="history">
          <Capped
            items={shown}
            most={50}
            render={(change) => (
              <Change key={`${change.at} ${change.version}`} change={change} version={version} />
            )}
          />
        </div>
      )}
    </>
  )
}

interface Known {
  readonly history: HistoryView | null
  /** Why it could not be read last; empty: it could. */
  readonly error: string
}

/** Read at first and after every table. */
function useHistory(gateway: Gateway): Known {
  const [known, setKnown] = useState<Known>({ history: null, error: '' })
  const load = useMemo(
    () =>
      paced(1_000, async () => {
        try {
          const history = await ask<HistoryView>('api/history')
          setKnown({ history, error: '' })
        } catch (error) {
          setKnown(({ history }) => ({ history, error: wordsOfError(error) }))
        }
      }),
    [],
  )
  useSignalEffect(() => {
    if (gateway.table.value !== null) load()
  })
  return known
}
