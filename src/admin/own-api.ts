import type { FastifyInstance } from 'fastify'
import { type ExplainQuery, QuestionError } from './explanation.ts'
import type { RouteSchema } from './openapi.ts'
import { peerOf, sendJson } from './requests.ts'
import { list, object, oneOf, type Schema, text } from './schema.ts'
import type { TrafficView } from './traffic-view.ts'
import type {
  ConfigView,
  ExplanationView,
  HistoryView,
  PageInfo,
  ProblemsView,
  ServicesView,
  TableView,
} from './view.ts'
import {
  configSchema,
  errorSchema,
  explanationSchema,
  historySchema,
  problemsSchema,
  servicesSchema,
  tableSchema,
  trafficSchema,
} from './view-schemas.ts'

/** What the gateway tells of itself. */
export interface OwnSources {
  table(): TableView
  /** Asks the traffic plane what it knows of its upstreams, for the table and explanations that follow. */
  refreshLive(): Promise<void>
  /** @param only one service; none where nobody knows it */
  services(only?: string): ServicesView
  problems(): ProblemsView
  history(): HistoryView
  /** The last half hour. `service`: of this one; null: of everything. */
  traffic(service: string | null): TrafficView
  /**
   * What would become of a request. Throws a QuestionError where it could not be sent.
   *
   * @param remoteAddress IP address of its client
   */
  explain(query: ExplainQuery, remoteAddress: string): ExplanationView
  settings(): ConfigView
}

const query = (properties: Readonly<Record<string, Schema>>, ...required: string[]): Schema => ({
  type: 'object',
  properties: { ...properties, pretty: text('indents the answer') },
  required,
})

const answering = (summary: string, schema: Schema, querystring = query({})): RouteSchema => ({
  summary,
  querystring,
  response: { 200: schema },
})

const explainSchema: RouteSchema = {
  summary: 'What would become of a request: every step with its evidence',
  querystring: query(
    {
      url: text('http://host/path?query; host/path and /path do as well'),
      method: text('GET, if nothing else is said'),
      header: { anyOf: [text('Name: value'), list(text())], description: 'may be given several times' },
    },
    'url',
  ),
  response: { 200: explanationSchema, 400: errorSchema },
}

export function addOwnRoutes(app: FastifyInstance, info: PageInfo, sources: OwnSources): void {
  const uiSchema = object<PageInfo>({
    title: text(),
    color: text(),
    version: text(),
    access: oneOf('rw', 'ro'),
  })
  app.get(
    '/api/ui',
    { schema: answering('How this gateway is named and coloured', uiSchema) },
    (req, reply) => sendJson(req, reply, info),
  )
  app.get('/api/table', { schema: answering('The route table', tableSchema) }, async (request, reply) => {
    await sources.refreshLive()
    return sendJson(request, reply, sources.table())
  })
  app.get<{ Querystring: { service?: string } }>(
    '/api/services',
    {
      schema: answering(
        'Services with their instances, health, tags and routes',
        servicesSchema,
        query({ service: text('this one only') }),
      ),
    },
    (request, reply) => sendJson(request, reply, sources.services(request.query.service)),
  )
  app.get(
    '/api/problems',
    { schema: answering('What is not served, and why', problemsSchema) },
    (request, reply) => sendJson(request, reply, sources.problems()),
  )
  app.get(
    '/api/history',
    { schema: answering('What changed in the table, and what caused it', historySchema) },
    (request, reply) => sendJson(request, reply, sources.history()),
  )
  app.get<{ Querystring: { service?: string } }>(
    '/api/traffic',
    {
      schema: answering(
        'Requests, errors, latency and connections of the last 30 minutes',
        trafficSchema,
        query({ service: text('the series are of this one') }),
      ),
    },
    (request, reply) => sendJson(request, reply, sources.traffic(request.query.service ?? null)),
  )
  app.get<{ Querystring: { url: string; method?: string; header?: string | string[] } }>(
    '/api/explain',
    { schema: explainSchema },
    async (request, reply) => {
      const { url, method = 'GET', header = [] } = request.query
      try {
        await sources.refreshLive()
        const question = { url, method, header: [header].flat() }
        return sendJson(request, reply, sources.explain(question, peerOf(request.ip)))
      } catch (error) {
        if (!(error instanceof QuestionError)) throw error
        return reply.code(400).send({ error: error.message })
      }
    },
  )
  app.get(
    '/api/settings',
    {
      schema: answering('The configuration, each value with its source; secrets are not shown', configSchema),
    },
    (request, reply) => sendJson(request, reply, sources.settings()),
  )
}
