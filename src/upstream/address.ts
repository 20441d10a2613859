/** Where an upstream is and how it is spoken to: two targets with the same key share connections. */
export interface UpstreamAddress {
  /** `http://10.0.0.1:8080`, `https://[::1]:8443` */
  readonly origin: string
  /** The name that is asked for and verified in TLS; null: the address itself. */
  readonly serverName: string | null
  readonly tlsSkipVerify: boolean
}

/** What tells one upstream from another, the same in every process. */
export const upstreamKey = ({ origin, serverName, tlsSkipVerify }: UpstreamAddress): string =>
  // The same text, not another one with the same letters: there may be very many.
  serverName === null && !tlsSkipVerify
    ? origin
    : `${origin} ${serverName ?? ''} ${tlsSkipVerify ? 'skip-verify' : ''}`.trimEnd()
