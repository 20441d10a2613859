import { useEffect, useState } from 'preact/hooks'
import type { InstanceView, ServicesView } from '../../../src/admin/view.ts'
import { ask, wordsOfError } from '../api.ts'
import { Health } from '../health.tsx'

interface ChecksNowProps {
  readonly service: string
  readonly instance: string
  /** Of the table: with another one, it is asked again. */
  readonly version: number
}

/** What the checks of an instance say now. */
export function ChecksNow({ service, instance, version }: ChecksNowProps) {
  const [found, setFound] = useState<InstanceView | 'gone' | null>(null)
  const [error, setError] = useState('')
  useEffect(() => {
    const stop = new AbortController()
    const path = `api/services?${new URLSearchParams({ service })}`
    ask<ServicesView>(path, { signal: stop.signal }).then(
      ({ services }) => {
        setFound(services[0]?.instances.find((each) => each.instance === instance) ?? 'gone')
        setError('')
      },
      (reason: unknown) => {
        if (!stop.signal.aborted) setError(wordsOfError(reason))
      },
    )
    return () => stop.abort()
  }, [service, instance, version])

  if (error !== '') return <p class="checks bad">{error}</p>
  if (found === null) return <p class="checks says">Asking</p>
  if (found === 'gone') return <p class="checks says">It is not registered any more.</p>
  return (
    <div class="checks">
      <p>
        now <Health health={found.health} />
        {found.routed ? ', it gets requests' : ', it gets no requests'}
      </p>
      {found.reason !== '' && <p class="output">{found.reason}</p>}
      <p class="says">
        tags{' '}
        {found.tags.map((tag) => (
          <code key={tag} class="tag">
            {tag}
          </code>
        ))}
      </p>
    </div>
  )
}
