import type { RouteDefinition, ServiceRoutes } from '../../src/route/definition.ts'
import { parseRouteTag } from '../../src/route/tag.ts'

/** `definition('web', 'foo.com/bar strip=/bar', 'http://10.0.0.1:80/')`: what a healthy instance's tag would make. */
export function definition(
  service: string,
  route: string,
  url: string,
  more: Partial<RouteDefinition> = {},
): RouteDefinition {
  const { source, weight, options, optionText } = parseRouteTag(`p-${route}`, { prefix: 'p-', variables: {} })
  const instance = `node/${service}-${new URL(url).port}`
  return { service, instance, source, url, weight, tags: [], options, optionText, healthy: true, ...more }
}

export const serviceRoutes = (service: string, ...definitions: RouteDefinition[]): ServiceRoutes => ({
  service,
  definitions,
})
