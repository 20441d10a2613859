import { isIP } from 'node:net'
import type { Login, LoginAnswer, LoginQuestion } from '../admin/login.ts'
import { lowerCased, notAsked, passedOn, toldFields } from '../auth/asked-fields.ts'
import type { ForwardOptions, Question, ServiceAnswer } from '../auth/forward.ts'
import type { AddressSet } from '../base/address-set.ts'
import { connectionFields } from '../base/field-syntax.ts'

/** Asks a service, as `ForwardClient` does. */
export interface AsksService {
  ask(fields: readonly string[]): Question
}

/**
 * A scheme of the type `forward` at the admin port: as for a route, but that nobody is believed what it says of the way
 * to us unless it is one of `proxy.trusted`.
 */
export function forwardLogin(options: ForwardOptions, service: AsksService, trusted: AddressSet): Login {
  const named = options.requestHeaders === null ? null : lowerCased(options.requestHeaders)
  const toClient = lowerCased(options.responseHeaders)
  return {
    async ask(question) {
      const asked = service.ask(fieldsOf(question, named, trusted))
      const leave = (): void => asked.abort()
      question.signal.addEventListener('abort', leave, { once: true })
      try {
        const answer = await asked.answer
        if (answer.status >= 300) return refusal(answer)
        const fields = passedOn(answer, (name) => toClient.has(name) && !name.startsWith('content-'))
        return { isAllowed: true, fields }
      } finally {
        question.signal.removeEventListener('abort', leave)
      }
    },
  }
}

function fieldsOf(
  { method, host, target, fields, peer }: LoginQuestion,
  named: ReadonlySet<string> | null,
  trusted: AddressSet,
): string[] {
  const told = toldBy(trusted.has(peer) ? fields : [], trusted)
  return toldFields(endToEnd(fields), named, {
    method,
    proto: told.proto,
    host,
    uri: target,
    forwardedFor: [...told.hops, peer].join(', '),
    clientAddress: told.hops.length === 0 ? peer : told.clientAddress,
  })
}

/** Fields of the client that are not of the connection alone (RFC 9110 section 7.6.1). */
function endToEnd(fields: readonly string[]): string[] {
  const named = valuesOf(fields, 'connection').flatMap((value) => value.toLowerCase().split(/[\s,]+/))
  const left = new Set([...connectionFields, ...notAsked, ...named])
  return fields.flatMap((name, i) =>
    i % 2 === 1 || left.has(name.toLowerCase()) ? [] : [name, fields[i + 1]!],
  )
}

/** What a proxy that is believed tells of the way to it. */
function toldBy(fields: readonly string[], trusted: AddressSet) {
  const proto = (valuesOf(fields, 'x-forwarded-proto')[0] ?? '').split(',', 1)[0]!.trim().toLowerCase()
  const hops = valuesOf(fields, 'x-forwarded-for')
    .flatMap((value) => value.split(','))
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '')
  // The last hop that is none of them; the first where all are.
  const client = hops.findLast((hop) => !trusted.has(hop)) ?? hops[0] ?? ''
  return {
    proto: proto === 'https' ? 'https' : 'http',
    hops,
    clientAddress: isIP(client) === 0 ? null : client,
  }
}

const valuesOf = (fields: readonly string[], lowerName: string): string[] =>
  fields.flatMap((name, i) => (i % 2 === 0 && name.toLowerCase() === lowerName ? [fields[i + 1]!] : []))

function refusal(answer: ServiceAnswer): LoginAnswer {
  const { status, body } = answer
  const hasOwnWords = body.length === 0 && (status === 401 || status === 403)
  const fields = passedOn(answer, (name) => !hasOwnWords || name !== 'content-type')
  if (!hasOwnWords) return { isAllowed: false, status, fields, body }
  const words = Buffer.from(status === 401 ? 'authorization failed\n' : 'Forbidden\n')
  return {
    isAllowed: false,
    status,
    fields: [...fields, 'Content-Type', 'text/plain; charset=utf-8'],
    body: words,
  }
}
