import { globMistake } from '../match/glob.ts'
import { hostMistake } from '../match/host-index.ts'
import type { Source } from './definition.ts'
import { quote, RouteMistake } from './mistake.ts'

/** Splits `foo.com/bar`, `foo.com`, `/bar` or `:3306`; the host in lower case (fabio reference 3.1). */
export function splitSource(text: string): Source {
  if (text.startsWith(':')) return { host: text, path: '' }
  const slash = text.indexOf('/')
  if (slash === -1) return { host: text.toLowerCase(), path: '/' }
  return { host: text.slice(0, slash).toLowerCase(), path: text.slice(slash) }
}

/** A source that a route can have. Throws a RouteMistake for any other. */
export function checkSource(source: Source): Source {
  const { host, path } = source
  if (path === '') {
    if (!isPort(host.slice(1))) {
      throw new RouteMistake(`expected a port from 1 to 65535 after ":", got ${quote(host)}`)
    }
    return source
  }
  if (/\s/u.test(host + path)) {
    throw new RouteMistake(`expected a route without white space, got ${quote(host + path)}`)
  }
  const mistake = hostMistake(host)
  if (mistake !== null) throw new RouteMistake(`expected a host pattern, got ${quote(host)}: ${mistake}`)
  return source
}

const isPort = (text: string): boolean =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535

/** What is wrong with a path where it is a glob, or null. Such a route costs only itself (fabio's QUIRK-04). */
export function globPathMistake(path: string): string | null {
  const mistake = globMistake(path)
  return mistake === null ? null : `matcher glob: expected a pattern, got ${quote(path)}: ${mistake}`
}
