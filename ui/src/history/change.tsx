import { useState } from 'preact/hooks'
import type { ChangeView, HealthView, InstanceChangeView } from '../../../src/admin/view.ts'
import { CommandDiff } from '../commands/command-diff.tsx'
import { whole } from '../format.ts'
import { Health } from '../health.tsx'
import { linkTo } from '../place.ts'
import { Time } from '../time.tsx'
import { causeOf } from './changes.ts'
import { ChecksNow } from './checks-now.tsx'

/** A change of the table: when, why, and what came and went. */
export function Change({ change, version }: { change: ChangeView; version: number }) {
  const { at, instances, overrides, added, removed, total } = change
  const left = total.instances - instances.length
  const linesLeft = total.added + total.removed - added.length - removed.length
  return (
    <li class="change">
      <p class="when">
        <Time at={Date.parse(at)} />
        <span class="says">table {change.version}</span>
      </p>
      <div class="what">
        <h2>{causeOf(change)}</h2>
        {(instances.length > 0 || overrides.length > 0) && (
          <ul class="plain causes">
            {instances.map((each) => (
              <InstanceChange key={each.instance} change={each} version={version} />
            ))}
            {overrides.map(({ name, change: what }) => (
              <li key={name}>
                override <a href="manual">{name}</a> {what}
              </li>
            ))}
          </ul>
        )}
        {left > 0 && <p class="says">and {whole(left)} more instances</p>}
        {added.length + removed.length > 0 ? (
          <CommandDiff added={added} removed={removed} />
        ) : (
          <p class="says">The routes stay as they were.</p>
        )}
        {linesLeft > 0 && <p class="says">and {whole(linesLeft)} more lines</p>}
      </div>
    </li>
  )
}

function InstanceChange({ change, version }: { change: InstanceChangeView; version: number }) {
  const { service, instance, before, after, reason, tagsAdded, tagsRemoved } = change
  const [isOpen, setIsOpen] = useState(false)
  return (
    <li>
      <div class="who">
        <b>{instance}</b>
        <span>
          <State health={before} absent="not there" /> <span aria-hidden="true">→</span>
          <span class="unseen">then</span> <State health={after} absent="gone" />
        </span>
        <span class="links">
          <button type="button" class="text" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
            Its checks now
          </button>
          <a href={linkTo('routes', { filter: `instance:${instance}` })}>routes</a>
        </span>
      </div>
      {reason !== '' && <p class="output">{reason}</p>}
      {(tagsAdded.length > 0 || tagsRemoved.length > 0) && before !== null && after !== null && (
        <p class="tags">
          tags{' '}
          {tagsRemoved.map((tag) => (
            <del key={tag}>{tag}</del>
          ))}{' '}
          {tagsAdded.map((tag) => (
            <ins key={tag}>{tag}</ins>
          ))}
        </p>
      )}
      {isOpen && <ChecksNow service={service} instance={instance} version={version} />}
    </li>
  )
}

function State({ health, absent }: { health: HealthView | null; absent: string }) {
  return health === null ? <span class="quiet">{absent}</span> : <Health health={health} />
}
