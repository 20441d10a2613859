import type { Clock } from '../../base/world.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (n: number): string => (n < 10 ? `0${n}` : String(n))

/**
 * When a request ended, in the forms that a line may have. The texts of a second are put together once in it. UTC, which
 * is what they say they are; fabio writes local time there (QUIRK-43).
 */
export class EndTime {
  /** Seconds since the epoch. */
  second = 0
  /** Nanoseconds within the second. */
  nanos = 0
  readonly #clock: Clock
  /** Wall clock at `#monotonic`, milliseconds. */
  #wall = 0
  #monotonic = 0
  #common = ''
  #rfc3339 = ''
  #writtenFor = -1

  constructor(clock: Clock) {
    this.#clock = clock
    this.#setAgain()
  }

  /** The wall clock may have been set: it is looked at once a second. */
  #setAgain(): void {
    this.#wall = this.#clock.now()
    this.#monotonic = this.#clock.monotonic()
  }

  /** HOT: once for each line. @param monotonic milliseconds */
  set(monotonic: number): void {
    if (monotonic - this.#monotonic > 1_000) this.#setAgain()
    // The two are added in whole milliseconds and the rest apart: together they would have no place for nanoseconds.
    const since = monotonic - this.#monotonic
    const whole = Math.floor(since)
    const ms = Math.floor(this.#wall) + whole
    this.second = Math.floor(ms / 1000)
    this.nanos = (ms - this.second * 1000) * 1e6 + Math.floor((since - whole) * 1e6)
  }

  /** `02/Jan/2006:15:04:05 +0000` */
  get common(): string {
    if (this.#writtenFor !== this.second) this.#write()
    return this.#common
  }

  /** `2006-01-02T15:04:05`, without its `Z` */
  get rfc3339(): string {
    if (this.#writtenFor !== this.second) this.#write()
    return this.#rfc3339
  }

  #write(): void {
    this.#writtenFor = this.second
    const date = new Date(this.second * 1000)
    const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
    const month = date.getUTCMonth()
    const day = two(date.getUTCDate())
    this.#common = `${day}/${months[month]}/${date.getUTCFullYear()}:${time} +0000`
    this.#rfc3339 = `${date.getUTCFullYear()}-${two(month + 1)}-${day}T${time}`
  }

  /** Digits of the second's part: 3, 6 or 9. */
  fraction(digits: 3 | 6 | 9): string {
    const part = parts[digits]
    return digitsOf(Math.floor(this.nanos / part.nanos), part.unit)
  }

  /** Since the epoch, in parts of a second: 3 for milliseconds, 6, 9. */
  unix(digits: 3 | 6 | 9): string {
    return this.second + this.fraction(digits)
  }
}

/** By decimals: how many parts a second has, and how many nanoseconds each of them. */
const parts = {
  3: { unit: 1e3, nanos: 1e6 },
  6: { unit: 1e6, nanos: 1e3 },
  9: { unit: 1e9, nanos: 1 },
} as const

/** HOT. All digits of a number below `unit`, leading zeros included: cheaper than to pad. */
const digitsOf = (value: number, unit: number): string => String(unit + value).slice(1)

/** HOT. Milliseconds as seconds with so many decimals, cut and not rounded (fabio reference 10.3): `1.111`. */
export function secondsText(milliseconds: number, digits: 3 | 6 | 9): string {
  const { unit, nanos } = parts[digits]
  const all = Math.floor(Math.round(milliseconds * 1e6) / nanos)
  if (all < unit) return `0.${digitsOf(all, unit)}`
  const second = Math.floor(all / unit)
  return `${second}.${digitsOf(all - second * unit, unit)}`
}
