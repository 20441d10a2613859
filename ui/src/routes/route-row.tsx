import { dash, errorShare, milliseconds, percent, rate } from '../format.ts'
import { Health } from '../health.tsx'
import { Destination } from './destination.tsx'
import { hostName } from './host-row.tsx'
import { isUnusual, Lesson } from './lesson.tsx'
import { roles } from './roles.ts'
import { destinationOf, type Row, type RowFigures } from './rows.ts'

interface RouteRowProps {
  readonly row: Row
  /** The first of its route in what is shown: the others draw quietly what it says already. */
  readonly isFirst: boolean
  readonly index: number
  /** How many lines of each kind are above it. */
  readonly above: { readonly hosts: number; readonly rows: number }
  /** Null: nobody counts them. */
  readonly figures: RowFigures | null
  /** The table version that changed it a moment ago, null when none did. */
  readonly mark: number | null
  onFocus(): void
  onOpen(): void
}

/** An instance below a route. On a narrow screen the same cells make a card. */
export function RouteRow({ row, isFirst, index, above, figures, mark, onFocus, onOpen }: RouteRowProps) {
  const { host, path, target, from } = row
  const look = [
    !target.routed && 'out',
    // Two names for one animation: a row that changes again while it is marked starts anew.
    mark !== null && (mark % 2 === 0 ? 'changed-even' : 'changed-odd'),
  ]
  return (
    <tr
      {...roles.row}
      class={look.filter(Boolean).join(' ')}
      style={{ '--hosts-above': above.hosts, '--rows-above': above.rows }}
      aria-rowindex={index + 2}
      onFocusIn={onFocus}
    >
      <td {...roles.cell} class={isFirst ? 'route' : 'route again'} title={host + path}>
        <span class="of-host">{hostName(host)}</span>
        <span class="path">{path === '' ? <i>TCP</i> : path}</span>
      </td>
      <td {...roles.cell} class="service" title={target.service}>
        {target.service}
      </td>
      <td {...roles.cell} class="instance" title={`${destinationOf(target)} ${target.instance}`}>
        <Destination target={target} text={destinationOf(target)} />
        <span class="id">{target.instance}</span>
      </td>
      <td {...roles.cell} class="share number" style={{ '--share': target.share }}>
        {percent(target.share)}
      </td>
      <td {...roles.cell} class="rate number">
        {figures === null ? dash : rate(figures.requests)}
      </td>
      <td {...roles.cell} class={`errors number ${figures === null ? '' : errorLook(figures.errors)}`}>
        {figures === null || figures.requests === 0 ? dash : errorShare(figures.errors)}
      </td>
      <td {...roles.cell} class="p50 number">
        {figures === null || figures.p50 === null ? dash : milliseconds(figures.p50)}
      </td>
      <td {...roles.cell} class="p99 number">
        {figures === null || figures.p99 === null ? dash : milliseconds(figures.p99)}
      </td>
      <td {...roles.cell} class="inflight number">
        {figures === null ? dash : figures.inFlight}
      </td>
      <td {...roles.cell} class="options" title={[...target.tags, target.options].join(' ')}>
        {from !== 'tag' && <span class="from">{from}</span>}
        {target.tags.map((tag, i) => (
          // By its place too: nothing keeps an instance from having a tag twice.
          <span key={`${i} ${tag}`} class="tag">
            {tag}
          </span>
        ))}
        {target.options !== '' && <span class="option">{target.options}</span>}
      </td>
      <td {...roles.cell} class="state">
        <button
          type="button"
          aria-haspopup="dialog"
          aria-label={`${target.health}: details of ${target.instance || target.url} at ${host}${path}`}
          onClick={onOpen}
        >
          <Health health={target.health} />
        </button>
        <Condition figures={figures} reason={target.reason} />
      </td>
    </tr>
  )
}

/** What traffic taught goes before what its check says: that is in the details too. */
function Condition({ figures, reason }: { figures: RowFigures | null; reason: string }) {
  if (figures !== null && isUnusual(figures)) {
    return (
      <span class={`reason ${figures.ejectedUntil === null ? 'caution' : 'bad'}`}>
        <Lesson figures={figures} />
      </span>
    )
  }
  if (reason === '') return null
  return (
    <span class="reason" title={reason}>
      {reason}
    </span>
  )
}

/** From one in twenty it is what one looks for. */
const errorLook = (share: number): string => (share === 0 ? '' : share < 0.05 ? 'caution' : 'bad')
