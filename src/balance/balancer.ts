import type { Affinity, AffinityRequest } from './affinity.ts'
import { type BalancingParts, type Member, Members } from './member.ts'
import { buildRing } from './ring.ts'
import { type Cursor, type Strategy, strategies, type Turns } from './strategies.ts'

/** What `pick` says when every target that could have the request has as many as it may. */
export const busy = -1

/** Says which target of a route gets a request. Made anew with the route; its cursor lives on. */
export interface Balancer {
  /** HOT: once for each request. Index of the target, or `busy`. */
  pick(request: AffinityRequest): number
  /** As `pick`, and not the one that has just failed as long as there is another. */
  pickOther(request: AffinityRequest, failed: Member): number
  /** Whether a target that was picked a while ago can have the request still, with nothing more to be asked. */
  hasRoom(index: number): boolean
}

export interface BalancerOptions extends BalancingParts {
  readonly strategy: Strategy
  readonly cursorAt: (slots: number) => Cursor
  /** What keeps a client at a target; null: nothing does. */
  readonly affinity: ((members: Members) => Affinity) | null
}

/** Null when no target has a share. */
export function buildBalancer(
  options: BalancerOptions,
): { balancer: Balancer; affinity: Affinity | null } | null {
  const ring = buildRing(options.shares)
  if (ring.length === 0) return null
  const members = new Members(options)
  const turns = strategies[options.strategy](ring, options.cursorAt(ring.length), members)
  const isLimited = options.limits.some((limit) => limit > 0)
  const byTurns = isLimited ? new LimitedBalancer(turns, members) : new TurnBalancer(turns, members)
  if (options.affinity === null) return { balancer: byTurns, affinity: null }
  const affinity = options.affinity(members)
  return { balancer: new StickyBalancer(byTurns, affinity, members), affinity }
}

/** How many turns go by before those who may have a request draw lots. */
const mostTurns = 16

/** Whoever's turn it is, unless something keeps requests from it. */
class TurnBalancer implements Balancer {
  protected readonly turns: Turns
  protected readonly members: Members

  constructor(turns: Turns, members: Members) {
    this.turns = turns
    this.members = members
  }

  pick(_request: AffinityRequest): number {
    const index = this.turns.next()
    return this.members.at(index).isHeldBack ? this.goOn(index) : index
  }

  /**
   * By lot and not in turn: after each failure the turn would be back at the one that fails, and every request would
   * try it first.
   */
  pickOther(_request: AffinityRequest, failed: Member): number {
    return drawLots(this.members, failed)
  }

  hasRoom(index: number): boolean {
    return this.members.part(index) > 0 && !this.members.isFull(index)
  }

  /** Goes on from a turn until somebody may have the request: so those who may keep their shares among themselves. */
  protected goOn(from: number): number {
    const { members } = this
    let index = from
    for (let turn = 0; turn < mostTurns; turn++) {
      if (!members.isFull(index)) {
        const part = members.part(index)
        if (part === 1 || (part > 0 && members.random() < part)) return index
      }
      index = this.turns.next()
    }
    return drawLots(members, null)
  }
}

/** Some target may have only so many requests at a time. */
class LimitedBalancer extends TurnBalancer {
  override pick(_request: AffinityRequest): number {
    return this.goOn(this.turns.next())
  }
}

/** By share, among those who may have the request: what turns cannot find where one share is nearly everything. */
function drawLots(members: Members, failed: Member | null): number {
  const chances = new Float64Array(members.count)
  let sum = 0
  let isBusy = false
  for (let index = 0; index < chances.length; index++) {
    if (members.at(index) === failed) continue
    const chance = members.share(index) * members.part(index)
    if (chance === 0) continue
    if (members.isFull(index)) isBusy = true
    else {
      chances[index] = chance
      sum += chance
    }
  }
  if (sum > 0) return drawn(chances, members.random() * sum)
  if (isBusy) return busy
  // Who has failed is all that is left; or nobody is, and then it is better to ask than to refuse.
  return failed === null ? drawAny(members) : drawLots(members, null)
}

function drawAny(members: Members): number {
  const chances = new Float64Array(members.count)
  let sum = 0
  for (let index = 0; index < chances.length; index++) {
    if (members.isFull(index)) continue
    chances[index] = members.share(index)
    sum += chances[index]!
  }
  return sum > 0 ? drawn(chances, members.random() * sum) : busy
}

function drawn(chances: Float64Array, lot: number): number {
  let left = lot
  let last = busy
  for (let index = 0; index < chances.length; index++) {
    const chance = chances[index]!
    if (chance === 0) continue
    if (left < chance) return index
    left -= chance
    // What the additions have rounded away falls to the last one.
    last = index
  }
  return last
}

/** Where the request belongs, and else whoever's turn it is. */
class StickyBalancer implements Balancer {
  readonly #others: TurnBalancer
  readonly #affinity: Affinity
  readonly #members: Members

  constructor(others: TurnBalancer, affinity: Affinity, members: Members) {
    this.#others = others
    this.#affinity = affinity
    this.#members = members
  }

  pick(request: AffinityRequest): number {
    const index = this.#affinity.targetOf(request, null)
    if (index === -1) return this.#others.pick(request)
    return this.#members.isFull(index) ? busy : index
  }

  hasRoom(index: number): boolean {
    return this.#others.hasRoom(index)
  }

  pickOther(request: AffinityRequest, failed: Member): number {
    const index = this.#affinity.targetOf(request, failed)
    if (index === -1) return this.#others.pickOther(request, failed)
    return this.#members.isFull(index) ? busy : index
  }
}
