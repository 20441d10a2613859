import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Clock } from '../base/world.ts'
import type { RouteSchema } from './openapi.ts'
import { text } from './schema.ts'
import type { FiguresView } from './traffic-view.ts'
import type { TableView } from './view.ts'

export interface StreamSources {
  table(): TableView
  /** Calls back after every change of the view; the returned function ends that. */
  subscribe(changed: () => void): () => void
  /** What passes through now; null: nothing can be said yet. */
  figures(): FiguresView | null
  /** Calls back whenever that is new, as long as somebody wants to know. */
  subscribeFigures(told: () => void): () => void
}

const schema: RouteSchema = {
  summary: 'The route table at first and after every change, and what passes through, as server-sent events',
  response: {
    200: text('events named "table", each with the JSON of /api/table, and "figures", about once a second'),
  },
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
/** Figures of so many characters are sent once in `largeEvery` times only. */
const largeFigures = 128 * 1024
const largeEvery = 5

/** Server-sent events: the whole view at first and after every change, and the figures as they come. */
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
  let skipped = 0
  const sendFigures = (): void => {
    const figures = sources.figures()
    // What is not read now is old by the time that it is.
    if (figures === null || stream.writableNeedDrain) return
    if (skipped > 0) skipped--
    else {
      const text = JSON.stringify(figures)
      stream.write(`event: figures\ndata: ${text}\n\n`)
      if (text.length > largeFigures) skipped = largeEvery - 1
    }
  }
  const beat = (): void => {
    if (!stream.writableNeedDrain) stream.write(': still here\n\n')
    cancelBeat = clock.after(heartbeatMs, beat)
  }
  let cancelBeat = clock.after(heartbeatMs, beat)
  const unsubscribe = sources.subscribe(schedule)
  const unsubscribeFigures = sources.subscribeFigures(sendFigures)
  stream.on('close', () => {
    unsubscribe()
    unsubscribeFigures()
    cancelBeat()
    cancelSend?.()
  })
  send()
  sendFigures()
  return reply
}
