import type { ServerResponse } from 'node:http'
import fastifyStatic from '@fastify/static'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { messageOf, StartError } from '../base/errors.ts'
import type { Clock } from '../base/world.ts'
import { fabioRoutes, fabioRouteText } from './fabio-routes.ts'
import type { TableView } from './view.ts'

export interface AdminOptions {
  /** Empty: all interfaces. */
  readonly host: string
  readonly port: number
  /** `ui.title`, `ui.color`: as fabio's page has them. */
  readonly title: string
  readonly color: string
  readonly version: string
  /** The folder of the built UI. */
  readonly assets: string
}

/** What the admin port tells of. */
export interface AdminSources {
  table(): TableView
  /** Calls back after every change of the view; the returned function ends that. */
  subscribe(changed: () => void): () => void
  metrics(): Promise<{ contentType: string; text: string }>
  /** False once the gateway is going down: load balancers and Consul must stop sending to it first. */
  isHealthy(): boolean
}

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

/** Everything the page needs comes from this port, and nothing else may run in it. */
const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** Serves :9998. Rejects with a StartError that names the address. */
export async function startAdmin(
  options: AdminOptions,
  sources: AdminSources,
  clock: Clock,
): Promise<AdminServer> {
  const app = fastify({ forceCloseConnections: true })
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(securityHeaders)
  })
  addFabioRoutes(app, options, sources)
  addOwnRoutes(app, options, sources, clock)
  await addUi(app, options)
  try {
    await app.listen(options.host === '' ? { port: options.port, host: '::' } : options)
  } catch (error) {
    const isBusy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const found = isBusy ? 'another process has it' : messageOf(error)
    throw new StartError(`ui.addr: cannot listen on ${options.host}:${options.port}: ${found}`, {
      cause: error,
    })
  }
  const address = app.server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () => app.close(),
  }
}

/** fabio's endpoints (reference 9). */
function addFabioRoutes(app: FastifyInstance, options: AdminOptions, sources: AdminSources): void {
  app.get('/health', (_request, reply) =>
    sources.isHealthy() ? reply.send('OK\n') : reply.code(503).send('going down\n'),
  )
  app.get('/api/version', (_request, reply) => reply.type('text/plain; charset=utf-8').send(options.version))
  app.get('/api/routes', (request: FastifyRequest<{ Querystring: Record<string, string> }>, reply) => {
    const table = sources.table()
    if ('raw' in request.query) return reply.type('text/plain; charset=utf-8').send(fabioRouteText(table))
    const space = 'pretty' in request.query ? 4 : 0
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(fabioRoutes(table), null, space))
  })
}

function addOwnRoutes(
  app: FastifyInstance,
  options: AdminOptions,
  sources: AdminSources,
  clock: Clock,
): void {
  const { title, color, version } = options
  app.get('/api/ui', () => ({ title, color, version }))
  app.get('/api/table', () => sources.table())
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await sources.metrics()
    return reply.type(contentType).send(text)
  })
  const streams = new Set<ServerResponse>()
  app.get('/api/events', (_request, reply) => streamTable(reply, sources, clock, streams))
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.end()
  })
}

/** Changes that come within this many milliseconds of each other are sent as one. */
const gatherMs = 100
/** A comment now and then keeps proxies from closing the stream, and shows the page that the connection lives. */
const heartbeatMs = 15_000

/** Server-sent events: the whole view at first and after every change. */
function streamTable(
  reply: FastifyReply,
  sources: AdminSources,
  clock: Clock,
  streams: Set<ServerResponse>,
): FastifyReply {
  reply.hijack()
  const stream = reply.raw
  streams.add(stream)
  stream.writeHead(200, {
    ...securityHeaders,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  })
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
    streams.delete(stream)
    unsubscribe()
    cancelBeat()
    cancelSend?.()
  })
  send()
  return reply
}

/** The page at `/routes`, where fabio has it; everything unknown leads there. */
async function addUi(app: FastifyInstance, { assets }: AdminOptions): Promise<void> {
  await app.register(fastifyStatic, { root: assets, index: false, wildcard: false })
  app.get('/routes', (_request, reply) => reply.sendFile('index.html', { maxAge: 0 }))
  app.get('/favicon.ico', (_request, reply) => reply.code(404).send())
  app.setNotFoundHandler((request, reply) => {
    if (request.method === 'GET' && !request.url.startsWith('/api/')) return reply.redirect('/routes', 303)
    return reply.code(404).send({ error: `no ${request.method} ${request.url}` })
  })
}
