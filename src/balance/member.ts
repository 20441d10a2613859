/** Live state of somebody who gets requests, as far as balancing asks for it. */
export interface Member {
  /** HOT. False: it may have its whole share. */
  readonly isHeldBack: boolean
  /** How much of its share it may have now, 0: nothing, to 1: all of it. */
  readonly part: number
  /** Requests that it has now. */
  readonly inFlight: number
}

/** What the members of one route come to together. */
export interface MemberGroup {
  /** Somebody may have the whole of his share: those who start slowly can be spared. */
  readonly hasWhole: boolean
  /** Whether a member whose part is 0 gets requests all the same, because too few others are left. */
  isSpared(member: Member): boolean
}

/** Who asks nobody, as a redirect does, is never in trouble. */
export const alwaysThere: Member = { isHeldBack: false, part: 1, inFlight: 0 }

/** All indices are those of a route's targets. */
export interface BalancingParts {
  readonly members: readonly Member[]
  readonly group: MemberGroup
  /** Of the route's requests; they sum to 1, or there are none. */
  readonly shares: readonly number[]
  /** The most requests that each may have at a time; 0: no limit. */
  readonly limits: readonly number[]
  readonly random: () => number
}

/** The targets of one route with what may be asked of each at this moment. */
export class Members {
  readonly #parts: BalancingParts

  constructor(parts: BalancingParts) {
    this.#parts = parts
  }

  get count(): number {
    return this.#parts.members.length
  }

  at(index: number): Member {
    return this.#parts.members[index]!
  }

  share(index: number): number {
    return this.#parts.shares[index]!
  }

  /** How much of its share a target may have now, 0 to 1. */
  part(index: number): number {
    const { members, group } = this.#parts
    const member = members[index]!
    if (!member.isHeldBack) return 1
    if (member.part === 0) return group.isSpared(member) ? 1 : 0
    return group.hasWhole ? member.part : 1
  }

  /** It has as many requests as it may. */
  isFull(index: number): boolean {
    const limit = this.#parts.limits[index]!
    return limit > 0 && this.#parts.members[index]!.inFlight >= limit
  }

  random(): number {
    return this.#parts.random()
  }
}
