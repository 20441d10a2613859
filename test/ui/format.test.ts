import { describe, expect, test } from 'vitest'
import {
  count,
  errorShare,
  milliseconds,
  pageTitle,
  percent,
  rate,
  timeOf,
  underName,
} from '../../ui/src/format.ts'

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
  ['', null, 'Routes - gatehouse'],
  ['', 0, 'Routes - gatehouse'],
  ['staging', 2, '(2) Routes - gatehouse - staging'],
])('a gateway with the title %j and %s problems has the page title %j', (title, problems, expected) => {
  expect(pageTitle('Routes', title, problems)).toBe(expected)
})

test.each([
  [0, '0'],
  [0.001, '<0.01'],
  [0.25, '0.25'],
  [0.3333, '0.33'],
  [1, '1'],
  [12.345, '12.3'],
  [99.96, '100'],
  [1234.5, '1,235'],
])('%d requests a second are written %s', (perSecond, expected) => {
  expect(rate(perSecond)).toBe(expected)
})

test.each([
  [0, '0%'],
  [0.0004, '<0.1%'],
  [0.01, '1%'],
  [0.0256, '2.6%'],
  [0.5, '50%'],
  [1, '100%'],
])('a part of %d is written %s', (share, expected) => {
  expect(errorShare(share)).toBe(expected)
})

test.each([
  [0.4, '<1 ms'],
  [3, '3 ms'],
  [3.24, '3.2 ms'],
  [140.4, '140 ms'],
  [1234, '1.2 s'],
  [10_000, '10 s'],
])('%d ms are written %s', (ms, expected) => {
  expect(milliseconds(ms)).toBe(expected)
})

test('under a name is what somebody put there, not what every object has', () => {
  const values = JSON.parse('{"__proto__":1,"a":2}') as Record<string, number>
  const names = ['a', '__proto__', 'constructor', 'toString']
  expect(names.map((name) => underName(values, name))).toEqual([2, 1, undefined, undefined])
})
