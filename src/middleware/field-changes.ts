import { fieldLine } from '../base/field-syntax.ts'
import { withoutFields } from '../proxy/field-lines.ts'
import type { FieldChanges, OwnAnswerLines } from '../proxy/plan.ts'
import type { FieldEdit } from '../route/field-edit.ts'

/** The edits, done one after the other, as what they come to. Null: nothing. */
export function compileFieldChanges(edits: readonly FieldEdit[]): FieldChanges | null {
  if (edits.length === 0) return null
  const except = new Set<string>()
  let added: { name: string; line: string }[] = []
  for (const { kind, name, value } of edits) {
    const lower = name.toLowerCase()
    if (kind !== 'add') {
      except.add(lower)
      added = added.filter((each) => each.name !== lower)
    }
    if (kind !== 'remove') added.push({ name: lower, line: fieldLine(name, value) })
  }
  return {
    except: except.size === 0 ? null : except,
    lines: added.map(({ line }) => line).join(''),
  }
}

/** What an answer of the gateway's own says for itself, whatever is set on answers. */
const saidByItself: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-type',
  'location',
  'retry-after',
  'www-authenticate',
  'x-gatehouse-error',
])

/** What the gateway's own answers bring of a route's changes. */
export function ownAnswerLines(answer: FieldChanges | null, sts: string): OwnAnswerLines {
  const plain = answer === null ? '' : withoutFields(answer.lines, saidByItself)
  return { plain, secure: plain + sts }
}

/**
 * The line of Strict-Transport-Security (RFC 6797 section 6.1), spelled as fabio does (reference 6.6).
 *
 * @param maxAge seconds; 0: no line
 */
export function stsLine({ maxAge, subdomains, preload }: StsOptions): string {
  if (maxAge <= 0) return ''
  const value = `max-age=${maxAge}${subdomains ? '; includeSubdomains' : ''}${preload ? '; preload' : ''}`
  return fieldLine('Strict-Transport-Security', value)
}

/** `proxy.header.sts.*` */
export interface StsOptions {
  readonly maxAge: number
  readonly subdomains: boolean
  readonly preload: boolean
}
