const numbers = new Intl.NumberFormat('en')
const two = (n: number): string => String(n).padStart(2, '0')

/** What is not known. */
export const dash = '–'

/** `1 route`, `10,000 routes`; with its own plural, `2 tags or lines`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${numbers.format(n)} ${n === 1 ? one : many}`
}

export const whole = (n: number): string => numbers.format(n)

/** A part of the whole, 0 to 1, as fabio's page writes it: `33.33%` (fabio reference 9.5). */
export function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`
}

/** Requests a second: `0`, `0.25`, `12.3`, `1,234`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0'
  if (perSecond < 0.01) return '<0.01'
  if (perSecond < 100) return String(Number(perSecond.toPrecision(perSecond < 1 ? 2 : 3)))
  return numbers.format(Math.round(perSecond))
}

/** A part of the requests, 0 to 1: `0%`, `<0.1%`, `2.5%`, `50%`. */
export function errorShare(share: number): string {
  if (share === 0) return '0%'
  if (share < 0.001) return '<0.1%'
  return `${share < 0.1 ? (share * 100).toFixed(1).replace(/\.0$/, '') : Math.round(share * 100)}%`
}

/** `<1 ms`, `3.2 ms`, `140 ms`, `1.2 s` */
export function milliseconds(ms: number): string {
  if (ms < 1) return '<1 ms'
  if (ms < 10) return `${ms.toFixed(1).replace(/\.0$/, '')} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return `${Number((ms / 1_000).toPrecision(2))} s`
}

/** Local time, `14:03:22`; with the date in front, `2026-03-04 14:03:22`, when it was not on the day of `now`. */
export function timeOf(when: number, now: number): string {
  const d = new Date(when)
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
  if (d.toDateString() === new Date(now).toDateString()) return time
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`
}

/**
 * `(2) Routes - gatehouse - <title>`: what a tab and a list of windows tell apart by its beginning.
 *
 * @param title `ui.title`, may be empty
 * @param problems null: not known yet
 */
export function pageTitle(page: string, title: string, problems: number | null): string {
  const name = title === '' ? 'gatehouse' : `gatehouse - ${title}`
  return `${problems === null || problems === 0 ? '' : `(${problems}) `}${page} - ${name}`
}

/** What stands under a name that somebody chose: `constructor` is in every object, and not what is asked for. */
export const underName = <T>(values: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined
