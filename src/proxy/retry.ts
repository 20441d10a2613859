import type { GatewayError } from '../base/errors.ts'
import { isIdempotent } from '../http1/methods.ts'

/** What is known of a request when an attempt at it failed. */
export interface Attempt {
  readonly method: string
  /** Attempts so far, the failed one included. */
  readonly attempts: number
  /** The request went out on a connection: it may have reached the upstream. */
  readonly wasSent: boolean
  /** In how many attempts it went out. */
  readonly timesSent: number
  /** Some of the request's body was read, and cannot be read again. */
  readonly bodyWasRead: boolean
  /** The client has the head of an answer. */
  readonly wasAnswered: boolean
  /** How often it may be tried again: `proxy.retry.attempts`, or the route's `retry=`. */
  readonly retries: number
}

/** Whether a request may be tried again: the cases in which that could do harm come first. */
export function mayRetry(attempt: Attempt, error: GatewayError): boolean {
  if (attempt.wasAnswered || attempt.bodyWasRead || attempt.attempts > attempt.retries) return false
  // Nothing reached an upstream: any method is safe.
  if (!attempt.wasSent) return error.retry === 'always'
  if (!isIdempotent(attempt.method)) return false
  // Once: what ends one instance after the other had better not be sent to a third.
  return error.retry === 'once' && attempt.timesSent < 2
}
