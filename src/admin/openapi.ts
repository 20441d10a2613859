import type { Schema } from './schema.ts'

/** What every route says of itself; the document is made of it. */
export interface RouteSchema {
  readonly summary: string
  readonly querystring?: Schema
  readonly params?: Schema
  readonly body?: Schema
  /** By status. */
  readonly response: Readonly<Record<number, Schema>>
  /** Media types of the answers that are no JSON, by status. */
  readonly media?: Readonly<Record<number, string>>
}

export interface DescribedRoute {
  /** `GET` */
  readonly method: string
  /** As the router has it: `/api/manual/*`. */
  readonly path: string
  /** `ui.path` is not put before it. */
  readonly isAtRoot: boolean
  readonly schema: RouteSchema
}

/**
 * The OpenAPI 3.1 document of these routes.
 *
 * @param base `ui.path`
 */
export function openApiOf(routes: readonly DescribedRoute[], version: string, base: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const { method, path, isAtRoot, schema } of routes) {
    const name = path.replace(/\*$/, '{key}')
    const place = isAtRoot ? { servers: [{ url: '/' }] } : {}
    paths[name] = { ...paths[name], [method.toLowerCase()]: { ...operationOf(schema), ...place } }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Gatehouse', version, description: "The admin API. fabio's endpoints, and more." },
    servers: [{ url: base === '' ? '/' : base }],
    paths,
  }
}

function operationOf({ summary, querystring, params, body, response, media = {} }: RouteSchema): object {
  const parameters = [...parametersIn('path', params), ...parametersIn('query', querystring)]
  const responses = Object.entries(response).map(([status, schema]) => {
    const type = media[Number(status)] ?? 'application/json'
    return [status, { description: schema.description ?? '', content: { [type]: { schema } } }] as const
  })
  return {
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: Object.fromEntries(responses),
  }
}

function parametersIn(place: 'path' | 'query', schema: Schema | undefined): object[] {
  return Object.entries(schema?.properties ?? {}).map(([name, { description, ...inner }]) => ({
    name: place === 'path' && name === '*' ? 'key' : name,
    in: place,
    ...(description === undefined ? {} : { description }),
    required: place === 'path' || schema?.required?.includes(name) === true,
    schema: inner,
  }))
}
