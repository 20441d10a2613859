import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { percent } from '../format.ts'
import { Destination } from './destination.tsx'
import { Health } from './health.tsx'
import type { Row } from './rows.ts'

interface DetailsProps {
  /** Holds a row while this is drawn. */
  readonly opened: Signal<Row | null>
  /** The present rows: the details follow their row. */
  readonly rows: readonly Row[]
}

/** All that is known of one row, in full length: the table cuts what does not fit. */
export function Details({ opened, rows }: DetailsProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])

  const present = rows.find((row) => row.key === opened.value?.key)
  const { host, path, target } = present ?? opened.value!
  return (
    <dialog
      ref={dialog}
      aria-labelledby="details"
      closedby="any"
      onClose={() => {
        opened.value = null
      }}
    >
      <h2 id="details">
        {target.service} at {host + path}
      </h2>
      {present === undefined && <p class="bad">It is no longer in the table. This is what it was.</p>}
      <dl>
        <Entry name="Health">
          <Health health={target.health} />
        </Entry>
        {target.reason !== '' && (
          <Entry name="Reason">
            <span class="output">{target.reason}</span>
          </Entry>
        )}
        <Entry name="Destination">
          <Destination target={target} text={target.url} />
        </Entry>
        <Entry name="Address">
          <span class="mono">{target.address}</span>
        </Entry>
        <Entry name="Instance">{target.instance}</Entry>
        <Entry name="Weight">
          {percent(target.share)}
          {!target.routed && ', it gets no requests in this state'}
          {target.weight > 0 && `, its tag asks for ${target.weight}`}
        </Entry>
        <Entry name="Tags">{target.tags.length === 0 ? 'none' : target.tags.join(', ')}</Entry>
        <Entry name="Options">{target.options === '' ? 'none' : target.options}</Entry>
      </dl>
      <button type="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  )
}

function Entry({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}
