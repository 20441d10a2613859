import { FieldNames, type ReceivedFields } from '../../http1/field-section.ts'

/** How the parts of a trace find each other: W3C Trace Context, and B3 in one field or in several. */
export type Propagation = 'w3c' | 'b3' | 'b3multi'

/** What a request says of the trace that it belongs to. */
export interface TraceContext {
  /** 32 hexadecimal digits in lower case. */
  readonly traceId: string
  /** The span that sent it: 16 digits. */
  readonly parentId: string
  /** Whether its sender records it; null: it leaves that to us. */
  readonly isSampled: boolean | null
  /** Of `traceparent` beside sampled: that the trace id is random (Trace Context level 2). */
  readonly flags: number
  readonly form: Propagation
  /** B3 with a trace id of 16 digits: those who use it may know no other. */
  readonly isShort: boolean
}

/** What a request says where it is in no trace. */
export interface TraceAnswer {
  readonly context: TraceContext | null
  /** B3 may decide about recording and leave the ids to us. */
  readonly isSampled: boolean | null
}

const none: TraceAnswer = { context: null, isSampled: null }
const randomFlag = 0x02

const isNothing = (digits: string): boolean => /^0+$/.test(digits)

/** `00-TRACE-PARENT-FLAGS`; a later version may have more behind it (Trace Context section 3.2.4). */
const traceparentOf = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/
const b3Of = /^([\da-f]{16}|[\da-f]{32})-([\da-f]{16})(?:-([01d])(?:-[\da-f]{16})?)?$/

function w3c(fields: ReceivedFields): TraceContext | null {
  const lines = fields.all('traceparent')
  const [, version = '', traceId = '', parentId = '', flags = '', rest] =
    (lines.length === 1 && traceparentOf.exec(lines[0]!)) || []
  if (version === '' || version === 'ff' || isNothing(traceId) || isNothing(parentId)) return null
  if (version === '00' && rest !== undefined) return null
  const bits = Number.parseInt(flags, 16)
  return {
    traceId,
    parentId,
    isSampled: (bits & 1) === 1,
    flags: bits & randomFlag,
    form: 'w3c',
    isShort: false,
  }
}

function ofB3(
  traceId: string,
  parentId: string,
  isSampled: boolean | null,
  form: Propagation,
): TraceContext | null {
  if (isNothing(traceId) || isNothing(parentId)) return null
  const isShort = traceId.length === 16
  return { traceId: traceId.padStart(32, '0'), parentId, isSampled, flags: 0, form, isShort }
}

/** B3 in one field: `TRACE-SPAN-SAMPLED-PARENT`, or what it says of sampling alone. */
function b3(fields: ReceivedFields): TraceAnswer {
  const text = fields.first('b3')
  if (text === '') return none
  if (/^[01d]$/.test(text)) return { context: null, isSampled: text !== '0' }
  const [, traceId = '', spanId = '', sampled] = b3Of.exec(text) ?? []
  if (traceId === '') return none
  const isSampled = sampled === undefined ? null : sampled !== '0'
  const context = ofB3(traceId, spanId, isSampled, 'b3')
  return context === null ? none : { context, isSampled }
}

/** B3 in several fields. */
function b3multi(fields: ReceivedFields): TraceAnswer {
  const traceId = fields.first('x-b3-traceid')
  const spanId = fields.first('x-b3-spanid')
  const sampled = fields.first('x-b3-sampled')
  const isDebug = fields.first('x-b3-flags') === '1'
  const isSampled =
    isDebug || /^(?:1|true)$/.test(sampled) ? true : /^(?:0|false)$/.test(sampled) ? false : null
  if (!/^(?:[\da-f]{16}|[\da-f]{32})$/.test(traceId) || !/^[\da-f]{16}$/.test(spanId))
    return { context: null, isSampled }
  const context = ofB3(traceId, spanId, isSampled, 'b3multi')
  return context === null ? none : { context, isSampled }
}

/** What a request says: W3C before B3, one field before several. What cannot be read is not there. */
export function traceOf(fields: ReceivedFields): TraceAnswer {
  const context = w3c(fields)
  if (context !== null) return { context, isSampled: context.isSampled }
  const single = b3(fields)
  return single.context !== null || single.isSampled !== null ? single : b3multi(fields)
}

/** Fields of the client that say to which span a request belongs: from here on it is ours. */
export const traceFields = new FieldNames([
  'traceparent',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
])

/** As `traceFields`, where there is no `traceparent` that its `tracestate` could belong to (section 3.3). */
export const traceFieldsWithState = new FieldNames([...traceFields.names, 'tracestate'])

/**
 * The field lines that say so upstream, each ending in CRLF.
 *
 * @param parent what the client said; null: nothing
 */
export function traceLines(
  forms: readonly Propagation[],
  traceId: string,
  spanId: string,
  isSampled: boolean,
  parent: TraceContext | null,
): string {
  const asked = parent === null || forms.includes(parent.form) ? forms : [...forms, parent.form]
  const ofB3 = parent?.isShort === true ? traceId.slice(16) : traceId
  const sampled = isSampled ? '1' : '0'
  let lines = ''
  for (const form of asked) {
    if (form === 'w3c') {
      const flags = (isSampled ? 1 : 0) | (parent?.flags ?? 0)
      lines += `traceparent: 00-${traceId}-${spanId}-0${flags}\r\n`
    } else if (form === 'b3') lines += `b3: ${ofB3}-${spanId}-${sampled}\r\n`
    else lines += `X-B3-TraceId: ${ofB3}\r\nX-B3-SpanId: ${spanId}\r\nX-B3-Sampled: ${sampled}\r\n`
  }
  return lines
}
