import type { Members } from './member.ts'

/** Says whose turn it is by the shares, whatever state that target is in. */
export interface Turns {
  /** HOT: once for each request. Index of the target. */
  next(): number
}

/** Where a route's round-robin stands. Outlives tables, so that frequent updates do not favour the first target. */
export interface Cursor {
  next: number
}

export type TurnsFactory = (ring: Uint32Array, cursor: Cursor, members: Members) => Turns

/** Weighted round-robin: the next slot of the ring. */
const roundRobin: TurnsFactory = (ring, cursor) => ({
  next() {
    const slot = cursor.next < ring.length ? cursor.next : 0
    cursor.next = slot + 1
    return ring[slot]!
  },
})

/** A slot of the ring at random. */
const randomSlot: TurnsFactory = (ring, _cursor, members) => ({
  next: () => ring[Math.floor(members.random() * ring.length)]!,
})

/**
 * The power of two choices: of two slots at random the target with fewer requests in flight for its share. Close to the
 * least loaded of all at the price of two draws, and several gateways do not all run to the same one (M. Mitzenmacher,
 * The Power of Two Choices in Randomized Load Balancing, 2001).
 *
 * With equal loads the first draw counts, so that an idle route keeps its shares. With equal shares the second slot is
 * never that of the first target: one that takes requests and never answers has as many as the others, and gets no more.
 * A small share is drawn less often, and must not be drawn against its will: with unlike shares both draws stand, even
 * if they are the same target, and a target of share s gets between s² and 2s - s² of the requests whatever the loads are.
 */
const leastLoaded: TurnsFactory = (ring, _cursor, members) => {
  const slots = ring.length
  const load = (index: number): number => members.at(index).inFlight / members.share(index)
  // With equal shares a target has one slot, and the second one is at least one further.
  const isEven = slots > 1 && new Set(ring).size === slots
  const least = isEven ? 1 : 0
  return {
    next() {
      const at = Math.floor(members.random() * slots)
      const further = least + Math.floor(members.random() * (slots - least))
      const first = ring[at]!
      const second = ring[(at + further) % slots]!
      return load(second) < load(first) ? second : first
    },
  }
}

/** The values of `proxy.strategy` and `strategy=`. */
export const strategies = {
  rr: roundRobin,
  rnd: randomSlot,
  least: leastLoaded,
} satisfies Record<string, TurnsFactory>
export type Strategy = keyof typeof strategies
export const strategyNames = Object.keys(strategies) as readonly Strategy[]
