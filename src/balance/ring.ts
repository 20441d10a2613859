/** How finely shares are resolved: a target with any share at all gets a slot (fabio reference 3.6). */
const resolution = 10_000

/**
 * Lays targets out on a ring so that walking it gives each its share, spread evenly: 25/25/50 becomes `C A B C`, not
 * all of one and then all of the other (fabio's placement ends in long runs of one target, QUIRK-82).
 *
 * @param shares one per target, summing to 1
 * @returns indices into `shares`; empty when no target has a share
 */
export function buildRing(shares: readonly number[]): Uint32Array {
  const slots = shares.map((share) => (share > 0 ? Math.max(1, Math.round(resolution * share)) : 0))
  const divisor = slots.reduce(greatestCommonDivisor, 0)
  if (divisor === 0) return new Uint32Array(0)
  const places: { at: number; index: number }[] = []
  for (let index = 0; index < slots.length; index++) {
    const count = slots[index]! / divisor
    // The k-th of n slots belongs at the middle of the k-th n-th part of the ring.
    for (let k = 0; k < count; k++) places.push({ at: (k + 0.5) / count, index })
  }
  places.sort((a, b) => a.at - b.at || a.index - b.index)
  return Uint32Array.from(places, (place) => place.index)
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}
