import type { FiguresView } from '../../../src/admin/traffic-view.ts'
import { dash, errorShare, milliseconds, rate, underName, whole } from '../format.ts'

interface LiveFiguresProps {
  readonly figures: FiguresView | null
  /** Null: everything. */
  readonly service: string | null
}

/** What passes through at this moment. */
export function LiveFigures({ figures, service }: LiveFiguresProps) {
  const idle = { requests: 0, errors: 0, p50: null, p99: null }
  const now =
    figures === null
      ? null
      : service === null
        ? figures.total
        : (underName(figures.services, service) ?? idle)
  const ms = (value: number | null | undefined): string =>
    value === null || value === undefined ? dash : milliseconds(value)
  return (
    <dl class="live-figures">
      <Figure name="requests a second">{now === null ? dash : rate(now.requests)}</Figure>
      <Figure
        name="errors"
        look={now === null || now.errors === 0 ? '' : now.errors < 0.05 ? 'caution' : 'bad'}
      >
        {now === null || now.requests === 0 ? dash : errorShare(now.errors)}
      </Figure>
      <Figure name="half within">{ms(now?.p50)}</Figure>
      <Figure name="99 of 100 within">{ms(now?.p99)}</Figure>
      {service === null && (
        <Figure name="client connections">
          {figures === null ? dash : whole(figures.total.connectionsOpen)}
        </Figure>
      )}
    </dl>
  )
}

interface FigureProps {
  readonly name: string
  readonly look?: string
  readonly children: string | number
}

function Figure({ name, look = '', children }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={look}>{children}</dd>
    </div>
  )
}
