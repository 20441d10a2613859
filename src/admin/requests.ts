import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Whether a page of another site has the browser send this. The port has no login, so without this check any page that
 * an operator visits could change routes.
 */
export function isFromElsewhere(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const { origin, host } = headers
  if (origin === undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== host
}

/** JSON as fabio sends it; `?pretty` indents it by four spaces (fabio reference 9). */
export function sendJson(request: FastifyRequest, reply: FastifyReply, value: unknown): FastifyReply {
  const space = 'pretty' in (request.query as object) ? 4 : 0
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(value, null, space))
}

/** Words with fabio's line end. */
export const sendText = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`)
