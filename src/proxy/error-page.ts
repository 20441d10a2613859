import type { ErrorCode } from '../base/errors.ts'
import { reasonPhrase } from '../http1/reason-phrase.ts'
import type { LocalAnswer } from './plan.ts'

/** HTML of the operator's own, by status: `502`, or `5xx` for all of a class. */
export type ErrorPages = Readonly<Record<string, string>>

type Page = NonNullable<LocalAnswer['body']>

const html = 'text/html; charset=utf-8'
const json = 'application/json'
const plain = 'text/plain; charset=utf-8'

/**
 * The body of an error answer: what happened, in the form that the client reads. Programs that accept JSON get it,
 * browsers get a page, everybody else a line of text.
 *
 * @param words what happened
 * @param accept value of the request's Accept; empty: none
 */
export function errorPage(
  code: ErrorCode,
  words: string,
  status: number,
  id: string,
  accept: string,
  pages: ErrorPages,
): Page {
  const form = preferredForm(accept)
  if (form === json) {
    return {
      type: json,
      text: `${JSON.stringify({ error: { code, status, message: words, requestId: id } })}\n`,
    }
  }
  const own = pages[String(status)] ?? pages[`${Math.floor(status / 100)}xx`]
  if (own !== undefined) return { type: html, text: own }
  if (form === html) return { type: html, text: htmlPage(code, words, status, id) }
  return { type: plain, text: `${words}\n` }
}

/** Far more than browsers send. To read one of 60 KiB would hold up everything else for longer than the answer is worth. */
const longestAccept = 4_096

/** Which of the two comes first in Accept (RFC 9110 section 12.5.1); of others nothing is known. */
function preferredForm(accept: string): typeof html | typeof json | typeof plain {
  if (accept === '' || accept === '*/*' || accept.length > longestAccept) return plain
  for (const item of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = item.split(';').map((part) => part.trim())
    if (parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) continue
    if (type === 'text/html' || type === 'application/xhtml+xml') return html
    if (type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json')))
      return json
  }
  return plain
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

function htmlPage(code: string, words: string, status: number, id: string): string {
  const title = `${status} ${reasonPhrase(status)}`.trim()
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}p{margin:.5rem 0}small{opacity:.7}</style></head>
<body><h1>${title}</h1><p>${escaped(words[0]!.toUpperCase() + words.slice(1))}.</p><p><small>${code} &middot; ${escaped(id)}</small></p></body></html>
`
}
