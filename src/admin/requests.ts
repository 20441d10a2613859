import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RouteSchema } from './openapi.ts'

/** JSON as fabio sends it; `?pretty` indents it by four spaces (fabio reference 9). */
export function sendJson(request: FastifyRequest, reply: FastifyReply, value: unknown): FastifyReply {
  const space = 'pretty' in (request.query as object) ? 4 : 0
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(value, null, space))
}

type Answer = (
  request: FastifyRequest<{ Querystring: Record<string, string> }>,
  reply: FastifyReply,
) => unknown

const otherMethods = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** What fabio answers whatever the method (reference 9): the probe of a load balancer may ask in any way. */
export function answerAnyMethod(
  app: FastifyInstance,
  path: string,
  schema: RouteSchema,
  answer: Answer,
): void {
  app.get<{ Querystring: Record<string, string> }>(path, { schema }, answer)
  // Before the body is read, whatever it is.
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    await answer(request as Parameters<Answer>[0], reply)
    return reply
  }
  app.route({ method: otherMethods, url: path, onRequest, handler: answer as never })
}

/** Words with fabio's line end. */
export const sendText = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`)

/** A dual-stack socket shows IPv4 peers as `::ffff:10.0.0.1`. */
export const peerOf = (ip: string): string => (ip.startsWith('::ffff:') ? ip.slice(7) : ip)
