import type { RouteDefinition, ServiceRoutes } from '../../src/route/definition.ts'
import { settle } from '../../src/route/options.ts'
import { parseRouteTag } from '../../src/route/tag.ts'

/** `definition('web', 'foo.com/bar strip=/bar', 'http://10.0.0.1:80/')`: what a healthy instance's tag would make. */
export function definition(
  service: string,
  route: string,
  url: string,
  more: Partial<RouteDefinition> = {},
): RouteDefinition {
  const tag = parseRouteTag(`p-${route}`, { prefix: 'p-', variables: {} })
  const { source, scheme, weight, optionText } = tag
  const destination = tag.url ?? (scheme === 'http' ? url : url.replace(/^\w+/, scheme))
  return {
    service,
    instance: `node/${service}-${new URL(url).port}`,
    source,
    url: destination,
    weight,
    tags: [],
    ...settle(source, destination, tag),
    optionText,
    healthy: true,
    origin: 'tag',
    ...more,
  }
}

export const serviceRoutes = (service: string, ...definitions: RouteDefinition[]): ServiceRoutes => ({
  service,
  definitions,
})
