import type { Reading, ReadMessage } from '../support/read-message.ts'

/**
 * What we refuse and llhttp takes, and why. Whatever else we refuse, llhttp has to refuse as well: a gateway that turns
 * away good messages is as wrong as one that takes bad ones.
 */
const stricter: Readonly<Record<string, string>> = {
  'no Host': 'RFC 9112 section 3.2; node:http itself looks for it',
  'more than one Host': 'RFC 9112 section 3.2',
  'a Host that is no authority': 'RFC 9112 section 3.2',
  'a Host that is not the authority of the target': 'two readers could route it to two places',
  'a target that is neither a path nor an absolute URI': 'RFC 9112 section 3.2',
  'the target * is for OPTIONS': 'RFC 9112 section 3.2.4',
  'no target, or one with an octet that none has': 'a fragment (RFC 9112 section 3.2), octets above 0x7f',
  'CONNECT: no tunnels here': 'a gateway opens none',
  'Content-Length with Transfer-Encoding': 'RFC 9112 section 6.1: may be refused',
  'more than one Transfer-Encoding': 'request smuggling, TE.TE',
  'a Transfer-Encoding other than chunked': 'request smuggling, TE.TE',
  'Transfer-Encoding in HTTP/1.0': 'RFC 9112 section 6.1: faulty framing',
  'a Content-Length that is none': 'beyond 2^53, where Node itself would round; a tab behind it',
  'a chunk size beyond all bounds': 'beyond 2^53',
  'a chunk size of too many digits': 'more than 32 zeros in front serve nobody',
  'a chunk extension that is none': 'RFC 9112 section 7.1.1: llhttp takes more than the grammar does',
  'a trailer that belongs into the head': 'RFC 9110 section 6.5.1',
  'a trailer line that is none': 'a value of a trailer is looked at as closely as one of the head',
  'a version that is not HTTP/1.1 or HTTP/1.0': 'llhttp knows HTTP/0.9 and 2.0 as well',
  'a version that is not 1.1 or 1.0': 'the same in an answer',
  'no request line': 'more than one empty line in front of a request',
  'an interim answer that is the last': 'nothing can follow it, so it answers nobody',
  'no version': 'HTTP/0.9',
  'it does not start with HTTP/1.': 'HTTP/0.9 and 2.0',
  'a status that is none': 'below 100',
}

/** Whether there is a reason to refuse what llhttp reads like this. */
function isStricter({ fault, text, end }: Reading, { version }: ReadMessage): boolean {
  if (fault in stricter || /^the transfer coding .* is not known here$/.test(fault)) return true
  // llhttp reads requests of HTTP/0.9, and lets lines end as they like while it does.
  if (version !== '1.1' && version !== '1.0') return true
  const rest = text.slice(end)
  // llhttp passes over any half of a line end before a request.
  if (fault === 'no method' || fault === 'no request line') return /^[\r\n]/.test(rest)
  // llhttp takes any octet in a reason phrase.
  if (fault === 'a status line that is none') return /^[^\n]*?[^\t\x20-\x7e\x80-\xff](?!\n)/.test(rest)
  return false
}

/** An absolute target is kept as its path; llhttp leaves it as it is. */
const withoutOrigin = (start: string): string =>
  start.replace(
    /^(\S+) https?:\/\/[^/?]+(.*)$/is,
    (_all, method: string, rest: string) => `${method} ${rest.startsWith('/') ? rest : `/${rest}`}`,
  )

const isNamed = (fields: readonly string[], name: string): boolean =>
  fields.some((field, i) => i % 2 === 0 && field.toLowerCase() === name)

/** Whether llhttp takes a connection to be over that goes on, for a reason that does not count. */
function endsForLlhttp({ fields }: ReadMessage, method: string, text: string): boolean {
  // It takes this field for Connection, in trailers too; no standard knows it.
  if (/^proxy-connection:/im.test(text)) return true
  // With a tab behind it, it takes `keep-alive` for another word.
  if (/^connection:[^\r\n]*\t/im.test(text)) return true
  // It is asked before it is told that an answer to HEAD has no body.
  return method === 'HEAD' && !isNamed(fields, 'content-length') && !isNamed(fields, 'transfer-encoding')
}

function differs(ours: ReadMessage, theirs: ReadMessage, method: string, text: string): string | null {
  if (ours.start !== withoutOrigin(theirs.start)) return `start: ${ours.start}, llhttp ${theirs.start}`
  for (const part of ['version', 'reason', 'fields', 'trailers'] as const) {
    const [own, other] = [JSON.stringify(ours[part]), JSON.stringify(theirs[part])]
    if (own !== other) return `${part}: ${own}, llhttp ${other}`
  }
  if (ours.body !== theirs.body) {
    return `body: ${JSON.stringify(ours.body)}, llhttp ${JSON.stringify(theirs.body)}`
  }
  // To end a connection that could go on is safe; the other way round is not.
  if (ours.keepAlive && !theirs.keepAlive && !endsForLlhttp(theirs, method, text)) {
    return 'we go on with a connection that llhttp ends'
  }
  return null
}

/**
 * Null where both read the same: every message that we take is taken by llhttp, octet by octet; where we wait, so does
 * it; what we refuse it refuses, or there is a reason that is known.
 *
 * @param method of the request that is answered; empty: these are requests
 */
export function difference(ours: Reading, theirs: Reading, method: string): string | null {
  const last = theirs.messages.at(-1)
  const isOver =
    last !== undefined &&
    /^Data after `Connection: close`/.test(theirs.fault) &&
    endsForLlhttp(last, method, ours.text)
  const count = ours.messages.length
  if (theirs.messages.length < count && !isOver) {
    return `llhttp reads ${theirs.messages.length} messages (${theirs.fault || 'no fault'}), we read ${count}`
  }
  for (const [i, other] of theirs.messages.slice(0, count).entries()) {
    const found = differs(ours.messages[i]!, other, method, ours.text)
    if (found !== null) return `message ${i}: ${found}`
  }
  const goesOn = theirs.messages.length > count
  if (ours.stop === 'waits' && goesOn) {
    return `we wait behind ${count} messages, llhttp reads ${JSON.stringify(theirs.messages[count])}`
  }
  if (ours.stop === 'refused' && goesOn && !isStricter(ours, theirs.messages[count]!)) {
    return `we refuse ("${ours.fault}") what llhttp reads: ${JSON.stringify(theirs.messages[count])}`
  }
  return null
}
