import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../base/errors.ts'
import { canonicalTarget, type Login, type LoginQuestion, type LoginRefusal, type Logins } from './login.ts'
import { peerOf, sendText } from './requests.ts'

/** Calls that have a body and change nothing. */
const readingCalls: ReadonlySet<string> = new Set(['POST /api/manual/check'])

/**
 * What is asked of every request before it is looked at any further. `/health` is for whoever balances load, and is
 * never closed.
 *
 * @param base of the paths: `ui.path`
 */
export function addGuard(app: FastifyInstance, { read, write }: Logins, base: string): void {
  app.addHook('onRequest', async (request, reply) => {
    if (isSafe(request) || request.routeOptions.url === '/health') return
    if (isFromElsewhere(request)) {
      return sendText(reply, 403, 'Forbidden: the request comes from a page of another site')
    }
    // What a form can send is no JSON: a browser asks first whether it may send that to another site.
    if (mayBeFromBrowser(request) && !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      return sendText(reply, 415, 'expected a body of the type application/json')
    }
  })
  if (read === null && write === null) return
  app.addHook('onRequest', async (request, reply) => {
    const path = request.routeOptions.url ?? ''
    if (path === '/health') return
    const call = `${request.method} ${path.startsWith(base) ? path.slice(base.length) : path}`
    const isReading = isSafe(request) || readingCalls.has(call)
    if (isReading && read === null) return
    // With a login for reading alone, who may read may write what ui.access lets be written.
    const needed = isReading ? read! : (write ?? read!)
    return askFor(request, reply, isReading && write !== null ? [needed, write] : [needed])
  })
}

/** @param any of these logins will do; who satisfies none gets the answer of the first */
async function askFor(
  request: FastifyRequest,
  reply: FastifyReply,
  any: readonly Login[],
): Promise<FastifyReply | undefined> {
  const target = canonicalTarget(request.raw.url!)
  if (target === null) return sendText(reply, 400, 'expected a path without dot segments')
  const gone = new AbortController()
  const question = questionOf(request, target, gone.signal)
  let refusal: LoginRefusal | null = null
  let failure: unknown = null
  const leave = (): void => gone.abort()
  reply.raw.on('close', leave)
  for (const login of new Set(any)) {
    try {
      const answer = await login.ask(question)
      if (answer.isAllowed) {
        reply.raw.off('close', leave)
        addFields(reply, answer.fields)
        return
      }
      refusal ??= answer
    } catch (error) {
      failure ??= error
    }
  }
  reply.raw.off('close', leave)
  if (failure === null) return refuse(reply, request.method, refusal!)
  return sendText(reply.header('retry-after', '1'), 503, `the login cannot be checked: ${messageOf(failure)}`)
}

const questionOf = (
  { method, headers, raw, ip }: FastifyRequest,
  target: string,
  signal: AbortSignal,
): LoginQuestion => ({
  method,
  target,
  host: headers.host ?? '',
  fields: raw.rawHeaders,
  peer: peerOf(ip),
  signal,
})

function addFields(reply: FastifyReply, fields: readonly string[]): void {
  for (let i = 0; i < fields.length; i += 2) reply.header(fields[i]!, fields[i + 1]!)
}

/** Of the login's own fields none is replaced: its page may need what ours must not have, a form for instance. */
function refuse(reply: FastifyReply, method: string, { status, fields, body }: LoginRefusal): FastifyReply {
  reply.hijack()
  const said = new Set(fields.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()))
  const all = [...fields]
  for (const [name, value] of refusalFields) if (!said.has(name)) all.push(name, value)
  all.push('content-length', String(body.length))
  reply.raw.writeHead(status, all).end(method === 'HEAD' ? undefined : body)
  return reply
}

const refusalFields = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
] as const

const isSafe = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD'

/**
 * Browsers say one or the other with all that is not GET or HEAD (Fetch, section 3.2), old ones not always; with a
 * cookie they would still be logged in.
 */
const mayBeFromBrowser = ({ headers }: FastifyRequest): boolean =>
  headers.origin !== undefined || headers['sec-fetch-site'] !== undefined || headers.cookie !== undefined

/**
 * Whether a page of another site has the browser send this. Without this check any page that an operator visits could
 * change routes: the browser knows the port, and the login.
 */
function isFromElsewhere({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const { origin, host } = headers
  if (origin === undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== host
}
