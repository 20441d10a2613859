import { forwardingNames } from '../../proxy/forwarding-fields.ts'
import { compileRequestLines, type ForwardingOptions } from '../../proxy/headers.ts'
import { planOf } from '../../proxy/plan.ts'
import type { Target } from '../../route/table.ts'
import { type Entry, type Field, type FieldName, fields } from './fields.ts'
import { guarded, jsonOf } from './octets.ts'

/** Text as it is, a field, or a field of the request's head. */
export type FormatPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly field: FieldName }
  | { readonly kind: 'header'; readonly name: string }

/** Plain data. */
export interface AccessFormat {
  /** `json`: an object of the parts, which are fields all of them. */
  readonly form: 'text' | 'json'
  readonly parts: readonly FormatPart[]
}

/** Puts a line together, without its line feed. */
export type WriteLine = (entry: Entry) => string

/** Compiles a format into functions, once: a line is their results, one behind the other. */
export function compileFormat({ form, parts }: AccessFormat, forwarding: ForwardingOptions): WriteLine {
  const steps = keptByTarget(form === 'json' ? jsonSteps(parts, forwarding) : textSteps(parts, forwarding))
  /** Text between the functions: one more than there are of those. */
  const texts: string[] = ['']
  const reads: Field['read'][] = []
  for (const step of steps) {
    if (typeof step === 'string') texts[texts.length - 1] += step
    else {
      reads.push(step.read)
      texts.push('')
    }
  }
  const [first = ''] = texts
  // HOT: once for each line.
  return (entry) => {
    let line = first
    for (let i = 0; i < reads.length; i++) line += reads[i]!(entry) + texts[i + 1]!
    return line
  }
}

/** Text as it is, or a field in the form of the line. */
type Step = string | Pick<Field, 'read' | 'isOfTarget'>

/** Fields that stand together and say the same for all requests to a target become one, put together once for each. */
function keptByTarget(steps: readonly Step[]): Step[] {
  const kept: Step[] = []
  for (let at = 0; at < steps.length; ) {
    let end = at
    for (let next = at; next < steps.length && isOfTarget(steps[next]!); next++)
      if (typeof steps[next] !== 'string') end = next + 1
    if (end > at) kept.push({ read: onceForTarget(steps.slice(at, end)) })
    else kept.push(steps[end++]!)
    at = end
  }
  return kept
}

const isOfTarget = (step: Step): boolean => typeof step === 'string' || step.isOfTarget === true

function onceForTarget(steps: readonly Step[]): Field['read'] {
  const texts = new WeakMap<Target, string>()
  const write = (entry: Entry): string =>
    steps.map((step) => (typeof step === 'string' ? step : step.read(entry))).join('')
  return (entry) => {
    const { chosen, attempts } = entry.exchange
    // Who was not asked is not told of, and which route it was is another matter.
    if (chosen === null || attempts === 0) return write(entry)
    let text = texts.get(chosen)
    if (text === undefined) {
      text = write(entry)
      texts.set(chosen, text)
    }
    return text
  }
}

const fieldOf = (part: Exclude<FormatPart, { kind: 'text' }>, forwarding: ForwardingOptions): Field =>
  part.kind === 'field' ? fields[part.field] : headerField(part.name, forwarding)

const textSteps = (parts: readonly FormatPart[], forwarding: ForwardingOptions): Step[] =>
  parts.map((part): Step => {
    if (part.kind === 'text') return Buffer.from(part.text, 'utf8').toString('latin1')
    const { kind, read, isOfTarget } = fieldOf(part, forwarding)
    return {
      read: kind === 'client' ? (entry) => guarded(read(entry)) : read,
      ...(isOfTarget && { isOfTarget }),
    }
  })

/** `{"time":"…","status":200}`: the parts by their names, those of header fields as `header.NAME`. */
function jsonSteps(parts: readonly FormatPart[], forwarding: ForwardingOptions): Step[] {
  const steps: Step[] = ['{']
  for (const part of parts) {
    if (part.kind === 'text') continue
    const name = part.kind === 'field' ? part.field : `header.${part.name}`
    const { kind, read, isOfTarget } = fieldOf(part, forwarding)
    const step = (written: Field['read']): Step => ({ read: written, ...(isOfTarget && { isOfTarget }) })
    steps.push(`${steps.length === 1 ? '' : ','}${JSON.stringify(name)}:`)
    if (kind === 'plain') steps.push('"', step(read), '"')
    else
      steps.push(step(kind === 'number' ? (entry) => read(entry) || 'null' : (entry) => jsonOf(read(entry))))
  }
  return [...steps, '}']
}

/**
 * A field of the request, as it went to the upstream where the gateway has a word in it; X-Forwarded-For as the client
 * sent it (fabio reference 10.3).
 */
function headerField(name: string, forwarding: ForwardingOptions): Field {
  const lower = name.toLowerCase()
  const { clientIpHeader, requestIdHeader, tlsHeader } = forwarding
  const ours = [...forwardingNames, clientIpHeader, requestIdHeader, tlsHeader]
  const isOurs = ours.some((each) => each.toLowerCase() === lower) && lower !== 'x-forwarded-for'
  if (!isOurs) return { kind: 'client', read: ({ exchange }) => exchange.fields.first(lower) }
  // They are not kept once they are sent. Who asks for them has them written a second time.
  const requestLines = compileRequestLines(forwarding)
  return {
    kind: 'client',
    read({ exchange }) {
      const { chosen, attempts, host } = exchange
      if (chosen === null || attempts === 0) return exchange.fields.first(lower)
      const plan = planOf(chosen)
      return firstOf(requestLines(exchange, plan.host ?? host, plan), lower)
    },
  }
}

/** The value of the first of these field lines that has the name. */
function firstOf(lines: string, lowerName: string): string {
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon === lowerName.length && line.slice(0, colon).toLowerCase() === lowerName)
      return line.slice(colon + 2)
  }
  return ''
}
