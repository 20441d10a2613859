import { trimBlanks, visible } from '../base/field-syntax.ts'
import type { ExplainedTarget, Explanation, HypotheticalRequest } from '../observe/explain.ts'
import { whyNotNow } from './live-states.ts'
import type { ExplainedTargetView, ExplanationView, FieldView, TargetView } from './view.ts'

/** What somebody asks about. */
export interface ExplainQuery {
  /** `http://host/path?query`; `host/path` and `/path` do as well. */
  readonly url: string
  readonly method: string
  /** `Name: value` each; a Host among them goes before the one of the URL. */
  readonly header: readonly string[]
}

/** A question that cannot be answered, and why. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError'
}

/** A name, an IPv4 address or a bracketed IPv6 address, perhaps with a port; or nothing: anything else is refused. */
const authorityForm = /^(?:[\w.~!$&'()*+;=%-]{1,255}|\[[\da-f:.]{2,45}\])?(?::\d{0,5})?$/i

/** The request that is meant. Throws a QuestionError where it could not be sent. */
export function readQuestion(query: ExplainQuery, remoteAddress: string): HypotheticalRequest {
  const match = /^(?:(https?):\/\/|(?!\w+:\/\/))([^/?#\s@]*)([/?][^#]*)?(?:#.*)?$/isu.exec(query.url)
  if (match === null) {
    throw new QuestionError(
      `url: expected one like http://example.com/path, got ${JSON.stringify(query.url)}`,
    )
  }
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(query.method)) {
    throw new QuestionError(`method: expected a word like GET, got ${JSON.stringify(query.method)}`)
  }
  const [, scheme = 'http', authority = '', rest = '/'] = match
  // What a client would write for characters that no target may have.
  const target = visible(rest.startsWith('/') ? rest : `/${rest}`)
  let host = authority
  const fields: string[] = []
  for (const line of query.header) {
    const header = /^([!#$%&'*+.^_`|~\w-]+):(.*)$/.exec(line)
    if (header === null || /[\0\r\n]/.test(line)) {
      throw new QuestionError(`header: expected "Name: value", got ${JSON.stringify(line)}`)
    }
    const [, name = '', behind = ''] = header
    const value = trimBlanks(behind)
    if (name.toLowerCase() === 'host') host = value
    else fields.push(name, value)
  }
  if (!authorityForm.test(host)) {
    throw new QuestionError(`url: expected a host like example.com:8080, got ${JSON.stringify(host)}`)
  }
  return {
    method: query.method,
    host,
    target,
    fields,
    secure: scheme.toLowerCase() === 'https',
    remoteAddress,
  }
}

/**
 * @param known everything at the route, whether it gets requests or not, with its evidence
 * @param now milliseconds since the epoch
 */
export function explanationView(
  query: ExplainQuery,
  explanation: Explanation,
  known: readonly TargetView[],
  now: number,
): ExplanationView {
  const { tableVersion, host, path, hosts, route, why, answer } = explanation
  const left = [...explanation.targets]
  const takeServed = (target: TargetView): ExplainedTarget | null => {
    const at = left.findIndex(({ instance, url, service }) => {
      return instance === target.instance && url === target.url && service === target.service
    })
    return at === -1 ? null : left.splice(at, 1)[0]!
  }
  const targets = known.map((target): ExplainedTargetView => {
    const served = takeServed(target)
    const request = served?.request ?? null
    return {
      ...target,
      why: whyTarget(target, served, now),
      request:
        request === null
          ? null
          : { method: request.method, target: request.target, fields: fieldViews(request.fields) },
      asked: served?.asked ?? [],
    }
  })
  return {
    method: query.method,
    url: query.url,
    tableVersion,
    host,
    path,
    hosts,
    route,
    why,
    answer: answer === null ? null : { ...answer, fields: fieldViews(answer.fields) },
    targets: targets.sort((a, b) => b.share - a.share),
  }
}

/** Why it gets its part of the requests, and why not this one at this moment. */
function whyTarget(target: TargetView, served: ExplainedTarget | null, now: number): string {
  const share = whyShare(target)
  if (!target.routed || target.share === 0) return share
  const { limit = 0, isHome = null } = served ?? {}
  const { inFlight = 0 } = target
  const reasons = [
    share,
    isHome === null
      ? null
      : isHome
        ? 'this one belongs here: sticky='
        : 'this one belongs to another: sticky=',
    whyNotNow(target, now),
    limit > 0 && inFlight >= limit ? `it has ${inFlight} of at most ${limit} now: what comes waits` : null,
  ]
  return reasons.filter((reason) => reason !== null).join('; ')
}

function whyShare({ routed, share, weight, reason }: TargetView): string {
  if (!routed) return reason
  if (share === 0) return 'the weights of the others leave it no part of the requests'
  const part = `${Math.round(share * 10_000) / 100} % of the requests`
  return weight > 0 ? `it asks for ${weight} and gets ${part}` : `it gets ${part}`
}

function fieldViews(fields: readonly string[]): FieldView[] {
  const views: FieldView[] = []
  for (let i = 0; i < fields.length; i += 2) views.push({ name: fields[i]!, value: fields[i + 1]! })
  return views
}
