import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { FiguresView } from '../../../src/admin/traffic-view.ts'
import { errorShare, milliseconds, percent, rate } from '../format.ts'
import { Health } from '../health.tsx'
import { linkTo } from '../place.ts'
import { Destination } from './destination.tsx'
import { isUnusual, Lesson } from './lesson.tsx'
import { figuresOf, figuresOfInstance, type Passing, type Row } from './rows.ts'

interface DetailsProps {
  /** Holds a row while this is drawn. */
  readonly opened: Signal<Row | null>
  /** The present rows: the details follow their row. */
  readonly rows: readonly Row[]
  readonly figures: FiguresView | null
}

/** All that is known of one row, in full length: the table cuts what does not fit. */
export function Details({ opened, rows, figures: all }: DetailsProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])

  const present = rows.find((row) => row.key === opened.value?.key)
  const row = present ?? opened.value!
  const { host, path, target, from } = row
  const figures = figuresOf(row, all)
  const overAll = figuresOfInstance(row, all)
  const close = (): void => dialog.current?.close()
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
      <dl class="entries">
        <Entry name="Health">
          <Health health={target.health} />
          {figures !== null && isUnusual(figures) && (
            <span class={figures.ejectedUntil === null ? 'caution' : 'bad'}>
              , <Lesson figures={figures} />
            </span>
          )}
        </Entry>
        {target.reason !== '' && (
          <Entry name="Reason">
            <span class="output">{target.reason}</span>
          </Entry>
        )}
        {figures !== null && (
          <Entry name="Now">
            <PassingNow passing={figures} />
          </Entry>
        )}
        {overAll !== null && (
          <Entry name="All its routes">
            <PassingNow passing={overAll} />
          </Entry>
        )}
        <Entry name="Share">
          {percent(target.share)}
          {!target.routed && ', it gets no requests in this state'}
          {target.weight > 0 && `, it asks for a weight of ${target.weight}`}
        </Entry>
        <Entry name="Destination">
          <Destination target={target} text={target.url} />
        </Entry>
        <Entry name="Address">
          <span class="mono">{target.address}</span>
        </Entry>
        {target.instance !== '' && <Entry name="Instance">{target.instance}</Entry>}
        <Entry name="From">{from === 'tag' ? 'a tag of the instance' : `${from}: ${target.origin}`}</Entry>
        <Entry name="Tags">
          <Tags tags={target.tags} />
        </Entry>
        <Entry name="Options">{target.options === '' ? 'none' : target.options}</Entry>
      </dl>
      <div class="actions">
        <button type="button" onClick={close}>
          Close
        </button>
        {path !== '' && (
          <a href={linkTo('explain', { url: `http://${exampleHost(host)}${path}` })} onClick={close}>
            Explain a request to it
          </a>
        )}
        <a href={linkTo('history', { filter: target.instance || target.service })} onClick={close}>
          Its history
        </a>
        <a href={linkTo('traffic', { service: target.service })} onClick={close}>
          Traffic of {target.service}
        </a>
      </div>
    </dialog>
  )
}

/** Each by itself: one that turns the direction of writing must not turn that of its neighbours. */
function Tags({ tags }: { readonly tags: readonly string[] }) {
  if (tags.length === 0) return <>none</>
  return tags.map((tag, i) => (
    <>
      {i > 0 && ', '}
      <bdi>{tag}</bdi>
    </>
  ))
}

function PassingNow({ passing: { requests, errors, p50, p99, inFlight } }: { readonly passing: Passing }) {
  return (
    <>
      {rate(requests)} requests a second
      {requests > 0 && `, ${errorShare(errors)} errors`}
      {p50 !== null && `, half within ${milliseconds(p50)}`}
      {p99 !== null && `, 99 of 100 within ${milliseconds(p99)}`}
      {`, ${inFlight} in flight`}
    </>
  )
}

/** A name that a pattern matches, to begin with. */
const exampleHost = (host: string): string => (host === '' ? 'any.example' : host.replaceAll('*', 'any'))

function Entry({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}
