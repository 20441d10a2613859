import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, isIP, type Socket } from 'node:net'
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { messageOf, StartError } from '../../base/errors.ts'
import type { World } from '../../base/world.ts'
import { LocalAgent } from './agent.ts'
import { agentEndpoints } from './agent-endpoints.ts'
import { type Answer, type Call, done, type Endpoint, json, problem } from './answer.ts'
import { RaftIndex, Topics } from './blocking.ts'
import { Catalog } from './catalog.ts'
import { catalogEndpoints } from './catalog-endpoints.ts'
import { KeyValues } from './kv.ts'
import { kvEndpoints } from './kv-endpoints.ts'
import type { Node } from './objects.ts'
import { RefusedError } from './refused.ts'

export interface EmbeddedRegistryOptions {
  /** Address to listen on, `127.0.0.1` if absent. */
  readonly host?: string
  /** 0: a free one. */
  readonly port: number
  /** Name of the one node, `gatehouse` if absent. */
  readonly node?: string
  /** Address of the node: that of services which are registered without one. `127.0.0.1` if absent. */
  readonly nodeAddress?: string
  /** Index of the first write, 10 if absent. */
  readonly firstIndex?: number
  readonly world: World
  /** Absent: nothing stands between the wire and the answers. */
  readonly interceptor?: Interceptor
}

export interface EmbeddedRegistry {
  /** `http://127.0.0.1:8500` */
  readonly url: string
  readonly port: number
  /** Name of the node that services belong to. */
  readonly node: string
  /** Ends every check, blocked query and connection. Safe to call twice. */
  close(): Promise<void>
}

/** Stands between the wire and the answers, for tests that need a registry which misbehaves. */
export interface Interceptor {
  connected(socket: Socket): void
  /**
   * Called for each request. `answer` computes what would be answered; its signal ends a blocked query early. Null:
   * the response was or will be dealt with, or the connection is gone.
   */
  intercept(
    path: string,
    call: Call,
    response: ServerResponse,
    answer: (early: AbortSignal) => Promise<Answer>,
  ): Promise<Answer | null>
}

/** The Consul whose API this is; the suffix says that it is not one. */
const version = '1.8.7+embedded'
const datacenter = 'dc1'
const serverPort = 8300

const allMethods = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']
const largestBody = 16 * 1024 * 1024
/** Clients that keep connections for a minute must not meet one that is being closed. */
const keepAliveMs = 120_000

/**
 * A small server of Consul's HTTP API: agent, catalog, health and KV with blocking queries, and checks that really
 * run. It is for trying and for development: one node, everything in memory, no ACLs, every namespace the same.
 *
 * Rejects with a StartError that names the address.
 */
export async function startEmbeddedRegistry(options: EmbeddedRegistryOptions): Promise<EmbeddedRegistry> {
  const { host = '127.0.0.1', port, world, interceptor } = options
  const node: Node = {
    ID: randomUUID(),
    Node: options.node ?? 'gatehouse',
    Address: options.nodeAddress ?? '127.0.0.1',
    Datacenter: datacenter,
    TaggedAddresses: taggedNodeAddresses(options.nodeAddress ?? '127.0.0.1'),
    Meta: { 'consul-network-segment': '' },
  }
  const raft = new RaftIndex(options.firstIndex ?? 10)
  const topics = new Topics()
  const catalog = new Catalog(raft, topics)
  registerServer(catalog, node)
  const agent = new LocalAgent(node, catalog, world)
  const context = { datacenter, topics, world }
  const endpoints: Endpoint[] = [
    { path: '/v1/status/leader', methods: { GET: () => json(`${node.Address}:${serverPort}`) } },
    ...agentEndpoints(agent, version),
    ...catalogEndpoints(catalog, context),
    ...kvEndpoints(new KeyValues(raft, topics), context),
  ]
  const app = createApp(endpoints, interceptor)
  try {
    await app.listen({ host, port })
  } catch (error) {
    agent.close()
    await app.close()
    const isBusy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const found = isBusy ? 'another process has it' : messageOf(error)
    throw new StartError(`embedded registry: cannot listen on ${host}:${port}: ${found}`, { cause: error })
  }
  const bound = (app.server.address() as AddressInfo).port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    node: node.Node,
    async close() {
      agent.close()
      await app.close()
    },
  }
}

function taggedNodeAddresses(address: string): Record<string, string> {
  const version = isIP(address)
  if (version === 0) return { lan: address, wan: address }
  return {
    lan: address,
    [`lan_ipv${version}`]: address,
    wan: address,
    [`wan_ipv${version}`]: address,
  }
}

/** The node itself, alive, and the service that every Consul server is. */
function registerServer(catalog: Catalog, node: Node): void {
  catalog.register({
    update: node,
    node: node.Node,
    service: {
      Kind: '',
      ID: 'consul',
      Service: 'consul',
      Tags: [],
      Address: '',
      TaggedAddresses: null,
      Meta: { version },
      Port: serverPort,
      Weights: { Passing: 1, Warning: 1 },
      EnableTagOverride: false,
      Proxy: null,
      Connect: null,
    },
    checks: [
      {
        Node: node.Node,
        CheckID: 'serfHealth',
        Name: 'Serf Health Status',
        Status: 'passing',
        Notes: '',
        Output: 'Agent alive and reachable',
        ServiceID: '',
        ServiceName: '',
        ServiceTags: [],
        Type: '',
      },
    ],
  })
}

function createApp(endpoints: readonly Endpoint[], interceptor: Interceptor | undefined): FastifyInstance {
  const app = fastify({
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    keepAliveTimeout: keepAliveMs,
    bodyLimit: largestBody,
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack()
      write(reply.raw, problem(400, '400 Bad Request'))
    },
    // As in Consul, where a KV key that begins with a slash loses it.
    routerOptions: { ignoreDuplicateSlashes: true },
  })
  // Consul takes every body for JSON or for a value, whatever its type says.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, next) => next(null, body))
  if (interceptor !== undefined) app.server.on('connection', (socket) => interceptor.connected(socket))
  const serve =
    (methods: Endpoint['methods'] | null) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      reply.hijack()
      const ended = new AbortController()
      const end = (): void => ended.abort()
      reply.raw.once('close', end)
      const call = callOf(request, ended.signal)
      const compute = (early?: AbortSignal): Promise<Answer> => {
        early?.addEventListener('abort', end, { once: true })
        return answerOf(methods, call)
      }
      const answer = await (interceptor?.intercept(pathOf(request), call, reply.raw, compute) ?? compute())
      if (answer !== null && !reply.raw.destroyed) write(reply.raw, answer)
    }
  for (const { path, methods } of endpoints) {
    app.route({ method: allMethods, url: path, handler: serve(methods) })
  }
  app.setNotFoundHandler(serve(null))
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    reply.hijack()
    write(reply.raw, problem(error.statusCode ?? 500, error.message))
  })
  return app
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? ''

function callOf(request: FastifyRequest, signal: AbortSignal): Call {
  const path = pathOf(request)
  return {
    method: request.method,
    rest: (request.params as Record<string, string>)['*'] ?? '',
    query: new URLSearchParams(request.url.slice(path.length)),
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    signal,
  }
}

/** `methods` are null where Consul has no endpoint. Never rejects. */
async function answerOf(methods: Endpoint['methods'] | null, call: Call): Promise<Answer> {
  if (methods === null) return { status: 404, headers: {}, body: '' }
  const Allow = ['OPTIONS', ...Object.keys(methods)].join(',')
  if (call.method === 'OPTIONS') return { ...done, headers: { Allow } }
  const handle = methods[call.method]
  if (handle === undefined) return problem(405, `method ${call.method} not allowed`, { Allow })
  try {
    return await handle(call)
  } catch (error) {
    return problem(error instanceof RefusedError ? error.status : 500, messageOf(error))
  }
}

/** Written by hand: fastify would send the names of the headers in lower case, which is not how Consul spells them. */
function write(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, {
    ...headers,
    Vary: 'Accept-Encoding',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}
