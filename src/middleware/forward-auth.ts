import type { ForwardClient, ForwardOptions, ServiceAnswer } from '../auth/forward.ts'
import { GatewayError } from '../base/errors.ts'
import { connectionFields, fieldLine, isFieldName, isFieldValue } from '../base/field-syntax.ts'
import { maskOf } from '../http1/field-names.ts'
import { listOfLines } from '../http1/field-section.ts'
import { unknownAddress } from '../proxy/client-identity.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { forwardedFor, forwardedProto } from '../proxy/forwarding-fields.ts'
import { encodePath } from '../proxy/path.ts'
import type { Middleware, Verdict } from '../proxy/plan.ts'
import { failed } from './basic-auth.ts'
import { refuse } from './refuse.ts'
import { sayUpstream, spellingsOf } from './trusted-fields.ts'

/**
 * `auth=` with a scheme of the type `forward`: a service is asked about each request. 2xx lets it pass; 3xx and 4xx are
 * the client's answer; with anything else, or without an answer in time, nobody passes.
 */
export function forwardAuth(options: ForwardOptions, client: ForwardClient): Middleware {
  const { name, requestHeaders, upstreamHeaders, responseHeaders } = options
  const except = spellingsOf(upstreamHeaders)
  const asked = requestHeaders === null ? null : lowerCased(requestHeaders)
  const upstream = lowerCased(upstreamHeaders)
  const toClient = lowerCased(responseHeaders)
  const settle = (exchange: Exchange, answer: ServiceAnswer): Verdict => {
    if (answer.status >= 300) return refusal(name, answer)
    if (upstream.size > 0)
      sayUpstream(
        exchange,
        linesOf(answer, (field) => upstream.has(field)),
        except,
      )
    if (toClient.size > 0) exchange.answerLines += linesOf(answer, (field) => toClient.has(field))
    return null
  }
  return {
    name: `auth ${name}`,
    hasEffects: true,
    run(exchange) {
      const question = client.ask(fieldsOf(exchange, asked))
      // A client that goes takes its question with it.
      const call = { resume() {}, abort: () => question.abort() }
      exchange.call = call
      const over = (): void => {
        if (exchange.call === call) exchange.call = null
      }
      return question.answer
        .finally(over)
        .then((answer) => settle(exchange, answer))
        .catch(failed(name))
    },
  }
}

const lowerCased = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => name.toLowerCase()))

/** Of the connection, of a body that is not sent along, of conditions and parts: they are not about this question. */
const ofThisHop = maskOf('host', 'contentLength', 'expect')
const notAsked: ReadonlySet<string> = new Set([
  'accept-encoding',
  'content-encoding',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
])
const nothing: ReadonlySet<string> = new Set()

/**
 * Fields by which services find out what they are asked about: ours to say, whatever a client says in them. Some take
 * `_` for `-`.
 */
const sayingWhat = /^(?:forwarded|x[-_](?:forwarded|original|rewrite)[-_].*|x[-_]real[-_]ip)$/i

/**
 * What the service is told: fields of the client, and the request as routing sees it. The path is the one that the route
 * was found by, or a client could have one path judged and another one served.
 */
function fieldsOf(exchange: Exchange, named: ReadonlySet<string> | null): string[] {
  const { fields, method, host, path, target, clientAddress } = exchange
  const all = listOfLines(fields.endToEnd(ofThisHop, notAsked, nothing))
  const told: string[] = []
  for (let i = 0; i < all.length; i += 2) {
    const [name = '', value = ''] = [all[i], all[i + 1]]
    if (!sayingWhat.test(name) && (named === null || named.has(name.toLowerCase()))) told.push(name, value)
  }
  const query = target.indexOf('?')
  told.push(
    ...['X-Forwarded-Method', method],
    ...['X-Forwarded-Proto', forwardedProto(exchange)],
    ...['X-Forwarded-Host', host],
    ...['X-Forwarded-Uri', encodePath(path) + (query === -1 ? '' : target.slice(query))],
    ...['X-Forwarded-For', forwardedFor(exchange)],
    ...(clientAddress === unknownAddress ? [] : ['X-Real-Ip', clientAddress]),
  )
  return told
}

function linesOf({ fields }: ServiceAnswer, isWanted: (lowerName: string) => boolean): string {
  let lines = ''
  for (let i = 0; i < fields.length; i += 2) {
    const [field = '', value = ''] = [fields[i], fields[i + 1]]
    const name = field.toLowerCase()
    const mayGoOn = isFieldName(field) && !connectionFields.has(name) && isFieldValue(value)
    if (mayGoOn && isWanted(name)) lines += fieldLine(field, value)
  }
  return lines
}

function refusal(name: string, answer: ServiceAnswer): Verdict {
  const { status, body, fields } = answer
  const lines = linesOf(answer, (field) => field !== 'content-type')
  if (body.length === 0 && (status === 401 || status === 403)) {
    const code = status === 401 ? 'GW_UNAUTHORIZED' : 'GW_FORBIDDEN'
    return refuse(new GatewayError(code, `auth ${name}: the service said ${status}`), lines)
  }
  const typeAt = fields.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === 'content-type')
  const stated = typeAt === -1 ? '' : fields[typeAt + 1]!
  const type = stated !== '' && isFieldValue(stated) ? stated : 'text/plain; charset=utf-8'
  return { status, lines, body: body.length === 0 ? null : { type, text: body }, error: null }
}
