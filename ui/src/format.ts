const numbers = new Intl.NumberFormat('en')
const two = (n: number): string => String(n).padStart(2, '0')

/** `1 route`, `10,000 routes` */
export function count(n: number, one: string): string {
  return `${numbers.format(n)} ${one}${n === 1 ? '' : 's'}`
}

/** A part of the whole, 0 to 1, as fabio's page writes it: `33.33%` (fabio reference 9.5). */
export function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`
}

/** Local time, `14:03:22`; with the date in front, `2026-03-04 14:03:22`, when it was not on the day of `now`. */
export function timeOf(when: number, now: number): string {
  const d = new Date(when)
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
  if (d.toDateString() === new Date(now).toDateString()) return time
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`
}

/** `gatehouse - <title>`, or the bare name where the operator gave none. */
export function pageTitle(title: string): string {
  return title === '' ? 'gatehouse' : `gatehouse - ${title}`
}
