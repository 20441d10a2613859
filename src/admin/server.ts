import { Readable } from 'node:stream'
import fastify, { type FastifyError, type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import { messageOf, StartError } from '../base/errors.ts'
import type { Clock } from '../base/world.ts'
import { fabioRoutes, fabioRouteText } from './fabio-routes.ts'
import { addGuard } from './guard.ts'
import type { Logins } from './login.ts'
import { type DescribedRoute, openApiOf, type RouteSchema } from './openapi.ts'
import { type AdminOverrides, addOverrideRoutes } from './override-api.ts'
import { addOwnRoutes, type OwnSources } from './own-api.ts'
import { addPages } from './pages.ts'
import { answerAnyMethod, sendJson, sendText } from './requests.ts'
import { text } from './schema.ts'
import { addTableStream, type StreamSources } from './table-stream.ts'
import { fabioRoutesSchema } from './view-schemas.ts'

export interface AdminOptions {
  /** Empty: all interfaces. */
  readonly host: string
  readonly port: number
  /** `ui.access`: with `ro` the manual overrides can be neither read nor written. */
  readonly access: 'rw' | 'ro'
  /** `ui.title`, `ui.color`: as fabio's page has them. */
  readonly title: string
  readonly color: string
  readonly version: string
  /** `ui.path`: below it is everything but `/health`; empty: nothing is before it. */
  readonly path: string
  /** The folder of the built UI. */
  readonly assets: string
}

/** What the admin port tells of. */
export interface AdminSources extends OwnSources, StreamSources {
  readonly logins: Logins
  /** Null: the registry keeps none. */
  readonly overrides: AdminOverrides | null
  /** The configuration in the structure of fabio (reference 9.4). */
  fabioConfig(): unknown
  metrics(): Promise<{ contentType: string; body: AsyncIterable<Buffer> }>
  /** False before it serves, and once it is going down: load balancers and Consul must stop sending to it first. */
  isHealthy(): boolean
}

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

/** Everything the page needs comes from this port, nothing else may run in it, and no other page may hold it. */
const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

/** Serves :9998. Rejects with a StartError that names the address. */
export async function startAdmin(
  options: AdminOptions,
  sources: AdminSources,
  clock: Clock,
): Promise<AdminServer> {
  const app = fastify({
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allowUnionTypes: true } },
  })
  const routes = collectRoutes(app, options.path)
  prepare(app)
  addGuard(app, sources.logins, options.path)
  addHealth(app, sources)
  const everythingElse: FastifyPluginAsync = (scope) =>
    addEverythingElse(scope, options, sources, clock, routes)
  await app.register(everythingElse, { prefix: options.path })
  try {
    await listen(app, options)
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

/** On all interfaces that is IPv6 and IPv4, and IPv4 alone where the system has no other. */
async function listen(app: FastifyInstance, { host, port }: AdminOptions): Promise<void> {
  try {
    await app.listen({ port, host: host === '' ? '::' : host })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (host !== '' || !withoutIpv6.has(code)) throw error
    await app.listen({ port, host: '0.0.0.0' })
  }
}

const withoutIpv6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])

/** All that `ui.path` is put before. */
async function addEverythingElse(
  app: FastifyInstance,
  options: AdminOptions,
  sources: AdminSources,
  clock: Clock,
  routes: readonly DescribedRoute[],
): Promise<void> {
  addFabioRoutes(app, options, sources)
  addOverrideRoutes(app, options.access, sources.overrides)
  const { title, color, version, access, path } = options
  addOwnRoutes(app, { title, color, version, access }, sources)
  addTableStream(app, sources, clock, securityHeaders)
  const openApiSchema: RouteSchema = {
    summary: 'This document',
    response: { 200: { type: 'object', additionalProperties: true } },
  }
  app.get('/api/openapi.json', { schema: openApiSchema }, (request, reply) =>
    sendJson(request, reply, openApiOf(routes, version, path)),
  )
  await addPages(app, options)
}

/** Routes that say what they are; the page's do not. Without `ui.path`. */
function collectRoutes(app: FastifyInstance, base: string): readonly DescribedRoute[] {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    const own = schema as Partial<RouteSchema> | undefined
    if (own?.response === undefined || method === 'HEAD') return
    const isBelow = url.startsWith(`${base}/`)
    const path = isBelow ? url.slice(base.length) : url
    routes.push({ method: String(method), path, isAtRoot: !isBelow, schema: own as RouteSchema })
  })
  return routes
}

/** What holds for every route. */
function prepare(app: FastifyInstance): void {
  // The schemas describe the answers, and must not cut anything from them.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  // As fabio: whatever a client calls it, a body is JSON.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(body as string))
    } catch (error) {
      done(Object.assign(new Error(`body: expected JSON: ${messageOf(error)}`), { statusCode: 400 }))
    }
  })
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(securityHeaders)
    // What is true now is not kept, and what a login has shown even less.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  app.setErrorHandler((error: FastifyError, _request, reply) =>
    reply.code(error.statusCode ?? 500).send({ error: error.message }),
  )
}

function addHealth(app: FastifyInstance, sources: AdminSources): void {
  const schema: RouteSchema = {
    summary: 'Whether requests should be sent to this gateway',
    response: { 200: text('OK'), 503: text('it does not serve yet, or is going down') },
    media: { 200: 'text/plain', 503: 'text/plain' },
  }
  answerAnyMethod(app, '/health', schema, (_request, reply) =>
    sources.isHealthy() ? sendText(reply, 200, 'OK') : sendText(reply, 503, 'not serving'),
  )
}

/** fabio's endpoints (reference 9). */
function addFabioRoutes(app: FastifyInstance, options: AdminOptions, sources: AdminSources): void {
  const plain = (summary: string, media = 'text/plain'): RouteSchema => ({
    summary,
    response: { 200: text() },
    media: { 200: media },
  })
  answerAnyMethod(app, '/api/version', plain('The version'), (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(options.version),
  )
  const routesSchema: RouteSchema = {
    summary: "fabio's route table: targets that get requests",
    querystring: {
      type: 'object',
      properties: { raw: text('as commands, in plain text'), pretty: text('indents the answer') },
    },
    response: { 200: fabioRoutesSchema },
  }
  answerAnyMethod(app, '/api/routes', routesSchema, (request, reply) => {
    const table = sources.table()
    if ('raw' in request.query) return reply.type('text/plain; charset=utf-8').send(fabioRouteText(table))
    return sendJson(request, reply, fabioRoutes(table))
  })
  const configSchema: RouteSchema = {
    summary: "The configuration in fabio's structure, durations in nanoseconds; secrets are not shown",
    querystring: { type: 'object', properties: { pretty: text('indents the answer') } },
    response: { 200: { type: 'object', additionalProperties: true } },
  }
  answerAnyMethod(app, '/api/config', configSchema, (request, reply) =>
    sendJson(request, reply, sources.fabioConfig()),
  )
  app.get(
    '/metrics',
    { schema: plain('Metrics in the text format of Prometheus') },
    async (_request, reply) => {
      const { contentType, body } = await sources.metrics()
      return reply.type(contentType).send(Readable.from(body))
    },
  )
}
