/** Interim answers to one request: nobody needs so many, and each may put off the end of waiting. */
export const maxInterim = 1_000

/** How large a message may be. */
export interface HeadLimits {
  /** `proxy.maxheadersize`: octets of a whole head, start line and fields. */
  readonly maxHeadSize: number
  /** `proxy.maxheaders`: field lines. More are refused, never dropped: dropped ones could be what frames the body. */
  readonly maxFields: number
  /** `proxy.maxuri`: octets of the request target. */
  readonly maxTargetSize: number
}
