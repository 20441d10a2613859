import { useEffect, useMemo, useState } from 'preact/hooks'
import type { TrafficView } from '../../../src/admin/traffic-view.ts'
import { ask, wordsOfError } from '../api.ts'
import { milliseconds, rate, whole } from '../format.ts'
import type { Gateway } from '../gateway.ts'
import { place } from '../navigation.ts'
import { NoTable } from '../no-table.tsx'
import { PageHead } from '../page-head.tsx'
import { Chart } from './chart.tsx'
import { LiveFigures } from './live-figures.tsx'
import { MinuteTable } from './minute-table.tsx'
import { knownPart, timesOf } from './points.ts'
import { ServiceTable, serviceOf } from './service-table.tsx'
import './traffic.css'

/** What passes through now and passed in the last half hour, whole or of one service. */
export function TrafficPage({ gateway }: { gateway: Gateway }) {
  const service = serviceOf(place.value.query.get('service'))
  const { view, error } = useTraffic(service)
  const figures = gateway.figures.value
  const liveness = gateway.liveness.value
  if (view === null && error === '') return <NoTable title="Traffic" liveness={liveness} />
  return (
    <>
      <PageHead title="Traffic" liveness={liveness}>
        <p class="facts">
          {service === null ? (
            <span>of all services, in the last 30 minutes</span>
          ) : (
            <>
              <span>
                of <b>{service === '' ? 'routes that had no instance to ask' : service}</b>, in the last 30
                minutes
              </span>
              <a href="traffic">all services</a>
            </>
          )}
        </p>
      </PageHead>
      {error !== '' && <output class="bad">{error}</output>}
      <LiveFigures figures={figures} service={service} />
      {view !== null && <Charts view={view} />}
      {view !== null && <ServiceTable view={view} figures={figures} service={service} />}
      {view !== null && <MinuteTable view={view} />}
    </>
  )
}

function Charts({ view }: { view: TrafficView }) {
  const shown = useMemo(() => knownPart(view), [view])
  const times = useMemo(() => timesOf(shown), [shown])
  const { series } = shown
  const of = useMemo(
    () => ({
      requests: [{ label: 'requests', color: '--link', values: series.requests }],
      errors: [{ label: 'errors', color: '--bad', values: series.errors }],
      latency: [
        { label: 'p50', color: '--good', values: series.p50 },
        { label: 'p99', color: '--paused', isDashed: true as const, values: series.p99 },
      ],
      connections: [
        { label: 'open', color: '--link', values: series.connectionsOpen },
        {
          label: 'accepted a second',
          color: '--caution',
          isDashed: true as const,
          values: series.connectionsAccepted,
        },
      ],
    }),
    [series],
  )
  if (times.length === 0) return <p class="says">The first point of the charts comes in a few seconds.</p>
  return (
    <div class="charts">
      <Chart title="Requests a second" write={rate} times={times} series={of.requests} />
      <Chart title="Errors a second" write={rate} times={times} series={of.errors} />
      <Chart title="Latency" write={milliseconds} times={times} series={of.latency} />
      {series.connectionsOpen.length > 0 && (
        <Chart
          title="Client connections"
          write={(value) => (value < 10 ? rate(value) : whole(Math.round(value)))}
          times={times}
          series={of.connections}
        />
      )}
    </div>
  )
}

interface Known {
  readonly view: TrafficView | null
  /** Why it could not be read last; empty: it could. */
  readonly error: string
}

/** Read anew with every point, while the page is looked at. */
function useTraffic(service: string | null): Known {
  const [known, setKnown] = useState<Known>({ view: null, error: '' })
  useEffect(() => {
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const query = service === null ? '' : `?${new URLSearchParams({ service })}`
    const load = async (): Promise<void> => {
      let everySeconds = 5
      try {
        const view = await ask<TrafficView>(`api/traffic${query}`, { signal: stop.signal })
        everySeconds = view.everySeconds
        setKnown({ view, error: '' })
      } catch (error) {
        if (stop.signal.aborted) return
        setKnown(({ view }) => ({ view, error: wordsOfError(error) }))
      }
      timer = setTimeout(wake, everySeconds * 1000)
    }
    const wake = (): void => {
      if (!document.hidden) void load()
    }
    const shown = (): void => {
      clearTimeout(timer)
      wake()
    }
    void load()
    document.addEventListener('visibilitychange', shown)
    return () => {
      stop.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', shown)
    }
  }, [service])
  return known
}
