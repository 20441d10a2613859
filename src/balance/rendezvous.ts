import type { Affinity, AffinityRequest } from './affinity.ts'
import { hashOf, mix } from './hash.ts'
import type { Member, Members } from './member.ts'

/**
 * Weighted rendezvous hashing (D. Thaler and C. Ravishankar, 1998; the weights: J. Resch, 2015): each target draws a
 * number from the key and its own name, and the best one has the key. Shares are kept, every gateway comes to the same
 * answer without asking another, and when a target goes or comes only its own keys move.
 */
export class Rendezvous implements Affinity {
  readonly #members: Members
  readonly #seeds: readonly number[]
  readonly #keyOf: (request: AffinityRequest) => string

  /**
   * @param names of the targets, the same for the same target in every table
   * @param keyOf what requests have in common that belong together; empty: the request belongs nowhere
   */
  constructor(members: Members, names: readonly string[], keyOf: (request: AffinityRequest) => string) {
    this.#members = members
    this.#seeds = names.map(hashOf)
    this.#keyOf = keyOf
  }

  targetOf(request: AffinityRequest, failed: Member | null): number {
    const key = this.#keyOf(request)
    if (key === '') return -1
    const members = this.#members
    const hash = hashOf(key)
    let best = -1
    let bestTime = Number.POSITIVE_INFINITY
    for (let index = 0; index < members.count; index++) {
      const weight = members.share(index) * members.part(index)
      if (weight === 0 || members.at(index) === failed) continue
      // The first of several exponentially distributed events is each one's with the probability of its rate.
      const time = -Math.log((mix(hash ^ this.#seeds[index]!) + 0.5) / 0x1_0000_0000) / weight
      if (time >= bestTime) continue
      best = index
      bestTime = time
    }
    return best
  }
}
