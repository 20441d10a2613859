/**
 * Turns the weights that tags ask for into shares of a route's requests, as fabio does (reference 3.6). Shares sum
 * to 1, or there are none.
 *
 * @param weights one per target; 0 or less: automatic, an equal part of what the fixed ones leave
 */
export function sharesOf(weights: readonly number[]): number[] {
  // Held within what can be added up and divided by: beyond it a weight says no more than "all" or "next to nothing".
  const bounded = weights.map((weight) => (weight > 0 ? Math.min(1e100, Math.max(1e-100, weight)) : 0))
  const fixedSum = bounded.reduce((sum, weight) => sum + weight, 0)
  const automatic = bounded.filter((weight) => weight === 0).length
  const divisor = fixedSum > 1 || automatic === 0 ? fixedSum : 1
  const automaticShare = automatic === 0 ? 0 : Math.max(0, (1 - fixedSum) / automatic)
  return bounded.map((weight) => (weight > 0 ? weight / divisor : automaticShare))
}
