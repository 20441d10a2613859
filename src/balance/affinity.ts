import type { Member } from './member.ts'

/** What is looked at of a request to find where it belongs. */
export interface AffinityRequest {
  readonly fields: { first(lowerName: string): string; all(lowerName: string): string[] }
  /** IP address of the client. */
  readonly clientAddress: string
}

/** Keeps what belongs together at one target. */
export interface Affinity {
  /**
   * Index of the target where the request belongs and may go; -1: it belongs nowhere. Changes nothing.
   *
   * @param failed it has just failed there; null: it has failed nowhere
   */
  targetOf(request: AffinityRequest, failed: Member | null): number
}
