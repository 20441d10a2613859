import type { RouteView } from './view.ts'

// The page runs this too: nothing else of the gateway may come with it.

type Named = Pick<RouteView, 'host' | 'path'> & { readonly matcher?: string | undefined }

/** What the view of a route is known by. The same source with another matcher is another route. */
export const routeName = ({ host, path, matcher = '' }: Named): string => `${matcher} ${host}${path}`

/** Under which what passes through a route is found at one of its instances, in an InstanceRatesView. */
export const rowName = (host: string, path: string, url: string, address: string): string =>
  url === `http://${address}/` ? host + path : `${host}${path} ${url}`

/** Hosts ascending, any host last; within a host paths in descending byte order, so a longer prefix comes first. */
export function inTableOrder(a: Named, b: Named): number {
  if (a.host !== b.host) return a.host === '' ? 1 : b.host === '' ? -1 : compare(a.host, b.host)
  return compare(b.path, a.path) || compare(a.matcher ?? '', b.matcher ?? '')
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
