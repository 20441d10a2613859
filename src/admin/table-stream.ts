import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Clock } from '../base/world.ts'
import type { RouteSchema } from './openapi.ts'
import { text } from './schema.ts'
import type { TableView } from './view.ts'

export interface StreamSources {
  table(): TableView
  /** Calls back after every change of the view; the returned function ends that. */
  subscribe(changed: () => void): () => void
}

const schema: RouteSchema = {
  summary: 'The route table at first and after every change, as server-sent events',
  response: { 200: text('events named "table", each with the JSON of /api/table') },
  media: { 200: 'text/event-stream' },
}

/** @param headers of every answer of this port */
export function addTableStream(
  app: FastifyInstance,
  sources: StreamSources,
  clock: Clock,
  headers: Readonly<Record<string, string>>,
): void {
  const streams = new Set<ServerResponse>()
  app.get('/api/events', { schema }, (_request, reply) => {
    const { raw: stream } = reply.hijack()
    streams.add(stream)
    stream.on('close', () => streams.delete(stream))
    stream.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    })
    return streamTable(reply, sources, clock)
  })
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.end()
  })
}

/** Changes that come within this many milliseconds of each other are sent as one. */
const gatherMs = 100
/** A comment now and then keeps proxies from closing the stream, and shows the page that the connection lives. */
const heartbeatMs = 15_000

/** Server-sent events: the whole view at first and after every change. */
function streamTable(reply: FastifyReply, sources: StreamSources, clock: Clock): FastifyReply {
  const stream = reply.raw
  let cancelSend: (() => void) | null = null
  const send = (): void => {
    cancelSend = null
    // A page that does not read gets the newest view once it does, and not all that it missed.
    if (stream.writableNeedDrain) stream.once('drain', schedule)
    else stream.write(`event: table\ndata: ${JSON.stringify(sources.table())}\n\n`)
  }
  const schedule = (): void => {
    cancelSend ??= clock.after(gatherMs, send)
  }
  const beat = (): void => {
    if (!stream.writableNeedDrain) stream.write(': still here\n\n')
    cancelBeat = clock.after(heartbeatMs, beat)
  }
  let cancelBeat = clock.after(heartbeatMs, beat)
  const unsubscribe = sources.subscribe(schedule)
  stream.on('close', () => {
    unsubscribe()
    cancelBeat()
    cancelSend?.()
  })
  send()
  return reply
}
