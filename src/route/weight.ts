/**
 * A weight as fabio reads one (reference 2.2), but finite and decimal; null where it is no such number. A negative
 * one counts as 0, which is automatic (2.4).
 */
export function parseWeight(text: string): number | null {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/iu.test(text)) return null
  const weight = Number(text)
  return Number.isFinite(weight) ? Math.max(0, weight) : null
}
