/** The pages by the first segment of their path, in the order of the navigation; `manual` is fabio's word. */
export const pages = {
  routes: 'Routes',
  explain: 'Explain',
  problems: 'Problems',
  history: 'History',
  manual: 'Overrides',
  traffic: 'Traffic',
} as const

export type PageName = keyof typeof pages

/** What the URL says: which page, of what, in which state. */
export interface Place {
  readonly page: PageName
  /** What follows the page in the path, decoded: empty, or begins with `/`. */
  readonly rest: string
  /** Never changed: another state is another one. */
  readonly query: URLSearchParams
}

/** The place of a URL below `base`; whatever is none of the pages is the first. */
export function readPlace(href: string, base: string): Place {
  const url = new URL(href)
  const root = new URL('.', base).pathname
  const path = url.pathname.startsWith(root) ? url.pathname.slice(root.length) : ''
  const slash = path.indexOf('/')
  const name = slash === -1 ? path : path.slice(0, slash)
  if (!isPage(name)) return { page: 'routes', rest: '', query: url.searchParams }
  return { page: name, rest: slash === -1 ? '' : decoded(path.slice(slash)), query: url.searchParams }
}

/** Relative to the base of the document, as a link wants it. */
export function hrefOf({ page, rest, query }: Partial<Place> & Pick<Place, 'page'>): string {
  const path = page + (rest ?? '').split('/').map(encodeURIComponent).join('/')
  const search = query?.toString() ?? ''
  return search === '' ? path : `${path}?${search}`
}

/** A link with these words in its query; empty ones are left out. */
export function linkTo(page: PageName, query: Readonly<Record<string, string>> = {}, rest = ''): string {
  return hrefOf({ page, rest, query: withChanges(new URLSearchParams(), query) })
}

/** The query with these changes; an empty word takes the parameter away. */
export function withChanges(
  query: URLSearchParams,
  changes: Readonly<Record<string, string | readonly string[]>>,
): URLSearchParams {
  const next = new URLSearchParams(query)
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name)
    for (const each of [value].flat()) if (each !== '') next.append(name, each)
  }
  return next
}

export const isPage = (name: string): name is PageName => Object.hasOwn(pages, name)

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
