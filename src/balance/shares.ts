/**
 * Turns the weights that tags ask for into shares of a route's requests, as fabio does (reference 3.6). Shares sum
 * to 1, or there are none.
 *
 * @param weights one per target; 0 or less: automatic, an equal part of what the fixed ones leave
 */
export function sharesOf(weights: readonly number[]): number[] {
  let fixedSum = 0
  let automatic = 0
  for (const weight of weights) {
    if (weight > 0) fixedSum += weight
    else automatic++
  }
  const scale = fixedSum > 1 || automatic === 0 ? 1 / fixedSum : 1
  const automaticShare = automatic === 0 ? 0 : Math.max(0, (1 - fixedSum) / automatic)
  return weights.map((weight) => (weight > 0 ? weight * scale : automaticShare))
}
