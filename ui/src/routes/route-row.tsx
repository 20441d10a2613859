import { percent } from '../format.ts'
import { Destination } from './destination.tsx'
import { Health } from './health.tsx'
import { roles } from './roles.ts'
import { destinationOf, type Row } from './rows.ts'

interface RouteRowProps {
  readonly row: Row
  /** The row above it in what is shown, if any: what it says already is drawn quietly. */
  readonly above: Row | undefined
  readonly index: number
  /** The table version that changed it a moment ago, null when none did. */
  readonly mark: number | null
  onFocus(): void
  onOpen(): void
}

/** An instance below a route. On a narrow screen the same cells make a card. */
export function RouteRow({ row, above, index, mark, onFocus, onOpen }: RouteRowProps) {
  const { host, path, target } = row
  const sameHost = above?.host === host
  const sameRoute = sameHost && above?.path === path
  const look = [
    !target.routed && 'out',
    !sameHost && 'first-of-host',
    // Two names for one animation: a row that changes again while it is marked starts anew.
    mark !== null && (mark % 2 === 0 ? 'changed-even' : 'changed-odd'),
  ]
  return (
    <tr
      {...roles.row}
      class={look.filter(Boolean).join(' ')}
      style={{ '--at': index }}
      aria-rowindex={index + 2}
      onFocusIn={onFocus}
    >
      <td {...roles.cell} class={sameHost ? 'host again' : 'host'} title={host}>
        {host === '' ? <i>any host</i> : host}
      </td>
      <td {...roles.cell} class={sameRoute ? 'path again' : 'path'} title={path}>
        {path === '' ? <i>TCP</i> : path}
      </td>
      <td {...roles.cell} class="service" title={target.service}>
        {target.service}
      </td>
      <td {...roles.cell} class="instance" title={`${destinationOf(target)} ${target.instance}`}>
        <Destination target={target} text={destinationOf(target)} />
        <span class="id">{target.instance}</span>
      </td>
      <td {...roles.cell} class="share" style={{ '--share': target.share }}>
        {percent(target.share)}
      </td>
      <td {...roles.cell} class="tags" title={target.tags.join(', ')}>
        {target.tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
      </td>
      <td {...roles.cell} class="options" title={target.options}>
        {target.options}
      </td>
      <td {...roles.cell} class="state">
        <button
          type="button"
          aria-haspopup="dialog"
          aria-label={`${target.health}: details of ${target.instance} at ${host}${path}`}
          onClick={onOpen}
        >
          <Health health={target.health} />
        </button>
        {target.reason !== '' && (
          <span class="reason" title={target.reason}>
            {target.reason}
          </span>
        )}
      </td>
    </tr>
  )
}
