/** Content codings that the gateway can make (RFC 9110 section 8.4.1, RFC 7932, RFC 8878). */
export const codings = ['gzip', 'br', 'zstd'] as const
export type Coding = (typeof codings)[number]

/** Nobody names so many codings, and to read a field of 60 KiB takes 60 ms in which nothing else goes on. */
const longest = 1_024

/** RFC 9110 section 12.4.2, with the weight's zeros that nobody counts. */
const weightForm = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

/**
 * The coding that an answer is sent in (RFC 9110 section 12.5.3): the one with the greatest weight, of equal ones the
 * first in `offered`. Null: as it is, because nothing else is accepted, or because the client likes that better.
 *
 * An item that cannot be read says nothing: to send what it may have forbidden is worse than to send more octets.
 *
 * @param accepted value of Accept-Encoding; empty: the field is absent or empty, and nothing is compressed
 * @param offered in the order in which they are preferred here
 */
export function chooseCoding(accepted: string, offered: readonly Coding[]): Coding | null {
  if (accepted === '' || accepted.length > longest) return null
  const weights = weightsOf(accepted)
  const others = weights.get('*') ?? 0
  let chosen: Coding | null = null
  // Unless the client says something about it, what is there as it is is no better than what is asked for.
  let best = weights.get('identity') ?? 0
  for (const coding of offered) {
    const weight = weights.get(coding) ?? others
    if (weight > best || (weight === best && weight > 0 && chosen === null)) {
      chosen = coding
      best = weight
    }
  }
  return chosen
}

function weightsOf(accepted: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const item of accepted.toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim())
    const [parameter = 'q=1', ...more] = parameters
    const [key, value = ''] = parameter.split('=').map((part) => part.trim())
    if (name === '' || key !== 'q' || more.length > 0 || !weightForm.test(value)) continue
    // RFC 9110 section 8.4.1.3.
    const coding = name === 'x-gzip' ? 'gzip' : name
    if (!weights.has(coding)) weights.set(coding, Number(value))
  }
  return weights
}
