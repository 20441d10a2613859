import type { TrafficView } from '../../../src/admin/traffic-view.ts'
import { dash, milliseconds, rate, timeOf, whole } from '../format.ts'
import { minutesOf } from './points.ts'

/** The charts in numbers, minute by minute. */
export function MinuteTable({ view }: { view: TrafficView }) {
  const minutes = minutesOf(view)
  const hasConnections = view.series.connectionsOpen.length > 0
  const or = (value: number | null, write: (value: number) => string): string =>
    value === null ? dash : write(value)
  return (
    <details class="minutes">
      <summary>The charts as a table</summary>
      <div class="scroll">
        <table class="figures">
          <thead>
            <tr>
              <th scope="col">Minute until</th>
              <th scope="col">Requests a second</th>
              <th scope="col">Errors a second</th>
              <th scope="col">p50</th>
              <th scope="col">p99</th>
              {hasConnections && <th scope="col">Connections</th>}
            </tr>
          </thead>
          <tbody>
            {minutes.map(({ at, requests, errors, p50, p99, connectionsOpen }) => (
              <tr key={at}>
                <th scope="row">{timeOf(at, Date.now())}</th>
                <td>{or(requests, rate)}</td>
                <td>{or(errors, rate)}</td>
                <td>{or(p50, milliseconds)}</td>
                <td>{or(p99, milliseconds)}</td>
                {hasConnections && <td>{or(connectionsOpen, (value) => whole(Math.round(value)))}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
