import { useSignalEffect } from '@preact/signals'
import { useMemo, useState } from 'preact/hooks'
import { wordsOfError } from '../api.ts'
import { type Gateway, paced } from '../gateway.ts'
import { place } from '../navigation.ts'
import { NoTable } from '../no-table.tsx'
import { PageHead } from '../page-head.tsx'
import { registryName } from '../registry-line.tsx'
import { DocumentEditor } from './document-editor.tsx'
import { DocumentList } from './document-list.tsx'
import { readKeys } from './documents.ts'
import './overrides.css'

/** The manual overrides: read, written, and never over somebody else's. */
export function OverridesPage({ gateway }: { gateway: Gateway }) {
  const table = gateway.table.value
  const info = gateway.info.value
  const liveness = gateway.liveness.value
  if (table === null || info === null) return <NoTable title="Overrides" liveness={liveness} />
  const { registry } = table
  const isHere = registry.kind === 'consul'
  return (
    <>
      <PageHead title="Overrides" liveness={liveness}>
        <p class="says">
          Route commands that people write. They are applied after the tags of all services, document by
          document.
        </p>
      </PageHead>
      {info.access === 'ro' ? (
        <div class="empty">
          <strong>Read only</strong>
          <p>
            With <code>ui.access = ro</code> this gateway neither shows its overrides nor takes changes.
          </p>
        </div>
      ) : isHere ? (
        <Documents gateway={gateway} />
      ) : (
        <div class="empty">
          <strong>No overrides here</strong>
          <p>
            {registryName(registry)} is where all routes are written, at <code>{registry.address}</code>. Only
            Consul keeps overrides beside the tags of services.
          </p>
        </div>
      )}
    </>
  )
}

function Documents({ gateway }: { gateway: Gateway }) {
  const [keys, setKeys] = useState<readonly string[]>([])
  const [error, setError] = useState('')
  const open = place.value.rest
  const load = useMemo(
    () =>
      paced(2_000, async () => {
        try {
          setKeys(await readKeys())
          setError('')
        } catch (reason) {
          setError(wordsOfError(reason))
        }
      }),
    [],
  )
  useSignalEffect(() => {
    void gateway.table.value
    load()
  })
  return (
    <div class="overrides">
      <div>
        <DocumentList keys={keys} open={open} />
        {error !== '' && <p class="bad">{error}</p>}
      </div>
      <DocumentEditor key={open} documentKey={open} gateway={gateway} onSaved={load} />
    </div>
  )
}
