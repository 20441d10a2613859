import type { FieldView } from '../../../src/admin/view.ts'

interface MessageProps {
  /** `GET /cart HTTP/1.1` */
  readonly start: string
  readonly fields: readonly FieldView[]
  readonly body?: string
}

/** A request or an answer as it goes over the wire. */
export function Message({ start, fields, body = '' }: MessageProps) {
  return (
    <pre class="message">
      <b>{start}</b>
      {'\n'}
      {fields.map(({ name, value }, i) => (
        <span key={`${i} ${name}`}>
          <span class="field">{name}:</span> {value}
          {'\n'}
        </span>
      ))}
      {body !== '' && `\n${body}`}
    </pre>
  )
}
