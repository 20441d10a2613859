import type { Row } from './rows.ts'

/** The words of a filter, lower-case; white space separates them. */
export function wordsOf(filter: string): readonly string[] {
  return filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
}

/** The rows that contain all of the words, in their order. No words: the rows themselves. */
export function matching(rows: readonly Row[], words: readonly string[]): readonly Row[] {
  return words.length === 0 ? rows : rows.filter(({ text }) => words.every((word) => text.includes(word)))
}

/** The filter that a URL's query (`?filter=a+b`) asks for, empty for none. */
export function filterIn(query: string): string {
  return new URLSearchParams(query).get('filter') ?? ''
}

/** `href` with this filter in its query, and what else the query held kept. */
export function withFilter(href: string, filter: string): string {
  const url = new URL(href)
  if (filter === '') url.searchParams.delete('filter')
  else url.searchParams.set('filter', filter)
  return url.href
}
