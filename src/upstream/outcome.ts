import type { ErrorCode, GatewayError } from '../base/errors.ts'

/** Failures before an answer that speak against the upstream: connections refused or broken, answers that never came. */
const against: ReadonlySet<ErrorCode> = new Set([
  'GW_CONNECT_REFUSED',
  'GW_CONNECT_FAILED',
  'GW_CONNECT_TIMEOUT',
  'GW_RESET',
  'GW_BAD_ANSWER',
  'GW_HEAD_TIMEOUT',
  'GW_ANSWER_TIMEOUT',
])

/** This machine has no file descriptor or port left, or its name server is silent: no upstream can help that. */
const ownTrouble: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'EADDRNOTAVAIL', 'EAI_AGAIN'])

/** Whether a failed attempt speaks against the upstream that it went to, and not against the client or this machine. */
export function isUpstreamsFault(error: GatewayError): boolean {
  if (!against.has(error.code)) return false
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code
  return code === undefined || !ownTrouble.has(code)
}

/** Whether a status says that the upstream is not able to serve: 502, 503, 504. A plain 500 is an answer. */
export const isTrouble = (status: number): boolean => status >= 502 && status <= 504
