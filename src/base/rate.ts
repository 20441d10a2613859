import { durationMs } from './duration.ts'

/** How many requests there may be in which time. Plain data. */
export interface Rate {
  readonly count: number
  /** Whole seconds. */
  readonly seconds: number
  /** So many may come at once after a pause. */
  readonly burst: number
  /** `client`: each client address for itself; `all`: all of them together. */
  readonly per: 'client' | 'all'
}

const units: Readonly<Partial<Record<string, number>>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const most = 1_000_000_000

/**
 * Reads `100/m`, `10/s,burst=50`, `1000/30s,per=all`: a count, a time (`s`, `m`, `h`, `d`, or a duration of whole
 * seconds up to a day), and what is different. Without `burst` it is the count.
 *
 * @returns null: it is none
 */
export function parseRate(text: string): Rate | null {
  const [limit = '', ...more] = text.split(',')
  const [, digits = '', time = ''] = /^(\d{1,10})\/([\da-z.]+)$/.exec(limit) ?? []
  const count = Number(digits)
  const seconds = units[time] ?? (durationMs(time) ?? 0) / 1000
  if (count < 1 || count > most || !Number.isInteger(seconds) || seconds < 1 || seconds > 86_400) return null
  let burst: number | null = null
  let per: Rate['per'] | null = null
  for (const pair of more) {
    const [, key, value = ''] = /^(burst|per)=(\w+)$/.exec(pair) ?? []
    if (key === 'burst' && burst === null && /^\d{1,10}$/.test(value)) burst = Number(value)
    else if (key === 'per' && per === null && (value === 'client' || value === 'all')) per = value
    else return null
  }
  burst ??= count
  if (burst < 1 || burst > most) return null
  return { count, seconds, burst, per: per ?? 'client' }
}
