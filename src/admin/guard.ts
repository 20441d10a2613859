import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../base/errors.ts'
import { sendText } from './requests.ts'

/** Who may do something: tells by the request's Authorization. */
export interface Login {
  /** The value of WWW-Authenticate (RFC 9110 section 11.6.1). */
  readonly challenge: string
  /** Throws, or rejects, where it cannot be found out: then nobody may. */
  check(authorization: string): boolean | Promise<boolean>
}

/** `ui.auth`. Null: whoever reaches the port. */
export interface Logins {
  readonly read: Login | null
  /** Who may write may read as well. */
  readonly write: Login | null
}

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
    if (isFromBrowser(request) && !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
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
    return askFor(request, reply, needed, isReading && write !== null ? [needed, write] : [needed])
  })
}

/** @param any of these logins will do; the challenge is that of the first */
async function askFor(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  needed: Login,
  any: readonly Login[],
): Promise<FastifyReply | undefined> {
  const authorization = headers.authorization ?? ''
  try {
    for (const login of any) if (await login.check(authorization)) return
  } catch (error) {
    return sendText(reply.header('retry-after', '1'), 503, `the login cannot be checked: ${messageOf(error)}`)
  }
  // In fabio's words (reference 6.11).
  return sendText(reply.header('www-authenticate', needed.challenge), 401, 'authorization failed')
}

const isSafe = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD'

/** Browsers say one or the other with all that is not GET or HEAD (Fetch, section 3.2). */
const isFromBrowser = ({ headers }: FastifyRequest): boolean =>
  headers.origin !== undefined || headers['sec-fetch-site'] !== undefined

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
