import { useState } from 'preact/hooks'
import type { FiguresView, TrafficView } from '../../../src/admin/traffic-view.ts'
import { count, dash, errorShare, milliseconds, rate, underName, whole } from '../format.ts'
import { linkTo } from '../place.ts'

interface ServiceTableProps {
  readonly view: TrafficView
  readonly figures: FiguresView | null
  /** Whose series are shown; null: everything. */
  readonly service: string | null
}

const fewAreEnough = 20

/** Who gets the traffic: each service with what passes now and what passed in the time of the charts. */
export function ServiceTable({ view, figures, service }: ServiceTableProps) {
  const [all, setAll] = useState(false)
  const { services, omitted } = view
  const shown = all ? services : services.slice(0, fewAreEnough)
  return (
    <section class="services" aria-labelledby="services">
      <h2 id="services">Services</h2>
      {services.length === 0 ? (
        <p class="says">No request in the last 30 minutes.</p>
      ) : (
        <div class="scroll">
          <table class="figures">
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col">Req/s</th>
                <th scope="col">Errors</th>
                <th scope="col">p50</th>
                <th scope="col">p99</th>
                <th scope="col">Requests in 30 min</th>
                <th scope="col">Errors in 30 min</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((each) => {
                const now = figures === null ? undefined : underName(figures.services, each.service)
                return (
                  <tr key={each.service} class={each.service === service ? 'current' : ''}>
                    <th scope="row">
                      <a
                        href={linkTo('traffic', { service: serviceWord(each.service) })}
                        aria-current={each.service === service ? 'true' : undefined}
                      >
                        {each.service === '' ? <i>no instance</i> : each.service}
                      </a>
                    </th>
                    <td>{figures === null ? dash : rate(now?.requests ?? 0)}</td>
                    <td class={look(now?.errors ?? 0)}>
                      {now === undefined ? dash : errorShare(now.errors)}
                    </td>
                    <td>{now === undefined || now.p50 === null ? dash : milliseconds(now.p50)}</td>
                    <td>{now === undefined || now.p99 === null ? dash : milliseconds(now.p99)}</td>
                    <td>{whole(each.requests)}</td>
                    <td class={look(each.errors / Math.max(1, each.requests))}>{whole(each.errors)}</td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
      {services.length > fewAreEnough && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show the first ${fewAreEnough}` : `Show all ${whole(services.length)}`}
        </button>
      )}
      {omitted > 0 && (
        <p class="says">
          {count(omitted, 'more service has', 'more services have')} traffic and no series: too many others
          have one.
        </p>
      )}
    </section>
  )
}

const look = (share: number): string => (share === 0 ? '' : share < 0.05 ? 'caution' : 'bad')

/** The empty name cannot stand in a query. */
export const noInstance = '(no instance)'
export const serviceWord = (service: string): string => (service === '' ? noInstance : service)
export const serviceOf = (word: string | null): string | null => (word === noInstance ? '' : word || null)
