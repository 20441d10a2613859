import { describe, expect, test } from 'vitest'
import { count, pageTitle, percent, timeOf } from '../../ui/src/format.ts'

describe('numbers of things', () => {
  test.each([
    [0, '0 routes'],
    [1, '1 route'],
    [2, '2 routes'],
    [10_000, '10,000 routes'],
  ])('%d is written %s', (n, text) => {
    expect(count(n, 'route')).toBe(text)
  })
})

describe('a share in percent has two decimals', () => {
  test.each([
    [0, '0.00%'],
    [1 / 3, '33.33%'],
    [2 / 3, '66.67%'],
    [0.00004, '0.00%'],
    [1, '100.00%'],
  ])('%d is written %s', (share, text) => {
    expect(percent(share)).toBe(text)
  })
})

describe('a moment', () => {
  const noon = new Date(2026, 2, 4, 12, 0, 0).getTime()
  test.each([
    ['earlier today', new Date(2026, 2, 4, 5, 6, 7), '05:06:07'],
    ['later today', new Date(2026, 2, 4, 23, 59, 59), '23:59:59'],
    ['yesterday', new Date(2026, 2, 3, 23, 59, 59), '2026-03-03 23:59:59'],
    ['the same day a year ago', new Date(2025, 2, 4, 12, 0, 0), '2025-03-04 12:00:00'],
  ])('%s', (_, when, text) => {
    expect(timeOf(when.getTime(), noon)).toBe(text)
  })
})

test.each([
  ['', 'gatehouse'],
  ['staging', 'gatehouse - staging'],
])('a gateway with the title %j has the page title %j', (title, expected) => {
  expect(pageTitle(title)).toBe(expected)
})
