import { visible } from '../base/field-syntax.ts'
import { reasonPhrase } from '../http1/reason-phrase.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { requestScheme } from '../proxy/forwarding-fields.ts'
import { rewriteTarget, routePath } from '../proxy/path.ts'
import type { LocalAnswer, Middleware } from '../proxy/plan.ts'
import type { Redirect, RouteOptions } from '../route/options.ts'

export interface RedirectStep {
  readonly step: Middleware
  /** The request is already where it would be sent. */
  leadsBack(exchange: Exchange): boolean
}

/** `redirect=`: answers with a redirect and asks nobody (fabio reference 6.9). */
export function compileRedirect({ code, url }: Redirect, options: RouteOptions): RedirectStep {
  const locationOf = compileLocation(visible(url), options.strip ?? '', options.prepend ?? '')
  return {
    step: {
      name: 'redirect',
      hasEffects: false,
      run: (exchange) => redirectTo(code, locationOf(exchange), exchange),
    },
    leadsBack(exchange) {
      const location = locationOf(exchange)
      if (!URL.canParse(location)) return false
      const there = new URL(location)
      const authority = location.slice(location.indexOf('//') + 2).split(/[/?#]/, 1)[0]!
      return (
        there.protocol === `${schemeOf(exchange)}:` &&
        withoutPort(authority, there.protocol) === withoutPort(exchange.host, there.protocol) &&
        routePath(there.pathname) === exchange.path
      )
    },
  }
}

/** What the client used, whom a proxy in front of us told apart from what we see (fabio reference 3.2). */
function schemeOf(exchange: Exchange): string {
  const { fields, client, isPeerTrusted } = exchange
  if (isPeerTrusted !== null) return requestScheme(exchange)
  return fields.first('x-forwarded-proto').toLowerCase() || (client.secure ? 'https' : 'http')
}

const withoutPort = (authority: string, protocol: string): string => {
  const port = protocol === 'https:' ? ':443' : ':80'
  return (authority.endsWith(port) ? authority.slice(0, -port.length) : authority).toLowerCase()
}

function redirectTo(status: number, location: string, { method }: Exchange): LocalAnswer {
  const href = location.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
  const text = `<a href="${href}">${reasonPhrase(status) || 'Redirect'}</a>.\n\n`
  return {
    status,
    lines: `Location: ${location}\r\n`,
    body: method === 'GET' || method === 'HEAD' ? { type: 'text/html; charset=utf-8', text } : null,
    error: null,
  }
}

/**
 * Compiles the destination of a redirect: `$host` becomes the request's Host; `$path` its path, without `strip` and
 * behind `prepend`, and its query where the destination has none. Without `$path` the request's path and query are left
 * out.
 */
function compileLocation(url: string, strip: string, prepend: string): (exchange: Exchange) => string {
  const queryAt = url.indexOf('?')
  const query = queryAt === -1 ? '' : url.slice(queryAt)
  const whole = queryAt === -1 ? url : url.slice(0, queryAt)
  // `https://$host$path` says the same as `https://$host/$path`, and a path begins with its own slash.
  const [before, behind] = splitAtPath(whole)
  if (behind === null) {
    const fixed = hasPath(whole) ? whole + query : `${whole}/${query}`
    return ({ host }) => fixed.replace('$host', () => host)
  }
  return (exchange) => {
    const target = rewriteTarget(exchange.target, exchange.path, strip, prepend)
    const at = target.indexOf('?')
    const path = at === -1 ? target : target.slice(0, at)
    const ownQuery = query === '' && at !== -1 ? target.slice(at) : query
    // Two slashes at the start would name another host; to browsers `\` is a slash (WHATWG URL).
    const single = before === '' ? path.replace(/^[/\\]+/, '/') : path
    return before.replace('$host', () => exchange.host) + single + behind + ownQuery
  }
}

function splitAtPath(whole: string): [before: string, behind: string | null] {
  const at = whole.indexOf('$path')
  if (at === -1) return [whole, null]
  const before = whole.slice(0, at)
  const isSlash = before.endsWith('/') && !before.endsWith('//')
  return [isSlash ? before.slice(0, -1) : before, whole.slice(at + '$path'.length)]
}

const hasPath = (url: string): boolean => {
  const authority = url.indexOf('//')
  return url.indexOf('/', authority === -1 ? 0 : authority + 2) !== -1
}
