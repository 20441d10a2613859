import { isFieldName } from '../base/field-syntax.ts'
import { originPattern } from '../base/origin.ts'
import { quote, RouteMistake } from './mistake.ts'

/** Who may read a route's answers from pages of other origins (Fetch standard, CORS protocol). Plain data. */
export interface CorsOptions {
  /** As `originPattern` gives them; `*` alone: any; empty: the gateway has no part in it. */
  readonly origins: readonly string[]
  /** Methods beside the simple ones; `*` alone: any. */
  readonly methods: readonly string[]
  /** Request fields beside the simple ones; `*` alone: any. */
  readonly headers: readonly string[]
  /** Fields of answers that scripts may read beside the simple ones. */
  readonly expose: readonly string[]
  /** Whether requests may come with cookies and the like; never with any origin. */
  readonly credentials: boolean
  /** How long a browser may keep the answer to a preflight; seconds. */
  readonly maxAge: number
}

/** `off`, `*`, or origins with commas between them. Throws a RouteMistake that names the one that is none. */
export function parseOrigins(value: string): string[] {
  if (value === 'off') return []
  if (value === '*') return ['*']
  return value.split(',').map((text) => {
    const origin = originPattern(text)
    if (origin === null) {
      throw new RouteMistake(
        `expected off, *, or origins like https://example.com,https://*.example.com, got ${quote(text)}`,
      )
    }
    return origin
  })
}

/** Names with commas between them, or `*`. Throws a RouteMistake. */
export function parseNames(what: string, value: string): string[] {
  const names = value.split(',')
  for (const name of names) {
    if (!isFieldName(name) || (name === '*' && names.length > 1)) {
      throw new RouteMistake(`expected ${what} with commas between them, or *, got ${quote(value)}`)
    }
  }
  return names
}
