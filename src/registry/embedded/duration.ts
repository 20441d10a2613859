/** Milliseconds of one unit of Go's `time.ParseDuration`. Both letters that look like micro are in use. */
const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

/** What Go's int64 of nanoseconds holds, in milliseconds. */
const longestMs = 2 ** 63 / 1e6

export class DurationError extends Error {
  override readonly name = 'DurationError'
}

/**
 * Milliseconds of a duration as Go writes it: `300ms`, `-1.5h`, `1h2m`, `0`.
 *
 * Throws a DurationError in the words of Go's `time.ParseDuration`, which Consul passes on to its clients.
 */
export function parseGoDuration(text: string): number {
  const isNegative = text.startsWith('-')
  const unsigned = isNegative || text.startsWith('+') ? text.slice(1) : text
  if (unsigned === '0') return 0
  if (unsigned === '') throw new DurationError(`time: invalid duration ${JSON.stringify(text)}`)
  let total = 0
  const part = /(\d*)(\.\d*)?([^\d.]*)/y
  while (part.lastIndex < unsigned.length) {
    const [, whole = '', fraction = '', unit = ''] = part.exec(unsigned) ?? []
    if (whole === '' && fraction.length < 2) {
      throw new DurationError(`time: invalid duration ${JSON.stringify(text)}`)
    }
    if (unit === '') throw new DurationError(`time: missing unit in duration ${JSON.stringify(text)}`)
    const factor = Object.hasOwn(unitMs, unit) ? unitMs[unit] : undefined
    if (factor === undefined) {
      throw new DurationError(
        `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`,
      )
    }
    total += Number(`${whole}${fraction}`) * factor
  }
  if (total >= longestMs) throw new DurationError(`time: invalid duration ${JSON.stringify(text)}`)
  return isNegative ? -total : total
}
