import type { Answer, ConsulError } from './client.ts'

/** Keeps the instances of services up to date, one way or another. */
export interface Follower {
  /** Reads the service and goes on telling what becomes of it. */
  follow(service: string): void
  unfollow(service: string): void
  /**
   * Some instance of some service was registered or withdrawn.
   *
   * @param services followed ones whose tags are others now; empty: nothing says whose instance it was
   * @param index the index at which that was seen
   */
  registrationsChanged(services: readonly string[], index: bigint): void
  close(): Promise<void>
}

/** What a follower tells. */
export interface FollowerListener {
  /**
   * An answer of `GET /v1/health/service/:name`. Returns whether it brought anything new. Throws where it is not what
   * Consul documents; then it is asked for again.
   */
  answered(service: string, answer: Answer): boolean
  /** An answer that was an error or could not be taken; what was known stays. */
  refused(service: string, error: ConsulError): void
  /** Services with an instance on this node. */
  servicesOn(node: string): readonly string[]
}
