/** Says which target of a route gets the next request. Made anew with the route; the cursor lives on. */
export interface Balancer {
  /** Index of the target. */
  pick(): number
}

/** Where a route's round-robin stands. Outlives tables, so that frequent updates do not favour the first target. */
export interface Cursor {
  next: number
}

export type BalancerFactory = (ring: Uint32Array, cursor: Cursor, random: () => number) => Balancer

/** Weighted round-robin: the next slot of the ring. */
const roundRobin: BalancerFactory = (ring, cursor) => ({
  pick() {
    const slot = cursor.next < ring.length ? cursor.next : 0
    cursor.next = slot + 1
    return ring[slot]!
  },
})

/** A slot of the ring at random. */
const randomSlot: BalancerFactory = (ring, _cursor, random) => ({
  pick: () => ring[Math.floor(random() * ring.length)]!,
})

/** The values of `proxy.strategy`. */
export const strategies = { rr: roundRobin, rnd: randomSlot } satisfies Record<string, BalancerFactory>
export type Strategy = keyof typeof strategies
