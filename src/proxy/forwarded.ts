import { addressText, readAddress } from '../base/ip-address.ts'

/** One element of Forwarded: what one proxy told of the hop before it. Empty: it did not say. */
export interface ForwardedElement {
  /** As it was written, without quotes: `192.0.2.7`, `[2001:db8::1]:4711`, `unknown`, `_hidden`. */
  readonly for: string
  readonly by: string
  readonly host: string
  readonly proto: string
}

/** A token or a quoted string (RFC 9110 sections 5.6.2 and 5.6.4). */
const pair =
  /([!#$%&'*+.^_`|~\w-]+)=(?:([!#$%&'*+.^_`|~\w-]+)|"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)")/y
const space = /[\t ]*/y

/**
 * Reads the value of Forwarded, strictly: RFC 7239 section 4, with white space allowed around `;` as fabio and others
 * write it. Elements that say nothing are left out.
 *
 * @param value all lines of the field, joined with commas
 * @returns null: something in it is none, or is said twice in one element; then nothing of it is known
 */
export function parseForwarded(value: string): ForwardedElement[] | null {
  const elements: ForwardedElement[] = []
  let at = skipSpace(value, 0)
  for (;;) {
    const said = new Map<string, string>()
    let expectsPair = true
    while (at < value.length && value[at] !== ',') {
      if (value[at] === ';') {
        expectsPair = true
        at = skipSpace(value, at + 1)
        continue
      }
      if (!expectsPair) return null
      pair.lastIndex = at
      const found = pair.exec(value)
      if (found === null) return null
      const name = found[1]!.toLowerCase()
      if (said.has(name)) return null
      said.set(name, found[2] ?? found[3]!.replace(/\\(.)/g, '$1'))
      expectsPair = false
      at = skipSpace(value, pair.lastIndex)
    }
    const of = (name: string): string => said.get(name) ?? ''
    if (said.size > 0) elements.push({ for: of('for'), by: of('by'), host: of('host'), proto: of('proto') })
    if (at >= value.length) return elements
    at = skipSpace(value, at + 1)
  }
}

function skipSpace(value: string, at: number): number {
  space.lastIndex = at
  space.exec(value)
  return space.lastIndex
}

/**
 * The address in a node of Forwarded (RFC 7239 section 6): IPv4, or IPv6 in brackets, perhaps with a port. Null: it says
 * none.
 */
export function nodeAddress(node: string): string | null {
  const isBracketed = node.startsWith('[')
  const end = isBracketed ? node.indexOf(']') : node.indexOf(':')
  const host = isBracketed ? node.slice(1, end) : end === -1 ? node : node.slice(0, end)
  const behind = isBracketed ? node.slice(end + 1) : end === -1 ? '' : node.slice(end)
  if ((isBracketed && end === -1) || !/^(?::(?:\d{1,5}|_[\w.-]+))?$/.test(behind)) return null
  return isBracketed === host.includes(':') ? addressOf(host) : null
}

/** The address in an element of X-Forwarded-For: one by itself, or as in Forwarded. */
export const hopAddress = (element: string): string | null => addressOf(element) ?? nodeAddress(element)

/** In the one way of writing it; null: it is none. */
function addressOf(text: string): string | null {
  const family = readAddress(text)
  return family === 0 ? null : addressText(family)
}

/** One element for what we know of our own hop (RFC 7239 section 5). */
export function forwardedElement({ for: peer, by, host, proto }: ForwardedElement): string {
  const parts = [`for=${node(peer)}`]
  if (by !== '') parts.push(`by=${node(by)}`)
  if (host !== '') parts.push(`host=${/^[!#$%&'*+.^_`|~\w-]+$/.test(host) ? host : `"${host}"`}`)
  parts.push(`proto=${proto}`)
  return parts.join(';')
}

/** A colon is no part of a token, so IPv6 stands in quotes, and in brackets (RFC 7239 section 6). */
function node(address: string): string {
  const written = addressOf(address) ?? 'unknown'
  return written.includes(':') ? `"[${written}]"` : written
}
