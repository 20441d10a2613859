/**
 * The path that routing looks at: percent-escapes decoded once, `//` collapsed, `.` and `..` resolved, a trailing `/`
 * kept. What is forwarded is the client's target byte for byte (RFC 9110 section 7.7), so this decides only who gets
 * the request: a route for `/private` must be found however the client spelled it.
 *
 * The vectors are those of fabio reference 6.2; unlike fabio it decodes once and never cuts (QUIRK-19).
 *
 * @param target origin form: path and query
 */
export function routePath(target: string): string {
  const query = target.indexOf('?')
  const raw = query === -1 ? target : target.slice(0, query)
  return needsWork.test(raw) ? resolveDots(decode(raw)) : raw
}

/** An escape, a double slash, or a segment that starts with a dot. Most paths have none and are used as they are. */
const needsWork = /%|\/[./]/

/** Escapes as octets of UTF-8; an escape that is none stays as it is. */
function decode(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
      Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
    )
  }
}

function resolveDots(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  const resolved = `/${kept.join('/')}`
  return path.endsWith('/') && resolved !== '/' ? `${resolved}/` : resolved
}

/**
 * The target sent upstream after `strip` and `prepend` (fabio reference 6.3): the resolved path, its percent-encoding
 * otherwise kept as the client sent it. Where the prefix, or a dot segment, is only there once an escape like `%2F` is
 * decoded, the decoded path is encoded anew: behind another prefix `..` must not lead out of it.
 *
 * @param target origin form: path and query, as the client sent it
 * @param path what `routePath` made of it
 */
export function rewriteTarget(target: string, path: string, strip: string, prepend: string): string {
  const query = target.indexOf('?')
  const raw = query === -1 ? target : target.slice(0, query)
  const isCut = strip !== '' && path.startsWith(strip)
  let next = raw
  if (isCut || prepend !== '') {
    const spelled = needsWork.test(raw) ? resolveDots(decodeUnreserved(raw)) : raw
    const cut = absolute(isCut ? path.slice(strip.length) : path)
    if (!isCut) next = spelled
    else {
      const rest = spelled.startsWith(strip) ? spelled.slice(strip.length) : null
      next = rest === null || /^%2f/i.test(rest) ? encodePath(cut) : absolute(rest)
    }
    if (dotSegment.test(decode(next))) next = encodePath(withoutDots(cut))
  }
  if (prepend !== '') next = absolute(encodePath(prepend) + next)
  return query === -1 ? next : next + target.slice(query)
}

/** What a route makes of the client's target. */
export interface TargetRewrite {
  readonly strip: string
  readonly prepend: string
  /** Of the destination: it goes before the client's own (fabio reference 6.3). */
  readonly query: string
}

/**
 * HOT: the target sent upstream, mostly the client's own.
 *
 * @param target origin form: path and query, as the client sent it
 * @param path what `routePath` made of it
 */
export function forwardedTarget(target: string, path: string, rewrite: TargetRewrite): string {
  const { strip, prepend, query } = rewrite
  const next = strip === '' && prepend === '' ? target : rewriteTarget(target, path, strip, prepend)
  return query === '' ? next : withQuery(next, query)
}

function withQuery(target: string, query: string): string {
  const at = target.indexOf('?')
  if (at === -1) return `${target}?${query}`
  const own = target.slice(at + 1)
  return `${target.slice(0, at)}?${query}${own === '' ? '' : `&${own}`}`
}

/** Also where `\` stands for `/`, and with parameters behind the dots, as some servers read it. */
const dotSegment = /(?:^|[/\\])\.{1,2}(?:;[^/\\]*)?(?:[/\\]|$)/

/** Resolves what `dotSegment` finds: `/foo../x` without `/foo` has some that were none before. */
const withoutDots = (path: string): string =>
  resolveDots(path.replaceAll('\\', '/').replace(/(?<=\/\.{1,2});[^/]*/g, ''))

const absolute = (path: string): string => (path.startsWith('/') ? path : `/${path}`)

/** Escapes of letters, digits, `-`, `.`, `_` and `~` mean the same as the character (RFC 3986 section 2.3). */
const decodeUnreserved = (path: string): string =>
  path.replace(/%(?:2[de]|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\dae])/gi, decodeURIComponent)

/** Unreserved characters and `$ & + , / : ; = @` stay; every other octet becomes an escape (fabio reference 6.2). */
export function encodePath(path: string): string {
  let encoded = ''
  for (const octet of Buffer.from(path, 'utf8')) {
    const char = String.fromCharCode(octet)
    encoded += /[\w.~$&+,/:;=@-]/.test(char) ? char : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
