/**
 * Every failure of a request that the gateway knows by name: its code, whose fault it is,
 * whether trying again is safe, the status the client gets, and the words it reads.
 *
 * Statuses follow RFC 9110 section 15.6 and fabio reference 6.7, with one difference: a malformed answer or a bad
 * certificate of an upstream is 502 here (the upstream's fault), where fabio answers 500.
 */
export const catalogue = {
  GW_BAD_REQUEST: { source: 'client', retry: 'never', status: 400, says: 'the request is malformed' },
  GW_AMBIGUOUS_PATH: {
    source: 'client',
    retry: 'never',
    status: 400,
    says: 'the path can be read in more than one way',
  },
  GW_NO_ROUTE: { source: 'client', retry: 'never', status: 404, says: 'no route' },
  GW_CLIENT_GONE: { source: 'client', retry: 'never', status: 499, says: 'the client went away' },
  GW_CLIENT_TIMEOUT: {
    source: 'client',
    retry: 'never',
    status: 408,
    says: 'the request did not arrive in time',
  },
  GW_BODY_TOO_LARGE: { source: 'client', retry: 'never', status: 413, says: 'the body is too large' },
  GW_TARGET_TOO_LONG: { source: 'client', retry: 'never', status: 414, says: 'the URL is too long' },
  GW_HEAD_TOO_LARGE: { source: 'client', retry: 'never', status: 431, says: 'the header is too large' },
  GW_EXPECTATION: { source: 'client', retry: 'never', status: 417, says: 'the expectation cannot be met' },
  GW_METHOD: { source: 'client', retry: 'never', status: 405, says: 'the method is not served' },
  GW_TRANSFER_CODING: {
    source: 'client',
    retry: 'never',
    status: 501,
    says: 'the transfer coding is not known here',
  },
  GW_VERSION: { source: 'client', retry: 'never', status: 505, says: 'the version of HTTP is not served' },
  GW_FORBIDDEN: { source: 'client', retry: 'never', status: 403, says: 'access denied' },
  GW_UNAUTHORIZED: { source: 'client', retry: 'never', status: 401, says: 'authorization failed' },
  GW_RATE_LIMITED: { source: 'client', retry: 'never', status: 429, says: 'too many requests' },
  GW_GUARD_FAILED: {
    source: 'gateway',
    retry: 'never',
    status: 503,
    says: 'whether the request is allowed could not be found out',
  },
  GW_TOO_MANY_CONNECTIONS: {
    source: 'gateway',
    retry: 'never',
    status: 503,
    says: 'the gateway has as many connections as it may',
  },
  GW_NO_TARGET: {
    source: 'upstream',
    retry: 'never',
    status: 503,
    says: 'the route has no healthy instance',
  },
  GW_BUSY: {
    source: 'upstream',
    retry: 'never',
    status: 503,
    says: 'every instance of the route has as many requests as it may',
  },
  GW_QUEUE_FULL: {
    source: 'upstream',
    retry: 'always',
    status: 503,
    says: 'too many requests wait for the upstream',
  },
  GW_QUEUE_TIMEOUT: {
    source: 'upstream',
    retry: 'never',
    status: 503,
    says: 'no connection to the upstream became free in time',
  },
  GW_INSTANCE_LEFT: {
    source: 'upstream',
    retry: 'once',
    status: 502,
    says: 'the instance left before it answered',
  },
  GW_CONNECT_REFUSED: {
    source: 'upstream',
    retry: 'always',
    status: 502,
    says: 'the upstream refused the connection',
  },
  GW_CONNECT_FAILED: {
    source: 'upstream',
    retry: 'always',
    status: 502,
    says: 'the upstream could not be reached',
  },
  GW_CONNECT_TIMEOUT: {
    source: 'upstream',
    retry: 'always',
    status: 504,
    says: 'the upstream did not accept the connection in time',
  },
  GW_RESET: {
    source: 'upstream',
    retry: 'once',
    status: 502,
    says: 'the upstream closed the connection before it answered',
  },
  GW_BAD_ANSWER: {
    source: 'upstream',
    retry: 'never',
    status: 502,
    says: 'the upstream sent a malformed answer',
  },
  GW_HEAD_TIMEOUT: {
    source: 'upstream',
    retry: 'never',
    status: 504,
    says: 'the upstream did not answer in time',
  },
  GW_ANSWER_TIMEOUT: {
    source: 'upstream',
    retry: 'never',
    status: 504,
    says: 'the answer was not complete in time',
  },
  GW_INTERNAL: { source: 'gateway', retry: 'never', status: 500, says: 'the gateway failed' },
} as const satisfies Record<string, ErrorRow>

export interface ErrorRow {
  readonly source: 'client' | 'upstream' | 'gateway'
  /** `always`: nothing reached the upstream. `once`: the connection died before it answered. */
  readonly retry: 'always' | 'once' | 'never'
  readonly status: number
  readonly says: string
}

export type ErrorCode = keyof typeof catalogue

/** A failure of one request. `message` is for the log; `says` is what the client may read. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, detail: string, options?: { cause?: unknown }) {
    super(detail, options)
    this.code = code
  }

  get status(): number {
    return catalogue[this.code].status
  }

  get says(): string {
    return catalogue[this.code].says
  }

  get retry(): ErrorRow['retry'] {
    return catalogue[this.code].retry
  }
}

/** A mistake of the operator that ends the start: one sentence for each mistake, printed together. */
export class StartError extends Error {
  override readonly name: string = 'StartError'
  readonly mistakes: readonly string[]
  /** What the process is to end with. */
  readonly exitCode: number = 1

  constructor(mistakes: string | readonly string[], options?: { cause?: unknown }) {
    const list = typeof mistakes === 'string' ? [mistakes] : mistakes
    super(list.join('\n'), options)
    this.mistakes = list
  }
}

/** The words of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Node reports a name with several addresses as an AggregateError with an empty message.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  if (error.message !== '') return error.message
  return (error as NodeJS.ErrnoException).code ?? error.name
}

const fromSystem: Readonly<Partial<Record<string, ErrorCode>>> = {
  ECONNREFUSED: 'GW_CONNECT_REFUSED',
  EHOSTUNREACH: 'GW_CONNECT_FAILED',
  ENETUNREACH: 'GW_CONNECT_FAILED',
  EADDRNOTAVAIL: 'GW_CONNECT_FAILED',
  ENOTFOUND: 'GW_CONNECT_FAILED',
  EAI_AGAIN: 'GW_CONNECT_FAILED',
  EMFILE: 'GW_CONNECT_FAILED',
  ENFILE: 'GW_CONNECT_FAILED',
  ETIMEDOUT: 'GW_CONNECT_TIMEOUT',
  ECONNRESET: 'GW_RESET',
  EPIPE: 'GW_RESET',
}

/** Names a failure that came from elsewhere. `codes` adds what a library calls its own. */
export function asGatewayError(
  error: unknown,
  codes: Readonly<Partial<Record<string, ErrorCode>>> = {},
): GatewayError {
  if (error instanceof GatewayError) return error
  const system = (error as NodeJS.ErrnoException | null)?.code ?? ''
  const code = codes[system] ?? fromSystem[system] ?? 'GW_INTERNAL'
  return new GatewayError(code, messageOf(error), { cause: error })
}
