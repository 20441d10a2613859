import type { TableView } from '../../../src/admin/view.ts'

/** A request that somebody asks about. */
export interface Question {
  /** As it was typed. */
  readonly url: string
  /** Upper-case. */
  readonly method: string
  /** `Name: value` each, as many as there are. */
  readonly headers: readonly string[]
}

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** Of a URL's query; null: nothing is asked. */
export function questionIn(query: URLSearchParams): Question | null {
  const url = query.get('url')?.trim() ?? ''
  if (url === '') return null
  return { url, method: query.get('method') || 'GET', headers: query.getAll('header') }
}

/** What the URL of the page, and that of the API, say of it. */
export function queryOf({
  url,
  method,
  headers,
}: Question): Readonly<Record<string, string | readonly string[]>> {
  return { url: url.trim(), method: method === 'GET' ? '' : method, header: headers }
}

/** One header in each line, without the empty ones. */
export const headersIn = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** URLs that lead to the first routes of some hosts, to begin with. */
export function examplesOf(table: TableView, most = 4): readonly string[] {
  const hosts = new Map<string, string>()
  for (const { host, path } of table.routes) {
    // What has no path is no request; a pattern is none either.
    if (path === '' || /[*?[{]/.test(host + path) || hosts.has(host)) continue
    hosts.set(host, path)
    if (hosts.size === most) break
  }
  return [...hosts].map(([host, path]) => `http://${host === '' ? 'any.example' : host}${path}`)
}
