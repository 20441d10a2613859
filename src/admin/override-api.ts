import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../base/errors.ts'
import type { RouteSchema } from './openapi.ts'
import { sendJson, sendText } from './requests.ts'
import { list, object, orNull, type Schema, text } from './schema.ts'
import type { DryRunView, MistakeView } from './view.ts'
import { dryRunSchema, errorSchema, mistakesSchema } from './view-schemas.ts'

/** The manual overrides as the API reads and changes them. A key is empty or begins with `/`. */
export interface AdminOverrides {
  keys(): Promise<readonly string[]>
  /** Of a key that is not there, empty and version 0. */
  read(key: string): Promise<{ readonly value: string; readonly version: bigint }>
  /** False: another version is there. */
  write(key: string, value: string, version: bigint): Promise<boolean>
  /** What is wrong with the text in itself. */
  mistakes(key: string, text: string): readonly MistakeView[]
  /** What saving the text would do. */
  dryRun(key: string, text: string): DryRunView
}

interface ManualBody {
  readonly value: string
  readonly version?: string | number
}

interface CheckBody {
  readonly value: string
  readonly path?: string
}

type ManualRequest = FastifyRequest<{ Params: { '*'?: string } }>

const forbidden = text('ui.access is ro, or the request comes from a page of another site')
const keyParams: Schema = {
  type: 'object',
  properties: { '*': text('what follows registry.consul.kvpath and "/"') },
}
const bodySchema: Schema = {
  type: 'object',
  properties: {
    value: text('route commands'),
    version: {
      type: ['string', 'integer'],
      description: 'as it was read; 0 or nothing: it is not there yet',
    },
  },
  required: ['value'],
}
const readSchema: RouteSchema = {
  summary: 'An override: its text and its version',
  response: {
    200: object<{ value: string; version: string }>({ value: text(), version: text('0: it is not there') }),
    400: errorSchema,
    403: forbidden,
    500: text('the registry did not answer'),
  },
  media: { 403: 'text/plain', 500: 'text/plain' },
}
const writeSchema: RouteSchema = {
  summary: 'Saves an override, if what is there has the version that was read',
  querystring: {
    type: 'object',
    properties: { force: text('saves also what has lines that are no commands') },
  },
  body: bodySchema,
  response: {
    200: text('saved'),
    400: mistakesSchema,
    403: forbidden,
    409: text('version mismatch, or this registry keeps no overrides'),
    500: text('the registry did not answer'),
  },
  media: { 200: 'text/plain', 403: 'text/plain', 409: 'text/plain', 500: 'text/plain' },
}
const pathsSchema: RouteSchema = {
  summary: 'Keys of all overrides',
  response: { 200: orNull(list(text('empty, or begins with "/"'))), 403: forbidden, 500: text() },
  media: { 403: 'text/plain', 500: 'text/plain' },
}
const checkSchema: RouteSchema = {
  summary: 'What saving an override would do; nothing is changed',
  body: {
    type: 'object',
    properties: {
      value: text('route commands'),
      path: text('key of the override; without it, the empty one'),
    },
    required: ['value'],
  },
  response: { 200: dryRunSchema, 400: errorSchema, 403: forbidden, 409: errorSchema },
  media: { 403: 'text/plain' },
}

/**
 * `/api/manual` and `/api/paths` (fabio reference 9.2, 9.3), and the dry run. fabio saves whatever it is sent, and one
 * bad line then stops every update (QUIRK-01); here such a text is refused. Keys are decoded (QUIRK-46).
 *
 * @param overrides null: the registry keeps none (reference 5)
 */
export function addOverrideRoutes(
  app: FastifyInstance,
  access: 'rw' | 'ro',
  overrides: AdminOverrides | null,
): void {
  const onRequest = async (_request: FastifyRequest, reply: FastifyReply): Promise<unknown> =>
    access === 'ro' ? sendText(reply, 403, 'Forbidden') : undefined

  app.post<{ Body: CheckBody }>(
    '/api/manual/check',
    { schema: checkSchema, onRequest },
    async (request, reply) => {
      const { value, path = '' } = request.body
      const mistake = keyMistake(path)
      if (mistake !== null) return reply.code(400).send({ error: mistake })
      if (overrides === null) return reply.code(409).send({ error: 'this registry keeps no overrides' })
      return sendJson(request, reply, overrides.dryRun(path, value))
    },
  )
  for (const path of ['/api/manual', '/api/manual/*']) {
    const params = path.endsWith('*') ? { params: keyParams } : {}
    app.get(path, { schema: { ...readSchema, ...params }, onRequest }, (request: ManualRequest, reply) =>
      read(request, reply, overrides),
    )
    app.put<{ Params: { '*'?: string }; Body: ManualBody }>(
      path,
      { schema: { ...writeSchema, ...params }, onRequest },
      (request, reply) => write(request, request.body, reply, overrides),
    )
  }
  app.get('/api/paths', { schema: pathsSchema, onRequest }, async (request, reply) => {
    try {
      const keys = (await overrides?.keys()) ?? []
      return sendJson(request, reply, keys.length === 0 ? null : keys)
    } catch (error) {
      return sendText(reply, 500, messageOf(error))
    }
  })
  const notAllowed = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    sendText(reply, 405, 'not allowed')
  const others = ['POST', 'DELETE', 'PATCH', 'OPTIONS']
  for (const url of ['/api/manual', '/api/manual/*'])
    app.route({ method: others, url, onRequest, handler: notAllowed })
  app.route({ method: [...others, 'PUT'], url: '/api/paths', onRequest, handler: notAllowed })
}

async function read(
  request: ManualRequest,
  reply: FastifyReply,
  overrides: AdminOverrides | null,
): Promise<FastifyReply> {
  const key = keyOf(request)
  const mistake = keyMistake(key)
  if (mistake !== null) return reply.code(400).send({ error: mistake })
  try {
    const { value, version } = (await overrides?.read(key)) ?? { value: '', version: 0n }
    return sendJson(request, reply, { value, version: String(version) })
  } catch (error) {
    return sendText(reply, 500, messageOf(error))
  }
}

async function write(
  request: ManualRequest,
  body: ManualBody,
  reply: FastifyReply,
  overrides: AdminOverrides | null,
): Promise<FastifyReply> {
  const key = keyOf(request)
  const version = versionOf(body.version ?? 0)
  const mistake = version === null ? 'body/version must be a number' : keyMistake(key)
  if (mistake !== null) return reply.code(400).send({ error: mistake })
  if (overrides === null) return sendText(reply, 409, 'version mismatch: this registry keeps no overrides')
  const refused = overrides.mistakes(key, body.value).filter((line) => line.refused)
  if (refused.length > 0 && !('force' in (request.query as object))) {
    const lines = refused.length === 1 ? 'a line that is none' : `${refused.length} lines that are none`
    const error = `expected route commands, got ${lines}; nothing is saved`
    return reply.code(400).send({ error, mistakes: refused })
  }
  try {
    const isSaved = await overrides.write(key, body.value, version!)
    return isSaved ? reply.code(200).send() : sendText(reply, 409, 'version mismatch')
  } catch (error) {
    return sendText(reply, 500, messageOf(error))
  }
}

/** The router has decoded it. */
const keyOf = ({ params }: ManualRequest): string => (params['*'] === undefined ? '' : `/${params['*']}`)

/** Consul resolves dot segments, and the key would leave the place of the overrides. */
function keyMistake(key: string): string | null {
  const segments = key.split('/').slice(1)
  const isLeading = key === '' || key.startsWith('/')
  const isBad = (segment: string, i: number): boolean =>
    segment === '.' || segment === '..' || (segment === '' && i < segments.length - 1)
  if (isLeading && !segments.some(isBad)) return null
  return `key: expected nothing or /name, /name/name without empty or dot segments, got ${JSON.stringify(key)}`
}

/** Consul counts in 64 bits. */
const mostVersion = 2n ** 64n - 1n

function versionOf(version: string | number): bigint | null {
  if (!/^\d{1,20}$/.test(String(version))) return null
  const number = BigInt(version)
  return number <= mostVersion ? number : null
}
