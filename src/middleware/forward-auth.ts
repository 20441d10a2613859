import { lowerCased, notAsked, passedOn, toldFields, typeOfBody } from '../auth/asked-fields.ts'
import type { ForwardClient, ForwardOptions, ServiceAnswer } from '../auth/forward.ts'
import { GatewayError } from '../base/errors.ts'
import { fieldLine } from '../base/field-syntax.ts'
import { maskOf } from '../http1/field-names.ts'
import { listOfLines } from '../http1/field-section.ts'
import { unknownAddress } from '../proxy/client-identity.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { forwardedFor, forwardedProto } from '../proxy/forwarding-fields.ts'
import { encodePath } from '../proxy/path.ts'
import type { Middleware, Verdict } from '../proxy/plan.ts'
import { failed } from './basic-auth.ts'
import { refuse } from './refuse.ts'
import { sayUpstream, trustedFields } from './trusted-fields.ts'

/**
 * `auth=` with a scheme of the type `forward`: a service is asked about each request. 2xx lets it pass; 3xx and 4xx are
 * the client's answer; with anything else, or without an answer in time, nobody passes.
 */
export function forwardAuth(options: ForwardOptions, client: ForwardClient): Middleware {
  const { name, requestHeaders, upstreamHeaders, responseHeaders } = options
  const trusted = trustedFields(upstreamHeaders)
  const asked = requestHeaders === null ? null : lowerCased(requestHeaders)
  const upstream = lowerCased(upstreamHeaders)
  const toClient = lowerCased(responseHeaders)
  const settle = (exchange: Exchange, answer: ServiceAnswer): Verdict => {
    if (answer.status >= 300) return refusal(name, answer)
    if (upstream.size > 0)
      sayUpstream(
        exchange,
        linesOf(answer, (field) => upstream.has(field)),
        trusted,
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

/** Of the connection, and of a body that is not sent along. */
const ofThisHop = maskOf('host', 'contentLength', 'expect')
const nothing: ReadonlySet<string> = new Set()

/**
 * What the service is told: fields of the client, and the request as routing sees it. The path is the one that the route
 * was found by, or a client could have one path judged and another one served.
 */
function fieldsOf(exchange: Exchange, named: ReadonlySet<string> | null): string[] {
  const { fields, method, host, path, target, clientAddress } = exchange
  const query = target.indexOf('?')
  return toldFields(listOfLines(fields.endToEnd(ofThisHop, notAsked, nothing)), named, {
    method,
    proto: forwardedProto(exchange),
    host,
    uri: encodePath(path) + (query === -1 ? '' : target.slice(query)),
    forwardedFor: forwardedFor(exchange),
    clientAddress: clientAddress === unknownAddress ? null : clientAddress,
  })
}

function linesOf(answer: ServiceAnswer, isWanted: (lowerName: string) => boolean): string {
  const fields = passedOn(answer, isWanted)
  let lines = ''
  for (let i = 0; i < fields.length; i += 2) lines += fieldLine(fields[i]!, fields[i + 1]!)
  return lines
}

function refusal(name: string, answer: ServiceAnswer): Verdict {
  const { status, body } = answer
  const lines = linesOf(answer, (field) => field !== 'content-type')
  if (body.length === 0 && (status === 401 || status === 403)) {
    const code = status === 401 ? 'GW_UNAUTHORIZED' : 'GW_FORBIDDEN'
    return refuse(new GatewayError(code, `auth ${name}: the service said ${status}`), lines)
  }
  const text = body.length === 0 ? null : { type: typeOfBody(answer), text: body }
  return { status, lines, body: text, error: null }
}
